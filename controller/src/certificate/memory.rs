//! What is remembered of Certificates between two looks: nothing secret.

use super::Certificates;
use crate::kube_io::Cluster;
use crate::world::NamespacedName;
use kubeop_certs::Answers;
use kubeop_shared::certificate::SecretState;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first and the longest wait after a failure.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What is remembered of a Certificate.
#[derive(Debug, Default)]
pub struct Memory {
    /// The Secret that it names.
    claimed: String,
    /// The last look at that.
    judged: Option<Judged>,
    /// Digest of the CAs that its Secret tells clients to trust, where kubeOP's own CA signs.
    bundle: Option<u64>,
    /// When its Secret was written.
    answers: Answers,
    /// Attempts in a row that failed.
    attempts: u32,
    /// Whether cert-manager is asked for this name by somebody else.
    pub(super) is_taken: bool,
}

/// What a Secret was seen to hold.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// Its resourceVersion; none: there is none.
    pub version: Option<String>,
    /// For what it was judged: the same Secret may be good for one host and not for another.
    pub against: u64,
    /// What it holds.
    pub state: SecretState,
}

impl<C: Cluster> Certificates<C> {
    pub(super) fn memory<T>(&self, key: &NamespacedName, with: impl FnOnce(&mut Memory) -> T) -> T {
        with(self.memories().entry(key.clone()).or_default())
    }

    fn memories(&self) -> MutexGuard<'_, HashMap<NamespacedName, Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers which Secret a Certificate names. The one that it named before, if that is another; none at first.
    pub(super) fn claim(&self, key: &NamespacedName, secret: &str) -> Option<String> {
        self.memory(key, |memory| {
            if memory.claimed == secret {
                return None;
            }
            memory.judged = None;
            Some(std::mem::replace(&mut memory.claimed, secret.to_owned()))
        })
    }

    /// A Certificate is gone: the Secret that it named.
    pub(super) fn forget(&self, key: &NamespacedName) -> Option<String> {
        self.memories().remove(key).map(|memory| memory.claimed)
    }

    pub(super) fn judged(&self, key: &NamespacedName) -> Option<Judged> {
        self.memory(key, |memory| memory.judged.clone())
    }

    pub(super) fn remember(&self, key: &NamespacedName, judged: Option<Judged>) {
        self.memory(key, |memory| memory.judged = judged);
    }

    /// Remembers whom its Secret tells clients to trust.
    pub(super) fn trusts(&self, key: &NamespacedName, bundle: Option<u64>) {
        self.memory(key, |memory| memory.bundle = bundle);
    }

    /// Whether every Secret for which kubeOP's own CA signs tells clients to trust these CAs.
    pub(super) fn is_spread(&self, bundle: u64) -> bool {
        let memories = self.memories();
        memories
            .values()
            .all(|memory| memory.bundle.is_none_or(|told| told == bundle))
    }

    /// Whether a Secret may be written now: not again and again, however often somebody else does.
    pub(super) fn may_write(&self, key: &NamespacedName) -> bool {
        self.memory(key, |memory| memory.answers.may_answer(Instant::now()))
    }

    pub(super) fn retry(&self, key: &NamespacedName) -> Duration {
        let attempts = self.memory(key, |memory| {
            memory.attempts = memory.attempts.saturating_add(1);
            memory.attempts
        });
        FIRST_RETRY
            .saturating_mul(2_u32.saturating_pow((attempts - 1).min(16)))
            .min(LONGEST_RETRY)
    }

    /// Attempts in a row that failed.
    pub(super) fn attempts(&self, key: &NamespacedName) -> u32 {
        self.memory(key, |memory| memory.attempts)
    }

    pub(super) fn succeeded(&self, key: &NamespacedName) {
        self.memory(key, |memory| memory.attempts = 0);
    }
}
