//! `App`: one application of a product team, and how it is delivered.

mod hooks;
mod image;
mod probes;

pub use hooks::{Hook, HookNeeds, Hooks};
pub use image::{
    ImageDelivery, IngressDns, IngressSpec, Port, Protocol, ResourcePreset, Resources, Rollout,
    RolloutStrategy,
};
pub use probes::{ProbePreset, ProbeSpec, Probes};

use super::words;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What an App asks for.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "platform.kubeop.io",
    version = "v1alpha1",
    kind = "App",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq",
    doc = "One application of a product team, and how it is delivered.",
    category = "kubeop",
    scale(
        spec_replicas_path = ".spec.delivery.image.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn = r#"{"name": "Project", "type": "string", "jsonPath": ".spec.projectRef"}"#,
    printcolumn = r#"{"name": "Kind", "type": "string", "jsonPath": ".spec.delivery.kind"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "description": "Why it is ready or not"}"#,
    printcolumn = r#"{"name": "Revision", "type": "string", "jsonPath": ".status.revision"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    validation = Rule::new("self.metadata.name.size() <= 52 && self.metadata.name.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name of an App is at most 52 lower-case letters, digits and dashes, beginning with a letter, no dash at the end")
        .field_path(".metadata.name"),
)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// Name of the Project that the App belongs to.
    #[schemars(schema_with = "words::project_name")]
    pub project_ref: String,
    /// Namespace of the Project. Defaulted from `metadata.namespace`; must agree with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::label_63")]
    pub namespace: Option<String>,
    /// What is delivered.
    pub delivery: Delivery,
    /// Jobs that run once per revision, before and after delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// How many revisions are kept. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub revision_history_limit: Option<i32>,
    /// What happens when a rollout fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Seconds until a rollout without progress has failed. Default 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub progress_deadline_seconds: Option<i32>,
    /// Stops every write of kubeOP for this App but status and deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// What happens to delivered objects when the App is deleted. Default `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AppDeletionPolicy")]
    pub deletion_policy: Option<AppDeletionPolicy>,
}

/// What happens to delivered objects when the App is deleted.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum AppDeletionPolicy {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay, without an owner.
    Orphan,
}

/// What happens when a rollout fails.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// Rolls back by itself when a rollout misses its deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<bool>,
}

/// How an App is delivered: a kind, and the one field that belongs to it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[x_kube(validation = Rule::new("has(self.image) == (self.kind == 'Image')")
    .message(Message::Expression("has(self.image) ? 'belongs to kind Image, but kind is ' + self.kind : 'is required for kind Image'".into()))
    .field_path(".image"))]
#[x_kube(validation = Rule::new("has(self.git) == (self.kind == 'Git')")
    .message(Message::Expression("has(self.git) ? 'belongs to kind Git, but kind is ' + self.kind : 'is required for kind Git'".into()))
    .field_path(".git"))]
#[x_kube(validation = Rule::new("has(self.helm) == (self.kind == 'Helm')")
    .message(Message::Expression("has(self.helm) ? 'belongs to kind Helm, but kind is ' + self.kind : 'is required for kind Helm'".into()))
    .field_path(".helm"))]
#[x_kube(validation = Rule::new("has(self.raw) == (self.kind == 'Raw')")
    .message(Message::Expression("has(self.raw) ? 'belongs to kind Raw, but kind is ' + self.kind : 'is required for kind Raw'".into()))
    .field_path(".raw"))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Which of the fields below is used.
    pub kind: DeliveryKind,
    /// A container image that kubeOP renders a Deployment, a Service and an Ingress for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageDelivery>,
    /// Manifests that were rendered from a Git repository upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<ManifestDelivery>,
    /// Manifests that were rendered by Helm upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<ManifestDelivery>,
    /// Any manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<ManifestDelivery>,
}

/// The kinds of delivery.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum DeliveryKind {
    /// `delivery.image`
    Image,
    /// `delivery.git`
    Git,
    /// `delivery.helm`
    Helm,
    /// `delivery.raw`
    Raw,
}

/// Manifests, each a YAML string or an embedded object.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestDelivery {
    /// YAML strings or embedded objects, in any mixture.
    #[schemars(schema_with = "words::manifests")]
    pub manifests: Vec<Value>,
}

/// What kubeOP says about an App.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppStatus {
    /// Generation that the rest speaks about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Revision that is delivered: 12 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Last value acted on, by annotation name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handled: BTreeMap<String, String>,
    /// Pods of the Deployment, for the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Label selector of the Pods, for the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}
