//! What is remembered of a `DNSRecord` between two looks, so that news of other things ask no resolver.

use super::DnsRecords;
use crate::world::NamespacedName;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::dns::{Asked, Wish};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The last round of questions.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// What was wished.
    pub wish: Wish,
    /// What was answered.
    pub asked: Vec<Asked>,
    /// What kept it from being written, if anything did.
    pub blocked: Option<Standing>,
    /// When it is time for the next one.
    pub due: Instant,
    /// Rounds in a row that came out alike, and not as wished.
    pub attempts: u32,
}

impl<C> DnsRecords<C> {
    pub(super) fn last_round(&self, key: &NamespacedName) -> Option<Round> {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.get(key).cloned()
    }

    pub(super) fn remember(&self, key: &NamespacedName, round: Round) {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.insert(key.clone(), round);
    }

    pub(super) fn forget(&self, key: &NamespacedName) {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.remove(key);
    }
}

/// The same wait, up to a tenth longer, by the record: so that not all of them ask at once.
pub(super) fn spread(wait: Duration, key: &NamespacedName) -> Duration {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let share = u32::try_from(hasher.finish() % 100).unwrap_or(0);
    wait + wait * share / 1000
}

#[cfg(test)]
mod tests {
    use super::spread;
    use crate::world::NamespacedName;
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[test]
    fn records_made_together_do_not_stay_together() {
        let wait = Duration::from_secs(300);
        let spread: BTreeSet<_> = (0..50)
            .map(|n| {
                let key = NamespacedName {
                    namespace: "web".to_owned(),
                    name: n.to_string(),
                };
                spread(wait, &key)
            })
            .collect();
        assert!(spread.len() > 20, "{spread:?}");
        assert!(spread.iter().all(|at| (wait..wait * 11 / 10).contains(at)));
    }
}
