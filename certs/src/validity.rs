//! From when to when a certificate is good.

use crate::CertificateError;
use rustls::pki_types::CertificateDer;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

/// How far the clocks of a cluster may differ: what kubeOP makes is good from this long before it was made.
pub(crate) const CLOCKS_DIFFER: Duration = Duration::HOUR;

/// From when to when a certificate is good. Whole seconds, as X.509 has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: OffsetDateTime,
    /// Not after.
    pub until: OffsetDateTime,
}

/// A moment as it is written everywhere: RFC 3339, UTC.
pub fn date(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

impl Validity {
    /// What a certificate says.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let (_, read) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::NotOne {
            what: "the certificate",
        })?;
        let validity = read.validity();
        Ok(Self {
            from: validity.not_before.to_datetime(),
            until: validity.not_after.to_datetime(),
        })
    }

    /// Whether it is good at this moment.
    pub fn holds_at(&self, now: OffsetDateTime) -> bool {
        (self.from..self.until).contains(&now)
    }

    /// When two thirds of its life are over: what is renewed is renewed then.
    pub fn two_thirds(&self) -> OffsetDateTime {
        self.until - (self.until - self.from) / 3
    }

    /// The same without the time that was added for clocks that differ: from when kubeOP made it.
    #[must_use]
    pub fn since_made(&self) -> Self {
        Self {
            from: (self.from + CLOCKS_DIFFER).min(self.until),
            until: self.until,
        }
    }
}
