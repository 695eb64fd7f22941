//! How a served certificate stands.

use kubeop_certs::Validity;

/// How the served certificate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateState {
    /// Why nobody should connect here; none if all may.
    pub trouble: Option<String>,
    /// When the served certificate is good.
    pub leaf: Validity,
    /// When the CA is good that signs, or the one that follows it; none where the certificate is supplied.
    pub ca: Option<Validity>,
}
