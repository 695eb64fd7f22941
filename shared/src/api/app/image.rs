//! `delivery.image`: a container image, and what kubeOP renders for it.

use super::probes::Probes;
use crate::api::{core_schema, words};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A container image and what kubeOP renders for it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[x_kube(validation = Rule::new("!has(self.ingress) || (has(self.ports) && self.ports.size() > 0)")
    .message("an ingress leads to a port: name one under ports")
    .field_path(".ports")
    .reason(Reason::FieldValueRequired))]
#[x_kube(validation = Rule::new("!has(self.ingress) || !has(self.ingress.port) || !has(self.ports) || self.ports.exists(p, p.name == self.ingress.port)")
    .message("must be the name of one of ports")
    .field_path(".ingress.port"))]
#[x_kube(validation = Rule::new("!has(self.probes) || !has(self.probes.preset) || self.probes.preset == 'none' || has(self.probes.readiness) || (has(self.ports) && self.ports.size() > 0)")
    .message("probes the first port: name one under ports, or say probes.readiness")
    .field_path(".probes.preset"))]
#[serde(rename_all = "camelCase")]
pub struct ImageDelivery {
    /// Image reference.
    #[serde(rename = "ref")]
    #[schemars(length(min = 1))]
    pub reference: String,
    /// Number of Pods. Not part of the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// Entrypoint, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub command: Option<Vec<String>>,
    /// Arguments, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub args: Option<Vec<String>>,
    /// Ports of the container and of its Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub ports: Option<Vec<Port>>,
    /// Environment, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::env")]
    pub env: Option<Vec<Value>>,
    /// Environment from ConfigMaps and Secrets, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::env_from")]
    pub env_from: Option<Vec<Value>>,
    /// Volumes, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::volumes")]
    pub volumes: Option<Vec<Value>>,
    /// Volume mounts, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::volume_mounts")]
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
    #[schemars(schema_with = "words::object_name")]
    pub service_account_name: Option<String>,
    /// Node selector, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Tolerations, as in core/v1 PodSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::tolerations")]
    pub tolerations: Option<Vec<Value>>,
    /// Security context of the container, as in core/v1 Container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::security_context")]
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
    #[schemars(schema_with = "words::port_name")]
    pub name: String,
    /// Port that the container listens on.
    #[schemars(range(min = 1, max = 65535))]
    pub container_port: i32,
    /// Port of the Service. Default: `containerPort`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub service_port: Option<i32>,
    /// `TCP` (default), `UDP` or `SCTP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Protocol")]
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
    #[schemars(with = "ResourcePreset")]
    pub preset: Option<ResourcePreset>,
    /// Requests: resource name -> quantity, a string or a number as in core/v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resource_list")]
    pub requests: Option<BTreeMap<String, Value>>,
    /// Limits: resource name -> quantity, a string or a number as in core/v1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::resource_list")]
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
#[x_kube(validation = Rule::new("!has(self.strategy) || self.strategy != 'Recreate' || (!has(self.maxSurge) && !has(self.maxUnavailable))")
    .message("Recreate ends all old Pods first, so maxSurge and maxUnavailable do not go with it")
    .field_path(".strategy"))]
#[x_kube(validation = Rule::new("!has(self.maxSurge) || !has(self.maxUnavailable) || !(string(self.maxSurge) in ['0', '0%'] && string(self.maxUnavailable) in ['0', '0%'])")
    .message("maxSurge and maxUnavailable cannot both be 0: no Pod could ever be replaced")
    .field_path(".maxUnavailable"))]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// `RollingUpdate` (default) or `Recreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RolloutStrategy")]
    pub strategy: Option<RolloutStrategy>,
    /// Pods over the wanted number while rolling: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::count_or_percentage")]
    pub max_surge: Option<IntOrString>,
    /// Pods under the wanted number while rolling: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::count_or_percentage")]
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

/// A route from outside to the Service.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressSpec {
    /// Host name.
    #[schemars(schema_with = "words::host")]
    pub host: String,
    /// Path. Default `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::path")]
    pub path: Option<String>,
    /// `Prefix` (default), `Exact` or `ImplementationSpecific`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Prefix", "Exact", "ImplementationSpecific"]))]
    pub path_type: Option<String>,
    /// Name of the port. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::port_name")]
    pub port: Option<String>,
    /// Ingress class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
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
    #[schemars(schema_with = "words::target")]
    pub target: String,
}
