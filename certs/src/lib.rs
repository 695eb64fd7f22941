//! Certificates of kubeOP: a CA, and the leaves that it signs.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

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
    /// Certificate and key do not serve.
    #[error("cannot serve with this certificate and key: {0}")]
    Serve(#[from] rustls::Error),
}

/// A CA that can sign.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a CA that is valid from an hour before `now` (clocks differ) for `life`.
    pub fn new(name: &str, now: OffsetDateTime, life: Duration) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::HOUR;
        params.not_after = now + life;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// The CA's certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs a certificate for a server that is called by `names`: DNS names or addresses.
    pub fn server(
        &self,
        names: &[String],
        now: OffsetDateTime,
        life: Duration,
    ) -> Result<Pair, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = now - Duration::HOUR;
        params.not_after = now + life;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Pair {
            certificate,
            key: key.serialize_pem(),
        })
    }
}

/// A certificate (with what follows it in its chain) and its key, PEM.
pub struct Pair {
    /// Certificate first, then its chain.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

impl Pair {
    /// What a TLS server needs; HTTP/1.1, which is what the API server speaks to webhooks.
    pub fn server_config(&self) -> Result<ServerConfig, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| CertificateError::Read {
                what: "the certificate",
                source,
            })?;
        let key =
            PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|source| CertificateError::Read {
                what: "the private key",
                source,
            })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::pem::parse_x509_pem;

    #[test]
    fn a_leaf_is_signed_by_its_authority_and_names_its_server() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let authority = Authority::new("kubeOP webhook", now, Duration::days(365)).unwrap();
        let pair = authority
            .server(&["127.0.0.1".to_owned()], now, Duration::days(30))
            .unwrap();
        let (_, ca) = parse_x509_pem(authority.certificate().as_bytes()).unwrap();
        let (_, leaf) = parse_x509_pem(pair.certificate.as_bytes()).unwrap();
        let (ca, leaf) = (ca.parse_x509().unwrap(), leaf.parse_x509().unwrap());
        assert_eq!(leaf.issuer(), ca.subject());
        assert!(ca.is_ca() && !leaf.is_ca());
        assert_eq!(
            leaf.validity().not_after.timestamp(),
            (now + Duration::days(30)).unix_timestamp()
        );
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 1);
        pair.server_config().unwrap();
    }

    #[test]
    fn a_text_that_is_no_key_is_named() {
        let pair = Pair {
            certificate: String::new(),
            key: "nothing".to_owned(),
        };
        assert!(
            pair.server_config()
                .unwrap_err()
                .to_string()
                .contains("the private key")
        );
    }
}
