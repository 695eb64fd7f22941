//! A map in which the newest news wins, whether a watch or the answer to a write brought it.
//!
//! Our own writes are known at once, and a watch that lags behind cannot take them back. resourceVersions
//! of one resource may be compared as numbers (KEP-5504).

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long it is remembered that something is gone, against late news of it.
const REMEMBER_GONE: Duration = Duration::from_secs(60);

/// A map with versions. It is sorted: neighbours are found together, and no room is kept free as in a table of
/// hashes, which would be half of it.
#[derive(Debug)]
pub struct Cache<K, V> {
    entries: RwLock<BTreeMap<K, Entry<V>>>,
}

#[derive(Debug)]
struct Entry<V> {
    version: u64,
    since: Instant,
    value: Option<V>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            entries: RwLock::default(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    /// What is known under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).and_then(|entry| entry.value.clone())
    }

    /// Takes news of an object that exists.
    pub fn put(&self, key: K, resource_version: Option<&str>, value: V) {
        self.news(key, version(resource_version), Some(value));
    }

    /// Takes the news that an object is gone.
    pub fn gone(&self, key: K, resource_version: Option<&str>) {
        self.news(key, version(resource_version), None);
    }

    /// Forgets what is known: it turned out to be wrong, and is read again.
    pub fn forget(&self, key: &K) {
        self.entries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    /// After a new list that began at `started`: what is older, of this list's kind, and not in it, is gone.
    /// Returns what went.
    pub fn keep_only(
        &self,
        started: Instant,
        ours: impl Fn(&K) -> bool,
        listed: impl Fn(&K) -> bool,
    ) -> Vec<(K, V)> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut went = Vec::new();
        entries.retain(|key, entry| {
            let keep = entry.since >= started || !ours(key) || listed(key);
            if !keep && let Some(value) = entry.value.take() {
                went.push((key.clone(), value));
            }
            keep
        });
        // A list comes in order, which leaves the nodes of the tree half empty. Made anew of it, they are full.
        *entries = std::mem::take(&mut *entries).into_iter().collect();
        went
    }

    /// Everything that matches.
    pub fn filter<T>(&self, mut pick: impl FnMut(&K, &V) -> Option<T>) -> Vec<T> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .iter()
            .filter_map(|(key, entry)| pick(key, entry.value.as_ref()?))
            .collect()
    }

    /// Shows everything, in order.
    pub fn each(&self, mut show: impl FnMut(&K, &V)) {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        for (key, entry) in &*entries {
            if let Some(value) = &entry.value {
                show(key, value);
            }
        }
    }

    /// Everything within a range that matches.
    pub fn filter_within<T>(
        &self,
        range: std::ops::Range<K>,
        mut pick: impl FnMut(&K, &V) -> Option<T>,
    ) -> Vec<T> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .range(range)
            .filter_map(|(key, entry)| pick(key, entry.value.as_ref()?))
            .collect()
    }

    fn news(&self, key: K, version: u64, value: Option<V>) {
        let now = Instant::now();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.get(&key).is_some_and(|known| known.version > version) {
            return;
        }
        if value.is_none() {
            entries
                .retain(|_, entry| entry.value.is_some() || now.duration_since(entry.since) < REMEMBER_GONE);
        }
        entries.insert(
            key,
            Entry {
                version,
                since: now,
                value,
            },
        );
    }
}

fn version(resource_version: Option<&str>) -> u64 {
    resource_version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Cache;
    use std::time::Instant;

    #[test]
    fn a_watch_that_lags_cannot_take_back_our_own_write() {
        let cache = Cache::default();
        cache.put("a", Some("12"), "ours");
        cache.put("a", Some("11"), "older");
        assert_eq!(cache.get(&"a"), Some("ours"));
    }

    #[test]
    fn the_late_answer_to_a_write_does_not_bring_back_what_is_gone() {
        let cache = Cache::default();
        cache.gone("a", Some("13"));
        cache.put("a", Some("12"), "ours");
        assert_eq!(cache.get(&"a"), None);
    }

    #[test]
    fn the_end_of_an_object_does_not_take_away_the_next_one_of_its_name() {
        let cache = Cache::default();
        cache.put("a", Some("12"), "the next one");
        cache.gone("a", Some("11"));
        assert_eq!(cache.get(&"a"), Some("the next one"));
    }

    #[test]
    fn a_new_list_takes_away_what_it_does_not_hold_but_not_what_came_since() {
        let cache = Cache::default();
        cache.put("old", Some("1"), 1);
        let started = Instant::now();
        cache.put("new", Some("9"), 2);
        let went = cache.keep_only(started, |_| true, |_| false);
        assert_eq!(went, [("old", 1)]);
        assert_eq!(cache.get(&"new"), Some(2));
    }
}
