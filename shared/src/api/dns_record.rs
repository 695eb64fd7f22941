//! `DNSRecord`: one host name and what it points at.

use super::words;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a `DNSRecord` asks for.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "platform.kubeop.io",
    version = "v1alpha1",
    kind = "DNSRecord",
    root = "DnsRecord",
    plural = "dnsrecords",
    singular = "dnsrecord",
    namespaced,
    status = "DnsRecordStatus",
    derive = "PartialEq",
    doc = "One host name and what it points at.",
    category = "kubeop",
    printcolumn = r#"{"name": "Host", "type": "string", "jsonPath": ".spec.host"}"#,
    printcolumn = r#"{"name": "Target", "type": "string", "jsonPath": ".spec.target"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "description": "Why it is ready or not"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.host.lowerAscii() != self.target.lowerAscii()")
    .message("must not be the host itself")
    .field_path(".target"))]
#[serde(rename_all = "camelCase")]
pub struct DnsRecordSpec {
    /// Host name, with or without the trailing dot.
    #[schemars(schema_with = "words::host")]
    pub host: String,
    /// IPv4 address (A), IPv6 address (AAAA), else a name (CNAME).
    #[schemars(schema_with = "words::target")]
    pub target: String,
    /// Time to live in seconds. Default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub ttl: Option<i32>,
}

/// What kubeOP says about a `DNSRecord`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecordStatus {
    /// Generation that the rest speaks about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What resolvers answered when they were asked last.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub answers: Vec<DnsAnswer>,
}

/// What a resolver answers.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsAnswer {
    /// Address of the resolver.
    pub resolver: String,
    /// Records, as in `A 192.0.2.1`; none: the host does not resolve there, or `error` says why that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
