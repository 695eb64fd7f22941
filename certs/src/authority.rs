//! A CA: its certificate, which clients trust, and its key, which signs.

use crate::validity::{CLOCKS_DIFFER, Validity};
use crate::{CertificateError, Pair};
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The longest common name, in bytes (RFC 5280, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// The certificate of a CA. Two are the same if their bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaCertificate {
    der: CertificateDer<'static>,
    validity: Validity,
}

impl CaCertificate {
    /// Reads the first certificate of a PEM text.
    pub fn read(pem: &[u8]) -> Result<Self, CertificateError> {
        let what = "the CA's certificate";
        let der =
            CertificateDer::from_pem_slice(pem).map_err(|error| CertificateError::read(what, &error))?;
        Self::from_der(der)
    }

    pub(crate) fn from_der(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let validity = Validity::of(&der)?;
        Ok(Self { der, validity })
    }

    /// From when to when it is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The certificate, DER.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate as PEM.
    pub fn to_pem(&self) -> String {
        let block = Pem::new("CERTIFICATE", self.der.to_vec());
        pem::encode_config(&block, EncodeConfig::new().set_line_ending(LineEnding::LF))
    }
}

/// A CA that can sign.
#[derive(Clone)]
pub struct Authority {
    certificate: CaCertificate,
    pem: String,
    key: String,
}

impl Authority {
    /// Makes a CA that is valid from an hour before `now` (clocks differ) for `life`.
    pub fn new(name: &str, now: OffsetDateTime, life: Duration) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - CLOCKS_DIFFER;
        params.not_after = now + life;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate: CaCertificate::from_der(certificate.der().clone())?,
            pem: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Reads a CA back: certificate and key, PEM (the key PKCS#8, as [`Self::key`] gives it).
    pub fn read(certificate: &str, key: &str) -> Result<Self, CertificateError> {
        let read = CaCertificate::read(certificate.as_bytes())?;
        let pair = KeyPair::from_pem(key).map_err(|_| CertificateError::NotOne { what: "the CA's key" })?;
        let (_, parsed) = X509Certificate::from_der(&read.der).map_err(|_| CertificateError::NotOne {
            what: "the CA's certificate",
        })?;
        if !parsed.is_ca() {
            return Err(CertificateError::NotACa);
        }
        if parsed.public_key().subject_public_key.data != pair.public_key_raw() {
            return Err(CertificateError::OtherKey);
        }
        Ok(Self {
            pem: read.to_pem(),
            certificate: read,
            key: key.to_owned(),
        })
    }

    /// The CA's certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.pem
    }

    /// The CA's certificate, read.
    pub fn ca(&self) -> &CaCertificate {
        &self.certificate
    }

    /// The CA's private key, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Signs a certificate for a server that is called by `names`: DNS names or addresses. It ends after `life`, or
    /// with its CA if that is sooner: a client would refuse it from then on.
    pub fn server(
        &self,
        names: &[String],
        now: OffsetDateTime,
        life: Duration,
    ) -> Result<Pair, CertificateError> {
        let issuer = Issuer::from_ca_cert_der(&self.certificate.der, KeyPair::from_pem(&self.key)?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        // For people who look at it. Clients go by the names, so that one too long for this place may stand out.
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = names.first().filter(|name| name.len() <= MAX_COMMON_NAME) {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // While two CAs of one name are trusted, clients find the right one by this.
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - CLOCKS_DIFFER;
        params.not_after = (now + life).min(self.certificate.validity.until);
        let certificate = params.signed_by(&key, &issuer)?.pem();
        Ok(Pair {
            certificate,
            key: key.serialize_pem(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::extensions::ParsedExtension;
    use x509_parser::pem::parse_x509_pem;

    fn now() -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
    }

    fn names() -> Vec<String> {
        vec!["127.0.0.1".to_owned()]
    }

    #[test]
    fn a_leaf_is_signed_by_its_authority_and_names_its_server() {
        let made = Authority::new("kubeOP webhook", now(), Duration::days(365)).unwrap();
        let read = Authority::read(made.certificate(), made.key()).unwrap();
        assert_eq!(made.ca(), read.ca());
        for authority in [made, read] {
            let pair = authority.server(&names(), now(), Duration::days(30)).unwrap();
            let (_, ca) = parse_x509_pem(authority.certificate().as_bytes()).unwrap();
            let (_, leaf) = parse_x509_pem(pair.certificate.as_bytes()).unwrap();
            let (ca, leaf) = (ca.parse_x509().unwrap(), leaf.parse_x509().unwrap());
            assert_eq!(leaf.issuer(), ca.subject());
            assert!(ca.is_ca() && !leaf.is_ca());
            let names = leaf.subject_alternative_name().unwrap().unwrap();
            assert_eq!(names.value.general_names.len(), 1);
            let mut identifiers = leaf.iter_extensions().chain(ca.iter_extensions());
            let by_authority = identifiers.find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(found) => found.key_identifier.clone(),
                _ => None,
            });
            let of_ca = identifiers.find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(found) => Some(found.clone()),
                _ => None,
            });
            assert!(by_authority.is_some() && by_authority == of_ca);
            pair.server_config().unwrap();
        }
    }

    #[test]
    fn s15_a_leaf_never_outlives_its_ca() {
        for (ca, leaf, wanted) in [(365, 30, 30), (10, 30, 10), (30, 30, 30)] {
            let authority = Authority::new("x", now(), Duration::days(ca)).unwrap();
            let pair = authority.server(&names(), now(), Duration::days(leaf)).unwrap();
            let until = pair.validity().unwrap().until;
            assert_eq!(until, now() + Duration::days(wanted), "{ca} {leaf}");
        }
    }

    #[test]
    fn what_is_no_ca_with_its_key_is_told_apart() {
        let ca = Authority::new("x", now(), Duration::DAY).unwrap();
        let other = Authority::new("x", now(), Duration::DAY).unwrap();
        let leaf = ca.server(&names(), now(), Duration::DAY).unwrap();
        let cut = &ca.certificate()[..ca.certificate().len() / 2];
        for (certificate, key, wanted) in [
            (
                ca.certificate(),
                other.key(),
                "the key is not the one of the certificate",
            ),
            (&leaf.certificate, &leaf.key, "not one of a CA"),
            (cut, ca.key(), "cannot read the CA's certificate"),
            ("", ca.key(), "cannot read the CA's certificate"),
            (ca.certificate(), "", "the CA's key is none"),
            (ca.certificate(), ca.certificate(), "the CA's key is none"),
        ] {
            let error = Authority::read(certificate, key).err().unwrap().to_string();
            assert!(error.contains(wanted), "{error}, not {wanted}");
        }
    }
}
