//! Whose turn it is, from what was seen of a Lease. Pure.

use super::{DURATION, holder};
use k8s_openapi::api::coordination::v1::Lease;
use std::time::{Duration, Instant};

/// A Lease as it was seen, and since when it has been like that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    holder: Option<String>,
    /// Changes with each renewal.
    version: Option<String>,
    duration: Duration,
    since: Instant,
}

/// What to do with a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is ours.
    Renew,
    /// Nobody has it.
    Take,
    /// Who has it has not renewed it for too long.
    TakeOver,
    /// Another one has it.
    Wait,
}

impl Seen {
    /// What is seen now, given what was seen before.
    pub(super) fn of(lease: &Lease, before: Option<Self>, now: Instant) -> Self {
        let version = lease.metadata.resource_version.clone();
        let same = before.filter(|before| before.version == version);
        let said = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let said = said.and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            holder: holder(lease).cloned(),
            version,
            duration: said.map_or(DURATION, Duration::from_secs),
            since: same.map_or(now, |before| before.since),
        }
    }

    /// Who holds it; none: nobody.
    pub(super) fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// Whether somebody else held it.
    pub(super) fn is_of_other(&self, me: &str) -> bool {
        self.holder().is_some_and(|holder| holder != me)
    }

    /// When it may be taken over, unless it is renewed until then.
    pub(super) fn runs_out(&self) -> Instant {
        // A moment later than it is still believed.
        self.since + self.duration + Duration::from_millis(1)
    }
}

/// What a candidate called `me` does about a Lease that it has just seen.
pub(super) fn turn(seen: &Seen, me: &str, now: Instant) -> Turn {
    match &seen.holder {
        None => Turn::Take,
        Some(holder) if holder == me => Turn::Renew,
        Some(_) if now >= seen.runs_out() => Turn::TakeOver,
        Some(_) => Turn::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Turn, turn};
    use k8s_openapi::api::coordination::v1::Lease;
    use serde_json::json;
    use std::time::{Duration, Instant};

    fn lease(holder: &str, version: &str) -> Lease {
        serde_json::from_value(
            json!({"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": holder,
            "leaseDurationSeconds": 20, "renewTime": "2000-01-01T00:00:00.000000Z"}}),
        )
        .unwrap()
    }

    #[test]
    fn a_lease_is_taken_where_nobody_has_it_and_renewed_by_its_holder() {
        let now = Instant::now();
        for (holder, wanted) in [("", Turn::Take), ("a", Turn::Renew), ("b", Turn::Wait)] {
            let seen = Seen::of(&lease(holder, "1"), None, now);
            assert_eq!(turn(&seen, "a", now), wanted, "{holder}");
        }
    }

    #[test]
    fn what_counts_is_how_long_no_renewal_was_seen_and_no_clock_of_another_machine() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let first = Seen::of(&lease("b", "1"), None, start);
        assert_eq!(turn(&first, "a", at(20)), Turn::Wait);
        let still = Seen::of(&lease("b", "1"), Some(first.clone()), at(19));
        assert_eq!(turn(&still, "a", at(21)), Turn::TakeOver);
        let renewed = Seen::of(&lease("b", "2"), Some(first), at(19));
        assert_eq!(turn(&renewed, "a", at(21)), Turn::Wait);
        assert_eq!(turn(&renewed, "a", at(40)), Turn::TakeOver);
    }

    #[test]
    fn a_lease_that_was_made_by_hand_without_a_duration_runs_out_as_ours() {
        let bare: Lease = serde_json::from_value(json!({"spec": {"holderIdentity": "b"}})).unwrap();
        let start = Instant::now();
        let seen = Seen::of(&bare, None, start);
        assert_eq!(turn(&seen, "a", start + Duration::from_secs(19)), Turn::Wait);
        assert_eq!(turn(&seen, "a", start + Duration::from_secs(21)), Turn::TakeOver);
    }
}
