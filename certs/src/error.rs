//! What can be wrong with a certificate.

/// Why a certificate cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The text is no PEM of what it should be.
    #[error("cannot read {what}: {source}")]
    Read {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// PEM, but what stands in it is not what it should be.
    #[error("{what} is none")]
    NotOne {
        /// What was read.
        what: &'static str,
    },
    /// The certificate may not sign others.
    #[error("the certificate is not one of a CA")]
    NotACa,
    /// Certificate and key are of two pairs.
    #[error("the key is not the one of the certificate")]
    OtherKey,
    /// Certificate and key do not serve.
    #[error("cannot serve with this certificate and key: {0}")]
    Serve(#[from] rustls::Error),
}
