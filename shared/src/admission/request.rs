//! A review's request, borrowed from the bytes: no tree of values is built.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `request` of an `AdmissionReview` (admission.k8s.io/v1), as far as rules read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// Identifies the request; the answer carries it back.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Kind of the object.
    #[serde(borrow)]
    pub kind: GroupVersionKindRef<'a>,
    /// Subresource; empty for the object itself.
    #[serde(borrow, default)]
    pub sub_resource: Cow<'a, str>,
    /// Name; empty where the API server is to make one.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// Namespace; empty for cluster-scoped objects.
    #[serde(borrow, default)]
    pub namespace: Cow<'a, str>,
    /// What is done.
    pub operation: Operation,
    /// Who does it.
    #[serde(borrow, default)]
    pub user_info: UserInfo<'a>,
    /// Nothing will be kept.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// The object as it would be; absent at DELETE.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
    /// The object as it is; absent at CREATE.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
}

/// Group, version and kind of a request.
#[derive(Debug, Deserialize)]
pub struct GroupVersionKindRef<'a> {
    /// API group; empty for core.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// API version.
    #[serde(borrow, default)]
    pub version: Cow<'a, str>,
    /// Kind.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
}

/// Who makes a request.
#[derive(Debug, Default, Deserialize)]
pub struct UserInfo<'a> {
    /// User name.
    #[serde(borrow, default)]
    pub username: Cow<'a, str>,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an object.
    Update,
    /// The end of an object.
    Delete,
    /// A call such as `exec`.
    Connect,
}

/// What rules read of any object's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow, default)]
    pub labels: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(borrow, default)]
    pub name: Option<Cow<'a, str>>,
    #[serde(default)]
    pub generate_name: Option<String>,
    #[serde(borrow, default)]
    pub deletion_timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub finalizers: Option<Vec<Cow<'a, str>>>,
}

/// Reads the metadata of an object, and nothing else.
pub(super) fn metadata(object: &RawValue) -> Result<Metadata<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default)]
        metadata: Metadata<'a>,
    }
    serde_json::from_str(object.get()).map(|head: Head<'_>| head.metadata)
}

impl Metadata<'_> {
    /// Whether the object is going away.
    pub fn is_ending(&self) -> bool {
        self.deletion_timestamp.is_some_and(|time| time.get() != "null")
    }
}

impl Request<'_> {
    /// Name of the object; none where the API server is to make one. Where a whole collection is deleted, each
    /// object says its own.
    pub(super) fn name_of_object(&self) -> Option<Cow<'_, str>> {
        if self.name.is_empty() {
            return metadata(self.old_object?).ok()?.name;
        }
        Some(Cow::Borrowed(&self.name))
    }

    /// Whether this is the kind of kubeOP called `kind`.
    pub(super) fn is_own(&self, kind: &str) -> bool {
        self.kind.group == crate::api::names::GROUP && self.kind.kind == kind
    }
}
