//! The only form in which a manifest travels.

use serde_json::Value;

/// Group, version and kind of an object. The core group is the empty string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionKind {
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
}

/// One object out of a manifest, after lists are flattened.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Where it stands in the App: `spec.delivery.raw.manifests[3].items[0]`.
    pub path: String,
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// `metadata.namespace`, where given.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// The object as a tree.
    pub value: Value,
}
