//! The CAs that a client is told to trust, as one PEM text.

use crate::CaCertificate;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;

/// CAs to trust, each once. Two bundles are the same if the same CAs stand in them, in any order.
#[derive(Clone, Debug, Default)]
pub struct Bundle(Vec<CaCertificate>);

impl Bundle {
    /// Reads what certificates a PEM text holds. What cannot be read is nothing to trust, and is left out.
    pub fn read(pem: &[u8]) -> Self {
        let readable = CertificateDer::pem_slice_iter(pem).map_while(Result::ok);
        readable
            .filter_map(|der| CaCertificate::from_der(der).ok())
            .collect()
    }

    /// Whether it holds this CA.
    pub fn contains(&self, ca: &CaCertificate) -> bool {
        self.0.contains(ca)
    }

    /// Each CA.
    pub fn iter(&self) -> impl Iterator<Item = &CaCertificate> {
        self.0.iter()
    }

    /// Without those that have ended: they can no longer be met.
    #[must_use]
    pub fn without_ended(self, now: OffsetDateTime) -> Self {
        self.0
            .into_iter()
            .filter(|ca| ca.validity().until > now)
            .collect()
    }

    /// Whether there is nobody to trust.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, DER.
    pub fn to_ders(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|ca| ca.der().to_vec()).collect()
    }

    /// One PEM text, as a webhook registration has it in `caBundle`.
    pub fn to_pem(&self) -> String {
        self.0.iter().map(CaCertificate::to_pem).collect()
    }
}

impl FromIterator<CaCertificate> for Bundle {
    fn from_iter<I: IntoIterator<Item = CaCertificate>>(certificates: I) -> Self {
        let mut bundle = Self::default();
        for certificate in certificates {
            if !bundle.contains(&certificate) {
                bundle.0.push(certificate);
            }
        }
        bundle
    }
}

impl PartialEq for Bundle {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|ca| other.contains(ca))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;
    use time::Duration;

    #[test]
    fn old_and_new_stand_in_it_once_and_ended_ones_do_not() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let ca = |days| {
            Authority::new("x", now, Duration::days(days))
                .unwrap()
                .ca()
                .clone()
        };
        let (old, new, ended) = (ca(1), ca(2), ca(0));
        let all: Bundle = [&old, &new, &old, &ended].map(Clone::clone).into_iter().collect();
        let text = all.clone().without_ended(now).to_pem();
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
        let read = Bundle::read(text.as_bytes());
        assert!(read.contains(&old) && read.contains(&new) && !read.contains(&ended));
        assert_eq!(read, [new.clone(), old.clone()].into_iter().collect());
        assert_ne!(read, [old].into_iter().collect());
        assert_ne!(read, all);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for text in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(Bundle::read(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
