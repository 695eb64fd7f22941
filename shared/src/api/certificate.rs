//! `Certificate`: a TLS certificate for one host, kept in a Secret.

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
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// Host name.
    pub host: String,
    /// `DNSRecord` that must be ready first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_record_ref: Option<String>,
    /// Secret that holds the certificate. Default `<name>-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// Who signs. Default `{kind: SelfManaged}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
}

/// Who signs a certificate.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// `SelfManaged` or `CertManager`.
    pub kind: IssuerKind,
    /// Name of the cert-manager issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Kind of the cert-manager issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
