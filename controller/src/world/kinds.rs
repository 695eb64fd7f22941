//! Kinds that were looked up, and the Apps that wait for one that does not exist yet.

use super::NamespacedName;
use crate::kube_io::Kind;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

/// What is known of kinds.
#[derive(Debug, Default)]
pub struct Kinds {
    known: RwLock<HashMap<(String, String), Kind>>,
    waiting: Mutex<HashSet<NamespacedName>>,
    changes: AtomicU64,
}

impl Kinds {
    /// A kind, if it was looked up since its group changed.
    pub fn get(&self, api_version: &str, kind: &str) -> Option<Kind> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&(api_version.to_owned(), kind.to_owned())).cloned()
    }

    /// Remembers a kind.
    pub fn put(&self, api_version: &str, kind: &str, found: Kind) {
        let key = (api_version.to_owned(), kind.to_owned());
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, found);
    }

    /// An App waits for a kind that does not exist.
    pub fn wait(&self, app: NamespacedName) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(app);
    }

    /// How often definitions changed: what failed for want of a kind is worth another try when this moved.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// A definition of this group changed. Returns the Apps that wait for a kind.
    pub fn changed(&self, group: &str) -> HashSet<NamespacedName> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, kind| kind.resource.group != group);
        drop(known);
        self.changes.fetch_add(1, Ordering::AcqRel);
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
