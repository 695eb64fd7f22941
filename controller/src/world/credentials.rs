//! What is kept of mirrored Secrets, and of the accounts that name them.

use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::managed_fields;
use serde_json::Value;

/// What is known of a mirrored Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorView {
    /// The Project that its label names.
    pub project: Box<str>,
    version: Box<str>,
}

impl MirrorView {
    /// Of a Secret; none where it names no Project.
    pub fn of(secret: &DynamicObject) -> Option<Self> {
        let project = secret.metadata.labels.as_ref()?.get(names::LABEL_PROJECT_ID)?;
        Some(Self {
            project: project.as_str().into(),
            version: secret
                .metadata
                .resource_version
                .clone()
                .unwrap_or_default()
                .into(),
        })
    }
}

/// What is known of a `ServiceAccount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Names of its pull Secrets.
    pub pulls: Box<[Box<str>]>,
    /// Whether somebody applies the list, which is one field: who applies it says all of it.
    pub applied: bool,
}

impl AccountView {
    /// Of a `ServiceAccount`.
    pub fn of(account: &DynamicObject) -> Self {
        let pulls = account.data.get("imagePullSecrets").and_then(Value::as_array);
        let names = pulls
            .into_iter()
            .flatten()
            .filter_map(|pull| pull.get("name")?.as_str());
        let managers = account.metadata.managed_fields.as_deref().unwrap_or_default();
        Self {
            pulls: names.map(Into::into).collect(),
            applied: managers
                .iter()
                .any(|manager| managed_fields::applies(manager, "imagePullSecrets")),
        }
    }
}
