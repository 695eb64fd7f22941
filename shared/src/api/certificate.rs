//! `Certificate`: a TLS certificate for one host, kept in a Secret.

use super::words;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a Certificate asks for.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "platform.kubeop.io",
    version = "v1alpha1",
    kind = "Certificate",
    namespaced,
    status = "CertificateStatus",
    derive = "PartialEq",
    doc = "A TLS certificate for one host, kept in a Secret.",
    category = "kubeop",
    printcolumn = r#"{"name": "Host", "type": "string", "jsonPath": ".spec.host"}"#,
    printcolumn = r#"{"name": "Secret", "type": "string", "jsonPath": ".spec.secretName", "description": "Empty: <name>-tls"}"#,
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].reason", "description": "Why it is ready or not"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// Host name.
    #[schemars(schema_with = "words::host")]
    pub host: String,
    /// `DNSRecord` that must be ready first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
    pub dns_record_ref: Option<String>,
    /// Secret that holds the certificate. Default `<name>-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
    pub secret_name: Option<String>,
    /// Who signs. Default `{kind: SelfManaged}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
}

/// Who signs a certificate.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[x_kube(validation = Rule::new("self.kind != 'CertManager' || has(self.name)")
    .message("is required for kind CertManager: the name of its issuer")
    .field_path(".name")
    .reason(Reason::FieldValueRequired))]
#[x_kube(validation = Rule::new("self.kind == 'CertManager' || (!has(self.name) && !has(self.issuerKind))")
    .message("name and issuerKind belong to kind CertManager")
    .field_path(".name")
    .reason(Reason::FieldValueForbidden))]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// `SelfManaged` or `CertManager`.
    pub kind: IssuerKind,
    /// Name of the cert-manager issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
    pub name: Option<String>,
    /// Kind of the cert-manager issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CertManagerIssuerKind")]
    pub issuer_kind: Option<CertManagerIssuerKind>,
}

/// Kinds of issuers.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum IssuerKind {
    /// kubeOP's own CA.
    #[default]
    SelfManaged,
    /// cert-manager.
    CertManager,
}

/// Kinds of cert-manager issuers.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum CertManagerIssuerKind {
    /// In the namespace of the Certificate.
    Issuer,
    /// For the whole cluster.
    ClusterIssuer,
}

/// What kubeOP says about a Certificate.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateStatus {
    /// Generation that the rest speaks about; -1 before the first look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
