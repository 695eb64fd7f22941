//! What can be wrong with a certificate.

use rustls::pki_types::pem;

/// Why a certificate cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The text is no PEM of what it should be.
    #[error("cannot read {what}: {why}")]
    Read {
        /// What was read.
        what: &'static str,
        /// What is wrong with it, in words that hold nothing of what was read: it may be a key.
        why: &'static str,
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

impl CertificateError {
    /// The reader's own words quote the line that it could not read.
    pub(crate) fn read(what: &'static str, error: &pem::Error) -> Self {
        let why = match error {
            pem::Error::NoItemsFound => "there is none, as PEM",
            pem::Error::MissingSectionEnd { .. } => "its PEM has no end",
            pem::Error::IllegalSectionStart { .. } => "its PEM has no whole line at its start",
            pem::Error::Base64Decode(_) => "its PEM is no base64",
            _ => "it is no PEM",
        };
        Self::Read { what, why }
    }
}
