//! Who changed what, and how often: five times in ten minutes is a fight, and in a fight somebody has to
//! step back.

use crate::kube_io::FieldConflict;
use jiff::{SignedDuration, Timestamp};
use kubeop_shared::delivery::Refusal;
use kubeop_shared::revision::ObjectKey;
use std::collections::BTreeMap;

/// As often as this within `WINDOW`, and it is a fight.
const OFTEN: usize = 5;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Corrections of drift, by object and by what was changed.
#[derive(Default)]
pub(super) struct Drift {
    corrected: BTreeMap<(ObjectKey, String), Vec<Timestamp>>,
    fights: BTreeMap<ObjectKey, Refusal>,
}

impl Drift {
    /// Whether nothing was corrected lately.
    pub(super) fn is_empty(&self) -> bool {
        let Self { corrected, fights } = self;
        corrected.is_empty() && fights.is_empty()
    }

    /// Objects that are left alone for a while.
    pub(super) fn fights(&self) -> &BTreeMap<ObjectKey, Refusal> {
        &self.fights
    }

    /// A drift was corrected. Returns the words for a fight, if this is one.
    pub(super) fn corrected(
        &mut self,
        key: &ObjectKey,
        by: &[FieldConflict],
        now: Timestamp,
    ) -> Option<String> {
        let since = now.checked_sub(WINDOW).ok()?;
        self.corrected.retain(|_, times| {
            times.retain(|time| *time > since);
            !times.is_empty()
        });
        self.fights.retain(|_, fight| fight.until > now);
        let what = changed_by(by);
        let times = self.corrected.entry((key.clone(), what.clone())).or_default();
        times.push(now);
        if times.len() < OFTEN {
            return None;
        }
        times.clear();
        let message = format!(
            "{what} again and again. kubeOP lets it be for {} minutes. Let one of them decide: stop the other \
             manager, or take the field out of the App",
            WINDOW.as_mins()
        );
        let until = now.checked_add(WINDOW).ok()?;
        let refusal = Refusal {
            message: message.clone(),
            until,
        };
        self.fights.insert(key.clone(), refusal);
        Some(message)
    }
}

/// `"kubectl-edit" changes .spec.replicas`.
pub(super) fn changed_by(by: &[FieldConflict]) -> String {
    if by.is_empty() {
        return "somebody changes it".to_owned();
    }
    let mut managers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for FieldConflict { manager, field } in by {
        managers.entry(manager).or_default().push(field);
    }
    let said = managers
        .iter()
        .map(|(manager, fields)| format!("{manager:?} changes {}", fields.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::{Drift, OFTEN, WINDOW};
    use crate::kube_io::FieldConflict;
    use jiff::{SignedDuration, Timestamp};
    use kubeop_shared::revision::ObjectKey;

    fn key() -> ObjectKey {
        ObjectKey {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            name: "web".into(),
        }
    }

    fn by(field: &str) -> Vec<FieldConflict> {
        vec![FieldConflict {
            manager: "other-operator".into(),
            field: field.into(),
        }]
    }

    #[test]
    fn the_same_field_five_times_in_ten_minutes_is_a_fight() {
        let mut drift = Drift::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for _ in 1..OFTEN {
            assert_eq!(drift.corrected(&key(), &by(".spec.replicas"), now), None);
            // Another field does not count.
            assert_eq!(drift.corrected(&key(), &by(".spec.paused"), now), None);
            now = now.checked_add(SignedDuration::from_secs(1)).unwrap();
        }
        let message = drift.corrected(&key(), &by(".spec.replicas"), now).unwrap();
        assert!(
            message.contains(r#""other-operator" changes .spec.replicas"#),
            "{message}"
        );
        assert!(drift.fights().contains_key(&key()));
    }

    #[test]
    fn now_and_then_is_no_fight() {
        let mut drift = Drift::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for _ in 0..3 * OFTEN {
            assert_eq!(drift.corrected(&key(), &by(".spec.replicas"), now), None);
            now = now.checked_add(WINDOW / 3).unwrap();
        }
    }
}
