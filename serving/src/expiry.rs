//! A certificate that comes to its end says so in the log, while there is time.

use kubeop_certs::{Validity, date};
use time::{Duration, OffsetDateTime};

/// Warns of one certificate's end: from a third of its life on, and more often as the end comes near.
#[derive(Debug, Default)]
pub struct Warner {
    warned: Option<(Validity, OffsetDateTime)>,
}

impl Warner {
    /// Writes a warning if it is time for one; when to ask again. `what` ends, and `remedy` is what to do.
    pub fn check(
        &mut self,
        what: &str,
        remedy: &str,
        validity: Validity,
        now: OffsetDateTime,
    ) -> OffsetDateTime {
        let due = self.due(validity);
        if now < due {
            return due;
        }
        let (end, left) = (date(validity.until), validity.until - now);
        if left.is_positive() {
            let hours = left.whole_hours();
            tracing::warn!("{what} ends at {end}, in {hours} hours. {remedy}");
        } else {
            tracing::error!("{what} has ended at {end}: clients refuse it. {remedy}");
        }
        self.warned = Some((validity, now));
        self.due(validity)
    }

    fn due(&self, validity: Validity) -> OffsetDateTime {
        match self.warned {
            Some((warned_of, at)) if warned_of == validity => {
                let left: Duration = validity.until - at;
                at + (left / 2_u32).clamp(Duration::MINUTE, Duration::DAY)
            }
            _ => validity.two_thirds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_warnings_begin_at_a_third_and_grow_dense() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let life = |days| Validity {
            from: start,
            until: start + Duration::days(days),
        };
        let mut warner = Warner::default();
        let mut now = start;
        let mut hours = Vec::new();
        while now < start + Duration::days(9) {
            let due = warner.check("x", "y", life(9), now);
            if warner.warned == Some((life(9), now)) {
                hours.push((now - start).whole_hours());
            }
            now = due;
        }
        assert_eq!(hours[..6], [144, 168, 192, 204, 210, 213]);
        assert!(hours.len() < 20, "{}", hours.len());
        // Another certificate begins anew.
        assert_eq!(warner.check("x", "y", life(90), now), start + Duration::days(60));
    }
}
