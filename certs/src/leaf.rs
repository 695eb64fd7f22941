//! A server's own certificate, short-lived, and when another takes its place.

use crate::{Authority, CaCertificate, CertificateError, Pair, Validity};
use time::{Duration, OffsetDateTime};

/// A certificate that a CA of kubeOP signed for a server.
pub struct Leaf {
    pair: Pair,
    signer: CaCertificate,
    validity: Validity,
}

impl Leaf {
    /// Has one signed. `names`: DNS names or addresses of the server.
    pub fn sign(
        authority: &Authority,
        names: &[String],
        now: OffsetDateTime,
        life: Duration,
    ) -> Result<Self, CertificateError> {
        let pair = authority.server(names, now, life)?;
        Ok(Self {
            validity: pair.validity()?.since_made(),
            signer: authority.ca().clone(),
            pair,
        })
    }

    /// Certificate and key.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// The CA that a client must trust to trust this.
    pub fn signer(&self) -> &CaCertificate {
        &self.signer
    }

    /// From when it was made to when it ends.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// From when on one that this CA signs, for `life`, is better: at once if it is another CA, else when two thirds
    /// of its own life are over. Never, if the new one would end no later than this.
    pub fn gives_way_to(&self, authority: &Authority, life: Duration) -> Option<OffsetDateTime> {
        if authority.ca() != &self.signer {
            return Some(self.validity.from);
        }
        let last = authority.ca().validity().until;
        let renewal = self.validity.two_thirds();
        ((renewal + life).min(last) > self.validity.until).then_some(renewal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_renewed_at_two_thirds_of_its_life_and_at_once_by_another_ca() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let at = |hours| now + Duration::hours(hours);
        let ca = |hours| Authority::new("x", now, Duration::hours(hours)).unwrap();
        let other = ca(100);
        for (ca_life, life, by_same, by_other) in [
            (100, 24, Some(at(16)), Some(at(0))),
            // Cut short by its CA: a new one would end at the same moment.
            (12, 24, None, Some(at(0))),
            // The next one would be cut short, but is longer.
            (26, 24, Some(at(16)), Some(at(0))),
        ] {
            let ca = ca(ca_life);
            let life = Duration::hours(life);
            let leaf = Leaf::sign(&ca, &["x".to_owned()], now, life).unwrap();
            assert_eq!(leaf.gives_way_to(&ca, life), by_same, "{ca_life}");
            assert_eq!(leaf.gives_way_to(&other, life), by_other, "{ca_life}");
        }
    }
}
