//! A certificate and its key, from wherever they come.

use crate::{CertificateError, Served, Validity};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// A certificate (with what follows it in its chain) and its key, PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// Certificate first, then its chain.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

impl Pair {
    /// What a TLS server needs that presents this pair for ever; HTTP/1.1, which is what the API server speaks to
    /// webhooks.
    pub fn server_config(&self) -> Result<ServerConfig, CertificateError> {
        Arc::new(Served::new(self)?).server_config()
    }

    /// When the chain can be trusted: while each of its certificates is good.
    pub fn validity(&self) -> Result<Validity, CertificateError> {
        let mut whole: Option<Validity> = None;
        for certificate in self.chain()? {
            let validity = Validity::of(&certificate)?;
            whole = Some(whole.map_or(validity, |whole| Validity {
                from: whole.from.max(validity.from),
                until: whole.until.min(validity.until),
            }));
        }
        whole.ok_or(CertificateError::NotOne {
            what: "the certificate",
        })
    }

    /// Certificate and key as rustls wants them, if they are of one pair.
    pub(crate) fn certified_key(&self) -> Result<CertifiedKey, CertificateError> {
        let what = "the private key";
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| CertificateError::read(what, &error))?;
        let provider = rustls::crypto::ring::default_provider();
        Ok(CertifiedKey::from_der(self.chain()?, key, &provider)?)
    }

    /// What stands in it, the server's own certificate first.
    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        let what = "the certificate";
        CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CertificateError::read(what, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;
    use time::{Duration, OffsetDateTime};

    #[test]
    fn a_pair_that_cannot_serve_says_why() {
        let ca = Authority::new("x", OffsetDateTime::UNIX_EPOCH, Duration::DAY).unwrap();
        let [one, other] = [1, 2].map(|days| {
            ca.server(
                &["x".to_owned()],
                OffsetDateTime::UNIX_EPOCH,
                Duration::days(days),
            )
            .unwrap()
        });
        let pair = |certificate: &str, key: &str| Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        for (pair, wanted) in [
            (pair("", "nothing"), "the private key"),
            (pair("", &one.key), "cannot serve"),
            (pair(&one.certificate, &other.key), "KeyMismatch"),
        ] {
            let error = pair.server_config().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}, not {wanted}");
        }
    }

    #[test]
    fn nothing_of_a_key_that_cannot_be_read_is_told() {
        let ca = Authority::new("x", OffsetDateTime::UNIX_EPOCH, Duration::DAY).unwrap();
        let pair = ca
            .server(&["x".to_owned()], OffsetDateTime::UNIX_EPOCH, Duration::DAY)
            .unwrap();
        let secret = pair.key.lines().nth(1).unwrap();
        let bytes = format!("{:?}", secret.as_bytes());
        let (start, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
        for key in [
            // As it is when line ends are lost.
            format!("{start}{secret}{end}"),
            format!("{start}\n{secret}"),
            format!("{start}\n{secret}!\n{end}\n"),
            format!("{start}\n{}\n{end}\n", &secret[..24]),
        ] {
            let error = Pair {
                key: key.clone(),
                ..pair.clone()
            }
            .server_config()
            .unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains(&secret[..16]), "{told}");
            assert!(!told.contains(&bytes[1..40]), "{told}");
        }
    }

    #[test]
    fn a_chain_ends_with_its_first_part_that_ends() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let long = Authority::new("x", start, Duration::days(9)).unwrap();
        let short = Authority::new("x", start, Duration::days(2)).unwrap();
        let leaf = long.server(&["x".to_owned()], start, Duration::days(5)).unwrap();
        let chain = Pair {
            certificate: leaf.certificate.clone() + short.certificate(),
            ..leaf.clone()
        };
        let days = |pair: &Pair| (pair.validity().unwrap().until - start).whole_days();
        assert_eq!((days(&leaf), days(&chain)), (5, 2));
    }
}
