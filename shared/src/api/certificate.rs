//! `Certificate`: a TLS certificate for one host, kept in a Secret.

use super::words;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
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
    printcolumn = r#"{"name": "Until", "type": "string", "jsonPath": ".status.notAfter", "description": "When what the Secret holds ends"}"#,
    printcolumn = r#"{"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// Host name. kubeOP's own CA signs for none inside the cluster (`*.svc`, `*.cluster.local`), no single label and no
    /// address.
    #[schemars(schema_with = "words::host")]
    pub host: String,
    /// `DNSRecord` of the same namespace that must be ready before this is. kubeOP's own CA signs without waiting for
    /// it; cert-manager is asked once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::object_name")]
    pub dns_record_ref: Option<String>,
    /// Secret of type `kubernetes.io/tls` that holds the certificate. Default `<name>-tls`. One that somebody else made
    /// is left alone.
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
    /// What the Secret really holds: names that its certificate is for, the first 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::certificate_names")]
    pub names: Vec<String>,
    /// Distinguished name of who signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub issuer: Option<String>,
    /// From when it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// Until when it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// When another one takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_time: Option<Time>,
    /// SHA-256 of it in hex, as `openssl x509 -noout -fingerprint -sha256` prints it, but in small letters and without
    /// colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint: Option<String>,
}

impl Certificate {
    /// Name of the Secret.
    #[must_use]
    pub fn secret_name(&self) -> String {
        let default = || format!("{}-tls", self.metadata.name.as_deref().unwrap_or_default());
        self.spec.secret_name.clone().unwrap_or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_called_after_its_certificate_unless_it_is_named() {
        let mut certificate = Certificate::new("web-external", CertificateSpec::default());
        assert_eq!(certificate.secret_name(), "web-external-tls");
        certificate.spec.secret_name = Some("mine".to_owned());
        assert_eq!(certificate.secret_name(), "mine");
    }
}
