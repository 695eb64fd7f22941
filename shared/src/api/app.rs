//! `App`: one application of a product team, and how it is delivered.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
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
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// Name of the Project that the App belongs to.
    pub project_ref: String,
    /// Namespace of the Project. Defaulted from `metadata.namespace`; must agree with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What is delivered.
    pub delivery: Delivery,
    /// Jobs that run once per revision, before and after delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// How many revisions are kept. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// What happens when a rollout fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Seconds until a rollout without progress has failed. Default 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Stops every write of kubeOP for this App but status and deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// What happens to delivered objects when the App is deleted. Default `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    pub manifests: Vec<Value>,
}

/// A container image and what kubeOP renders for it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageDelivery {
    /// Image reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Number of Pods. Not part of the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Entrypoint, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Arguments, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Ports of the container and of its Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
    /// Environment, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<Value>>,
    /// Environment from ConfigMaps and Secrets, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_from: Option<Vec<Value>>,
    /// Volumes, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<Value>>,
    /// Volume mounts, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<Value>>,
    /// Resources, by preset, explicit, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How Pods are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Probes, by preset, explicit, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<Probes>,
    /// ServiceAccount of the Pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Node selector, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Tolerations, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<Value>>,
    /// Security context of the container, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Value>,
    /// A route from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressSpec>,
}

/// A port of the container and of its Service.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Name, unique among the ports.
    pub name: String,
    /// Port that the container listens on.
    pub container_port: i32,
    /// Port of the Service. Default: `containerPort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_port: Option<i32>,
    /// `TCP` (default), `UDP` or `SCTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
}

/// Transport protocols of core/v1.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[allow(clippy::upper_case_acronyms)] // The API's own words.
pub enum Protocol {
    /// Transmission Control Protocol.
    #[default]
    TCP,
    /// User Datagram Protocol.
    UDP,
    /// Stream Control Transmission Protocol.
    SCTP,
}

/// Resources of the container. What is explicit wins over the preset.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// `small`, `medium` or `large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<ResourcePreset>,
    /// Requests: resource name -> quantity, a string or a number as in core/v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<BTreeMap<String, Value>>,
    /// Limits: resource name -> quantity, a string or a number as in core/v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<BTreeMap<String, Value>>,
}

/// Sizes of containers.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourcePreset {
    /// 100m CPU and 128Mi requested, 256Mi memory limit.
    Small,
    /// 250m CPU and 256Mi requested, 512Mi memory limit.
    Medium,
    /// 1 CPU and 1Gi requested, 2Gi memory limit.
    Large,
}

/// How Pods are replaced, as in apps/v1 DeploymentStrategy.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// `RollingUpdate` (default) or `Recreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RolloutStrategy>,
    /// Pods over the wanted number while rolling: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<IntOrString>,
    /// Pods under the wanted number while rolling: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
}

/// Ways to replace Pods.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum RolloutStrategy {
    /// A few at a time.
    #[default]
    RollingUpdate,
    /// All old ones end first.
    Recreate,
}

/// Probes of the container. What is explicit wins over the preset.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// `http`, `tcp` or `none` (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<ProbePreset>,
    /// When the container may receive traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ProbeSpec>,
    /// When the container is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<ProbeSpec>,
    /// When the other probes begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<ProbeSpec>,
}

/// Ready-made probes.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbePreset {
    /// Readiness and startup GET `/` on the first port.
    Http,
    /// Readiness and startup connect to the first port.
    Tcp,
    /// None.
    #[default]
    None,
}

/// A probe: the flat form (`path`, `port`, `scheme`: an httpGet) or one core/v1 handler, never both,
/// with core/v1's timing fields.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeSpec {
    /// Path of the flat form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Port of the flat form: a number or the name of a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<IntOrString>,
    /// Scheme of the flat form: `HTTP` (default) or `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// core/v1 `httpGet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<Value>,
    /// core/v1 `tcpSocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<Value>,
    /// core/v1 `exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Value>,
    /// core/v1 `grpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<Value>,
    /// Seconds before the first probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// Seconds between probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// Seconds until a probe has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Successes in a row until it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<i32>,
    /// Failures in a row until it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
    /// Seconds that a container gets to end after a failed liveness probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
}

/// A route from outside to the Service.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressSpec {
    /// Host name.
    pub host: String,
    /// Path. Default `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `Prefix` (default), `Exact` or `ImplementationSpecific`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_type: Option<String>,
    /// Name of the port. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Ingress class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,
    /// Annotations of the Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Renders a `DNSRecord` named as the App.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<IngressDns>,
    /// Renders a Certificate named as the App, with the Secret `<app>-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
}

/// The name of the route in DNS.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressDns {
    /// What the host points at: an address or a name.
    pub target: String,
}

/// Jobs that run once per revision.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hooks {
    /// Run one after the other before anything is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre: Option<Vec<Hook>>,
    /// Run one after the other once everything is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Vec<Hook>>,
    /// What is delivered before the pre hooks. Default `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<HookNeeds>,
}

/// What is delivered before the pre hooks.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum HookNeeds {
    /// Nothing.
    #[default]
    None,
    /// Accounts, Roles and configuration.
    Config,
}

/// One hook: a Job of one container.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Name, unique in its phase.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Entrypoint, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Arguments, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Environment, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<Value>>,
    /// Environment from ConfigMaps and Secrets, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_from: Option<Vec<Value>>,
    /// Volumes, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<Value>>,
    /// Volume mounts, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<Value>>,
    /// Resources, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Value>,
    /// ServiceAccount of the Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Seconds until the hook has failed. Default 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// How often the Job starts a failed Pod again. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff_limit: Option<i32>,
    /// Keeps the last lines of output out of conditions and Events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide_output: Option<bool>,
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
