//! `delivery.image.probes`: ready-made probes, the flat form, and core/v1's handlers.

use crate::api::core_schema;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Probes of the container. What is explicit wins over the preset.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[x_kube(validation = Rule::new("!has(self.readiness) || !has(self.readiness.terminationGracePeriodSeconds)")
    .message("a readiness probe ends no container")
    .field_path(".readiness.terminationGracePeriodSeconds")
    .reason(Reason::FieldValueForbidden))]
#[x_kube(validation = Rule::new("!has(self.liveness) || !has(self.liveness.successThreshold) || self.liveness.successThreshold == 1")
    .message("must be 1 for a liveness probe")
    .field_path(".liveness.successThreshold"))]
#[x_kube(validation = Rule::new("!has(self.startup) || !has(self.startup.successThreshold) || self.startup.successThreshold == 1")
    .message("must be 1 for a startup probe")
    .field_path(".startup.successThreshold"))]
#[serde(rename_all = "camelCase")]
pub struct Probes {
    /// `http`, `tcp` or `none` (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProbePreset")]
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
#[x_kube(validation = Rule::new("[has(self.port), has(self.httpGet), has(self.tcpSocket), has(self.exec), has(self.grpc)].filter(given, given).size() == 1")
    .message("a probe has exactly one of port (with path and scheme: a GET by HTTP), httpGet, tcpSocket, exec, grpc"))]
#[x_kube(validation = Rule::new("has(self.port) || (!has(self.path) && !has(self.scheme))")
    .message("path and scheme belong to port; inside httpGet they stand there")
    .field_path(".path")
    .reason(Reason::FieldValueForbidden))]
#[serde(rename_all = "camelCase")]
pub struct ProbeSpec {
    /// Path of the flat form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub path: Option<String>,
    /// Port of the flat form: a number or the name of a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<IntOrString>,
    /// Scheme of the flat form: `HTTP` (default) or `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP", "HTTPS"]))]
    pub scheme: Option<String>,
    /// core/v1 `httpGet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::http_get")]
    pub http_get: Option<Value>,
    /// core/v1 `tcpSocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::tcp_socket")]
    pub tcp_socket: Option<Value>,
    /// core/v1 `exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::exec")]
    pub exec: Option<Value>,
    /// core/v1 `grpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "core_schema::grpc")]
    pub grpc: Option<Value>,
    /// Seconds before the first probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub initial_delay_seconds: Option<i32>,
    /// Seconds between probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub period_seconds: Option<i32>,
    /// Seconds until a probe has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<i32>,
    /// Successes in a row until it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub success_threshold: Option<i32>,
    /// Failures in a row until it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub failure_threshold: Option<i32>,
    /// Seconds that a container gets to end after a failed liveness probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub termination_grace_period_seconds: Option<i64>,
}
