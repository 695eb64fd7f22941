//! `Project`: a namespace given to a Tenant, and the rules that hold in it.

use super::{core_schema, words};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a Project asks for.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "platform.kubeop.io",
    version = "v1alpha1",
    kind = "Project",
    status = "ProjectStatus",
    derive = "PartialEq",
    doc = "A namespace given to a Tenant, and the rules that hold in it.",
    category = "kubeop",
    printcolumn = r#"{"name": "Tenant", "type": "string", "jsonPath": ".spec.tenantRef"}"#,
    printcolumn = r#"{"name": "Namespace", "type": "string", "jsonPath": ".spec.namespace", "description": "Empty: kubeop-<name>"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "description": "Why it is ready or not"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    validation = Rule::new("self.metadata.name.size() <= 56 && self.metadata.name.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name of a Project is at most 56 lower-case letters, digits and dashes, no dash at either end")
        .field_path(".metadata.name"),
    validation = Rule::new(
        "!has(self.spec.namespace) || has(oldSelf.spec.namespace) || self.spec.namespace == 'kubeop-' + self.metadata.name"
    )
        .message("the namespace of a Project cannot change (where none is named, it is kubeop-<name of the Project>)")
        .field_path(".spec.namespace"),
    validation = Rule::new(
        "has(self.spec.namespace) || !has(oldSelf.spec.namespace) || oldSelf.spec.namespace == 'kubeop-' + self.metadata.name"
    )
        .message("the namespace of a Project cannot change (where none is named, it is kubeop-<name of the Project>)")
        .field_path(".spec.namespace"),
    validation = Rule::new(
        "has(self.spec.namespace) ? !(self.spec.namespace in ['default', 'kubeop-system']) : self.metadata.name != 'system'"
    )
        .message("default and kubeop-system are no project's namespace (where none is named, it is kubeop-<name of the Project>)")
        .field_path(".spec.namespace")
        .reason(Reason::FieldValueForbidden),
    validation = Rule::new("!has(self.spec.namespace) || !self.spec.namespace.startsWith('kube-')")
        .message("namespaces that begin with kube- belong to the cluster")
        .field_path(".spec.namespace")
        .reason(Reason::FieldValueForbidden),
)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSpec {
    /// Name of the Tenant.
    #[schemars(schema_with = "words::label_63")]
    pub tenant_ref: String,
    /// Namespace. Default `kubeop-<name>`. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::label_63")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("cannot change: make another Project"))]
    pub namespace: Option<String>,
    /// Adopts a namespace that exists, if that agrees by annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<bool>,
    /// What happens to the namespace when the Project is deleted. Default `Release`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProjectDeletionPolicy")]
    pub deletion_policy: Option<ProjectDeletionPolicy>,
    /// Registries, narrowing the lists of cluster and Tenant. Absent or empty: does not narrow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::image_allowlist")]
    pub image_allowlist: Vec<String>,
    /// Host suffixes that DNS records, certificates and routes must lie in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::host_suffixes")]
    pub hosts: Vec<String>,
    /// Registry Secrets that are mirrored into the namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub registry_credentials: Vec<RegistryCredential>,
    /// Whether violations are refused or only warned of. Default `Enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Enforcement")]
    pub enforcement: Option<Enforcement>,
    /// Pod Security Admission level of the namespace. Default `baseline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PodSecurity")]
    pub pod_security: Option<PodSecurity>,
    /// Who may edit in the namespace: rbac/v1 Subjects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "core_schema::subjects")]
    pub members: Vec<Value>,
    /// Quota of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::quota")]
    pub quota: Option<Value>,
    /// Limit range of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::limit_range")]
    pub limit_range: Option<Value>,
}

impl Project {
    /// The namespace of the Project: what it says, or `kubeop-<name>`.
    #[must_use]
    pub fn namespace(&self) -> String {
        self.spec
            .namespace_or_default(self.metadata.name.as_deref().unwrap_or_default())
    }
}

impl ProjectSpec {
    /// The namespace of the Project called `name`: what the spec says, or `kubeop-<name>`.
    #[must_use]
    pub fn namespace_or_default(&self, name: &str) -> String {
        self.namespace.clone().unwrap_or_else(|| format!("kubeop-{name}"))
    }
}

/// What happens to the namespace when the Project is deleted.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum ProjectDeletionPolicy {
    /// It stays; labels, accounts and mirrors are removed.
    #[default]
    Release,
    /// It is deleted, if kubeOP made it.
    Delete,
}

/// Whether violations are refused.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Enforcement {
    /// They are refused.
    #[default]
    Enforce,
    /// They are warned of.
    Audit,
}

/// Levels of Pod Security Admission.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurity {
    /// Prevents known privilege escalations.
    #[default]
    Baseline,
    /// Hardened.
    Restricted,
    /// No restriction. A privileged Pod gets round the image allowlist.
    Privileged,
}

/// A registry Secret that is mirrored.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryCredential {
    /// Name of the source, and of the mirror.
    #[schemars(schema_with = "words::object_name")]
    pub name: String,
    /// Namespace of the source. Default `kubeop-system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::label_63")]
    pub namespace: Option<String>,
}

/// What kubeOP says about a Project.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectStatus {
    /// Generation that the rest speaks about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Tells the rules by which running Pods were looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub checked_against: Option<String>,
}
