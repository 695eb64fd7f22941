//! What is remembered of Projects and Tenants between two looks.

use super::running::Look;
use super::{Owner, Projects};
use crate::kube_io::Cluster;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

/// The first and the longest wait for a Project that is not ready.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What is remembered of a Project or a Tenant between two looks.
#[derive(Debug, Default)]
pub struct Memory {
    /// Attempts in a row that did not make it ready.
    attempts: u32,
    /// The last look at what runs in its namespace.
    look: Option<Look>,
    /// The namespace that was made for it, until that is known to be as it should: nothing ran there before.
    made: Option<Made>,
}

/// A namespace that was made for a Project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// Its uid.
    pub uid: String,
    /// The generation of the Project that said what may run there.
    pub generation: Option<i64>,
}

impl<C: Cluster> Projects<C> {
    fn memory<T>(&self, with: impl FnOnce(&mut MutexGuard<'_, HashMap<Owner, Memory>>) -> T) -> T {
        with(&mut self.memories.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn retry(&self, owner: &Owner) -> Duration {
        let attempts = self.memory(|memories| {
            let memory = memories.entry(owner.clone()).or_default();
            memory.attempts = memory.attempts.saturating_add(1);
            memory.attempts
        });
        FIRST_RETRY
            .saturating_mul(2_u32.saturating_pow((attempts - 1).min(16)))
            .min(LONGEST_RETRY)
    }

    /// Nothing is remembered of what needs nothing.
    pub(super) fn succeeded(&self, owner: &Owner) {
        self.memory(|memories| match memories.get_mut(owner) {
            Some(memory) if memory.look.is_some() || memory.made.is_some() => memory.attempts = 0,
            Some(_) => drop(memories.remove(owner)),
            None => {}
        });
    }

    pub(super) fn forget(&self, owner: &Owner) {
        self.memory(|memories| drop(memories.remove(owner)));
    }

    pub(super) fn remember(&self, owner: &Owner, look: Look) {
        self.memory(|memories| {
            let memory = memories.entry(owner.clone()).or_default();
            memory.look = Some(look);
            memory.made = None;
        });
    }

    pub(super) fn remember_made(&self, owner: &Owner, made: Made) {
        self.memory(|memories| memories.entry(owner.clone()).or_default().made = Some(made));
    }

    pub(super) fn forget_made(&self, owner: &Owner) {
        self.memory(|memories| {
            if let Some(memory) = memories.get_mut(owner) {
                memory.made = None;
            }
        });
    }

    /// Whether this namespace was made for it, and nothing has been looked at there since.
    pub(super) fn was_made(&self, owner: &Owner, made: &Made) -> bool {
        self.memory(|memories| memories.get(owner)?.made.as_ref().map(|known| known == made))
            .unwrap_or_default()
    }

    pub(super) fn last_look(&self, owner: &Owner) -> Option<Look> {
        self.memory(|memories| memories.get(owner)?.look.clone())
    }

    /// Attempts in a row that did not make it ready.
    pub(super) fn attempts(&self, owner: &Owner) -> u32 {
        self.memory(|memories| memories.get(owner).map_or(0, |memory| memory.attempts))
    }
}
