//! What is remembered of an App between two looks at it. All of it may be lost.

use crate::kube_io::CallError;
use crate::world::AppKey;
use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::delivery::{Attempted, Failure, Live};
use kubeop_shared::revision::{InventoryEntry, ObjectKey};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest time between two attempts.
const LONGEST: i64 = 60;
/// Stale news in a row after which an App has to wait: another writer fights with us.
const STALE_LIMIT: u32 = 5;

/// Memories of all Apps.
#[derive(Default)]
pub struct Memories {
    of: Mutex<HashMap<AppKey, Arc<tokio::sync::Mutex<Memory>>>>,
}

impl Memories {
    /// The memory of one App.
    pub fn of(&self, key: &AppKey) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key.clone()).or_default().clone()
    }

    /// Forgets an App.
    pub fn forget(&self, key: &AppKey) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The memory of one App.
#[derive(Default)]
pub struct Memory {
    /// The newest form of the App; none once our finalizer is off.
    pub(super) app: Option<Arc<DynamicObject>>,
    /// What was applied since the record was written.
    pub(super) applied: BTreeMap<ObjectKey, InventoryEntry>,
    /// The last action, if it failed.
    pub(super) failure: Option<Failure>,
    /// During deletion: what exists, read live.
    pub(super) live: Option<BTreeMap<ObjectKey, Live>>,
    /// What kept the Pod of a hook Job from running, by Job.
    pub(super) waiting: BTreeMap<String, String>,
    failures: u32,
    stale: u32,
}

impl Memory {
    /// Takes news of the App, unless they are older than what an answer already told. Another uid is
    /// another App.
    pub(super) fn meet(&mut self, object: Arc<DynamicObject>) {
        let known = self.app.as_ref();
        if known.is_some_and(|known| known.metadata.uid != object.metadata.uid) {
            *self = Self::default();
        }
        let newer = self
            .app
            .as_ref()
            .is_none_or(|known| version(known) <= version(&object));
        if newer {
            self.app = Some(object);
        }
        self.live = None;
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

fn version(object: &DynamicObject) -> u64 {
    let version = object.metadata.resource_version.as_deref();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn attempts_become_rarer_up_to_once_a_minute() {
        assert_eq!([1, 2, 3, 7, 64, 1000].map(backoff), [1, 2, 4, 60, 60, 60]);
    }
}
