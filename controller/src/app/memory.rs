//! What is remembered of an App between two looks at it. All of it may be lost.

use super::drift::Drift;
use super::subject::{Ask, Asked};
use crate::kube_io::CallError;
use crate::world::NamespacedName;
use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::delivery::{Attempted, Failure, Live, Refusal, Wanted};
use kubeop_shared::revision::{Digest, InventoryEntry, ObjectKey, RevisionHash};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest time between two attempts.
const LONGEST: i64 = 60;
/// Stale news in a row after which an App has to wait: another writer fights with us.
const STALE_LIMIT: u32 = 5;

/// Memories of all Apps.
#[derive(Default)]
pub struct Memories {
    of: Mutex<HashMap<NamespacedName, Arc<tokio::sync::Mutex<Memory>>>>,
}

impl Memories {
    /// The memory of one App.
    pub fn of(&self, key: &NamespacedName) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key.clone()).or_default().clone()
    }

    /// Forgets an App.
    pub fn forget(&self, key: &NamespacedName) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The memory of one App.
#[derive(Default)]
pub struct Memory {
    /// The newest form of the App; none once our finalizer is off.
    pub(super) app: Option<Arc<DynamicObject>>,
    /// What is delivered, where that is not what it asks for.
    pub(super) held: Option<Held>,
    /// What it asks for, rendered.
    pub(super) asked: Option<Asked>,
    /// The revision that a pin holds it at, rendered.
    pub(super) pinned: Option<Pinned>,
    /// Where `kubectl rollout undo` took its Deployment.
    pub(super) undone: Option<Undone>,
    uid: Option<String>,
    /// What was applied since the record was written.
    pub(super) applied: BTreeMap<ObjectKey, InventoryEntry>,
    /// The last action, if it failed.
    pub(super) failure: Option<Failure>,
    /// What was read live before a deletion.
    pub(super) look: Option<LiveLook>,
    /// Deletions that were refused.
    pub(super) refused: BTreeMap<ObjectKey, Refusal>,
    /// What was told to be kept.
    pub(super) kept: BTreeSet<ObjectKey>,
    /// Corrections of drift.
    pub(super) drift: Drift,
    /// Changes of definitions that were known when the last action failed.
    pub(super) kinds_at_failure: u64,
    /// What kept the Pod of a hook Job from running, by Job.
    pub(super) waiting: BTreeMap<String, String>,
    failures: u32,
    refusals: u32,
    stale: u32,
}

/// Record and inventory as the API server gave them.
#[derive(Default)]
pub(super) struct LiveLook {
    /// Generation of the App at that time: what was looked for depends on what it asks for, and on whether it
    /// is being deleted, which is a new generation as well.
    pub generation: i64,
    /// resourceVersion of the record.
    pub record: Option<String>,
    /// What exists without being asked for.
    pub live: BTreeMap<ObjectKey, Live>,
    /// The definition of Apps is being deleted.
    pub kind_goes: bool,
}

/// The revision that a pin holds an App at.
pub(super) struct Pinned {
    /// Generation of the App for which it was rendered.
    pub generation: i64,
    /// Its hash.
    pub hash: RevisionHash,
    /// What it says.
    pub ask: Arc<Result<Ask, String>>,
}

/// A Deployment that was taken back to a kept revision.
pub(super) struct Undone {
    /// The revision.
    pub hash: RevisionHash,
    /// The Deployment.
    pub uid: String,
    /// Digest of its fields that were ours at that time: its status may move on.
    pub owned: Option<Digest>,
}

/// A delivered revision that is not the one that is asked for.
#[derive(Clone)]
pub(super) struct Held {
    /// Its number.
    pub number: u64,
    /// What `decide` sees of it.
    pub wanted: Wanted,
    /// The objects, which may hold Secrets: only while something is done with them.
    pub ask: Option<Arc<Ask>>,
}

impl Memory {
    /// Takes the App as it is known now. Another uid is another App.
    pub(super) fn meet(&mut self, object: DynamicObject) {
        if self.uid != object.metadata.uid {
            *self = Self {
                uid: object.metadata.uid.clone(),
                ..Self::default()
            };
        }
        self.app = Some(Arc::new(object));
    }

    /// Lets go of everything that can be had again, and returns the newest form of the App.
    pub(super) fn rest(&mut self) -> Option<Arc<DynamicObject>> {
        self.look = None;
        self.asked = None;
        self.pinned = None;
        self.undone = None;
        if let Some(held) = &mut self.held {
            held.ask = None;
        }
        self.app.take()
    }

    /// Whether nothing is remembered that would be missed.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            app: None,
            held: None,
            asked: None,
            pinned: None,
            undone: None,
            uid: _,
            applied,
            failure: None,
            look: None,
            refused,
            kept,
            drift,
            kinds_at_failure: _,
            waiting,
            failures: 0,
            refusals: 0,
            stale: 0,
        } = self
        else {
            return false;
        };
        applied.is_empty() && refused.is_empty() && kept.is_empty() && waiting.is_empty() && drift.is_empty()
    }

    pub(super) fn succeeded(&mut self, attempted: Attempted) {
        let status_failed = self
            .failure
            .as_ref()
            .is_some_and(|failure| failure.attempted == Attempted::Status);
        // Telling of a failure does not end it.
        if attempted != Attempted::Status || status_failed {
            self.failure = None;
            self.failures = 0;
        }
        self.stale = 0;
    }

    pub(super) fn failed(&mut self, generation: i64, error: &CallError, attempted: Attempted) {
        self.fail(generation, error.reason(), error.to_string(), attempted);
    }

    /// A deletion was refused. Returns true if that has not been told yet.
    pub(super) fn refuse(&mut self, key: &ObjectKey, error: &CallError) -> bool {
        self.refusals = self.refusals.saturating_add(1);
        let now = Timestamp::now();
        let wait = SignedDuration::from_secs(backoff(self.refusals));
        let refusal = Refusal {
            message: error.to_string(),
            until: now.checked_add(wait).unwrap_or(now),
        };
        let before = self.refused.insert(key.clone(), refusal);
        before.is_none_or(|before| before.message != error.to_string())
    }

    /// An object is deleted, or is not ours to delete.
    pub(super) fn no_longer_refused(&mut self, key: &ObjectKey) {
        self.refused.remove(key);
        if self.refused.is_empty() {
            self.refusals = 0;
        }
    }

    /// News were stale. Now and then that is nothing; always, it is a fight.
    pub(super) fn stale(&mut self, generation: i64) {
        self.stale += 1;
        if self.stale >= STALE_LIMIT {
            let message = "somebody else keeps changing what kubeOP writes".to_owned();
            self.fail(generation, Reason::Retrying, message, Attempted::Other);
        }
    }

    /// Time until an App is looked at again that could not be looked at.
    pub(super) fn observing_failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        Duration::from_secs(backoff(self.failures).unsigned_abs())
    }

    fn fail(&mut self, generation: i64, reason: Reason, message: String, attempted: Attempted) {
        self.failures = self.failures.saturating_add(1);
        let now = Timestamp::now();
        let wait = SignedDuration::from_secs(backoff(self.failures));
        self.failure = Some(Failure {
            attempted,
            generation,
            reason,
            message,
            retry_at: now.checked_add(wait).unwrap_or(now),
        });
    }
}

/// 1, 2, 4... seconds.
fn backoff(failures: u32) -> i64 {
    (1_i64 << failures.saturating_sub(1).min(6)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn attempts_become_rarer_up_to_once_a_minute() {
        assert_eq!([1, 2, 3, 7, 64, 1000].map(backoff), [1, 2, 4, 60, 60, 60]);
    }
}
