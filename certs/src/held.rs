//! What a certificate and its key really are, as a Secret of type `kubernetes.io/tls` holds them: whom they name, who
//! signed them, and whether a client would take them.

use crate::{Bundle, CertificateError, Pair, Validity};
use rustls::pki_types::{CertificateDer, DnsName, ServerName, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate with its chain. The key was seen to belong to it, and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    names: Vec<String>,
    issuer: String,
    validity: Validity,
    chain: Vec<CertificateDer<'static>>,
}

/// Why a client would not take a certificate for a host. Reads as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has ended.
    #[error("it has ended")]
    Ended,
    /// It is not good yet.
    #[error("it is not good yet")]
    NotYet,
    /// It is for other names.
    #[error("it does not name the host")]
    OtherName,
    /// It leads to nobody who is trusted.
    #[error("its chain does not lead to a CA that is trusted")]
    Untrusted,
}

/// To whom a chain must lead.
#[derive(Clone, Copy, Debug)]
pub enum Trusted<'b> {
    /// One of these.
    Bundle(&'b Bundle),
    /// Nobody said to whom: each certificate is signed by the one that follows it.
    LastOfChain,
}

impl Held {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// One of them cannot be read, or they are of two pairs. Nothing of the key is told.
    pub fn read(pair: &Pair) -> Result<Self, CertificateError> {
        pair.certified_key()?;
        let (what, chain) = ("the certificate", pair.chain()?);
        let none = || CertificateError::NotOne { what };
        let leaf = chain.first().ok_or_else(none)?;
        let (_, read) = X509Certificate::from_der(leaf).map_err(|_| none())?;
        let names = read.subject_alternative_name().map_err(|_| none())?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        Ok(Self {
            names: names.filter_map(name).collect(),
            issuer: read.issuer().to_string(),
            validity: Validity::of(leaf)?,
            chain,
        })
    }

    /// Names that it is for, DNS names as they stand there.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Who signed it, as a distinguished name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When it is good: what it says itself, whatever follows it in its chain.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// SHA-256 of it, in hex.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.chain.first().map_or(&[][..], AsRef::as_ref));
        digest.iter().fold(String::new(), |mut text, byte| {
            // A String takes whatever is written.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether a client takes it for `host` at `now`: a DNS name in lower case without a dot at its end, which may
    /// begin with `*.`.
    pub fn check(&self, host: &str, trusted: Trusted<'_>, now: OffsetDateTime) -> Result<(), Fault> {
        if now < self.validity.from {
            return Err(Fault::NotYet);
        }
        if self.validity.until <= now {
            return Err(Fault::Ended);
        }
        let leaf = self.chain.first().ok_or(Fault::Untrusted)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|_| Fault::Untrusted)?;
        if !self.is_for(host, &leaf) {
            return Err(Fault::OtherName);
        }
        let certificates = match trusted {
            Trusted::Bundle(bundle) => bundle.iter().map(crate::CaCertificate::der).collect(),
            // A certificate alone says nothing of who signed it.
            Trusted::LastOfChain if self.chain.len() < 2 => return Ok(()),
            Trusted::LastOfChain => Vec::from_iter(self.chain.last()),
        };
        let anchors: Vec<TrustAnchor<'_>> = certificates
            .into_iter()
            .filter_map(|der| anchor_from_trusted_cert(der).ok())
            .collect();
        let since = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        let provider = rustls::crypto::ring::default_provider();
        leaf.verify_for_usage(
            provider.signature_verification_algorithms.all,
            &anchors,
            self.chain.get(1..).unwrap_or_default(),
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(since)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(|_| Fault::Untrusted)?;
        Ok(())
    }

    fn is_for(&self, host: &str, leaf: &EndEntityCert<'_>) -> bool {
        if host.starts_with("*.") {
            // A client asks for a host below it, and takes it for each.
            return self.names.iter().any(|name| name.eq_ignore_ascii_case(host));
        }
        DnsName::try_from(host.to_owned()).is_ok_and(|host| {
            leaf.verify_is_valid_for_subject_name(&ServerName::DnsName(host))
                .is_ok()
        })
    }
}

/// A name as people write it; none for those that servers do not have.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::IpAddr::from(v4).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|v6| std::net::IpAddr::from(v6).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;
    use time::Duration;

    fn now() -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
    }

    fn ca(name: &str) -> Authority {
        Authority::new(name, now(), Duration::days(90)).unwrap()
    }

    fn bundle(authorities: &[&Authority]) -> Bundle {
        authorities
            .iter()
            .map(|authority| authority.ca().clone())
            .collect()
    }

    fn pair(ca: &Authority, host: &str) -> Pair {
        ca.server(&[host.to_owned()], now(), Duration::days(9)).unwrap()
    }

    #[test]
    fn what_is_held_is_told() {
        let ca = ca("kubeOP issuer");
        let names = ["web.example.com", "10.0.0.1", "fd00::1"].map(str::to_owned);
        let held = Held::read(&ca.server(&names, now(), Duration::days(9)).unwrap()).unwrap();
        assert_eq!(held.names(), names);
        assert_eq!(held.issuer(), "CN=kubeOP issuer");
        assert_eq!(held.validity().until, now() + Duration::days(9));
        assert_eq!(held.fingerprint().len(), 64);
        let again = Held::read(&ca.server(&names, now(), Duration::days(9)).unwrap()).unwrap();
        assert_ne!(held.fingerprint(), again.fingerprint());
    }

    #[test]
    fn a_client_takes_it_for_its_host_while_it_is_good_and_by_its_ca_only() {
        let (ours, theirs) = (ca("x"), ca("x"));
        let held = Held::read(&pair(&ours, "web.example.com")).unwrap();
        let (good, both, bad) = (bundle(&[&ours]), bundle(&[&theirs, &ours]), bundle(&[&theirs]));
        let at = |hours| now() + Duration::hours(hours);
        for (host, bundle, now, wanted) in [
            ("web.example.com", &good, at(0), Ok(())),
            ("web.example.com", &both, at(0), Ok(())),
            ("web.example.com", &bad, at(0), Err(Fault::Untrusted)),
            (
                "web.example.com",
                &Bundle::default(),
                at(0),
                Err(Fault::Untrusted),
            ),
            ("other.example.com", &good, at(0), Err(Fault::OtherName)),
            ("example.com", &good, at(0), Err(Fault::OtherName)),
            ("*.example.com", &good, at(0), Err(Fault::OtherName)),
            ("web.example.com", &good, at(-2), Err(Fault::NotYet)),
            ("web.example.com", &good, at(9 * 24 - 1), Ok(())),
            ("web.example.com", &good, at(9 * 24), Err(Fault::Ended)),
        ] {
            assert_eq!(
                held.check(host, Trusted::Bundle(bundle), now),
                wanted,
                "{host} {now}"
            );
        }
    }

    #[test]
    fn a_wildcard_names_itself_and_each_host_right_below_it() {
        let ca = ca("x");
        let held = Held::read(&pair(&ca, "*.example.com")).unwrap();
        let trusted = bundle(&[&ca]);
        for (host, wanted) in [
            ("*.example.com", Ok(())),
            ("web.example.com", Ok(())),
            ("a.web.example.com", Err(Fault::OtherName)),
            ("example.com", Err(Fault::OtherName)),
        ] {
            assert_eq!(
                held.check(host, Trusted::Bundle(&trusted), now()),
                wanted,
                "{host}"
            );
        }
    }

    #[test]
    fn a_chain_whose_end_nobody_told_is_verified_as_far_as_it_goes() {
        let (ours, theirs) = (ca("x"), ca("x"));
        let leaf = pair(&ours, "x.example");
        let chain = |more: &str| Pair {
            certificate: leaf.certificate.clone() + more,
            ..leaf.clone()
        };
        for (more, wanted) in [
            ("", Ok(())),
            (ours.certificate(), Ok(())),
            (theirs.certificate(), Err(Fault::Untrusted)),
        ] {
            let held = Held::read(&chain(more)).unwrap();
            assert_eq!(held.check("x.example", Trusted::LastOfChain, now()), wanted);
        }
    }

    #[test]
    fn what_is_no_pair_is_told_apart() {
        let ca = ca("x");
        let (one, other) = (pair(&ca, "x"), pair(&ca, "x"));
        let texts = |certificate: &str, key: &str| Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        for (pair, wanted) in [
            (texts(&one.certificate, &other.key), "KeyMismatch"),
            (texts(&one.certificate, ""), "cannot read the private key"),
            (texts("", &one.key), "cannot serve"),
            (texts(&one.key, &one.key), "cannot serve"),
            (
                texts(
                    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                    &one.key,
                ),
                "cannot serve",
            ),
        ] {
            let error = Held::read(&pair).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}, not {wanted}");
        }
    }
}
