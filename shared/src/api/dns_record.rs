//! `DNSRecord`: one host name and what it points at.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
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
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecordSpec {
    /// Host name, with or without the trailing dot.
    pub host: String,
    /// IPv4 address (A), IPv6 address (AAAA), else a name (CNAME).
    pub target: String,
    /// Time to live in seconds. Default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
}
