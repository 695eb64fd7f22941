//! The certificate that a running server presents. Another takes its place between two handshakes; connections that
//! stand are not touched.

use crate::{CertificateError, Pair};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The pair that is presented to whoever connects.
#[derive(Debug)]
pub struct Served(ArcSwap<CertifiedKey>);

impl Served {
    /// Presents this pair first.
    pub fn new(pair: &Pair) -> Result<Self, CertificateError> {
        Ok(Self(ArcSwap::from_pointee(pair.certified_key()?)))
    }

    /// Presents this pair from the next handshake on. One that cannot be used leaves all as it was.
    pub fn replace(&self, pair: &Pair) -> Result<(), CertificateError> {
        self.0.store(Arc::new(pair.certified_key()?));
        Ok(())
    }

    /// What a TLS server needs; HTTP/1.1, which is what the API server speaks to webhooks.
    pub fn server_config(self: Arc<Self>) -> Result<ServerConfig, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;
    use time::{Duration, OffsetDateTime};

    #[test]
    fn a_pair_that_cannot_be_used_leaves_the_one_before() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let ca = Authority::new("x", start, Duration::DAY).unwrap();
        let pair = || ca.server(&["x".to_owned()], start, Duration::DAY).unwrap();
        let (first, second) = (pair(), pair());
        let served = Served::new(&first).unwrap();
        let presented = |served: &Served| served.0.load_full().cert.clone();
        let half = Pair {
            certificate: second.certificate.clone(),
            key: first.key.clone(),
        };
        served.replace(&half).unwrap_err();
        assert_eq!(presented(&served), first.certified_key().unwrap().cert);
        served.replace(&second).unwrap();
        assert_eq!(presented(&served), second.certified_key().unwrap().cert);
    }
}
