//! How often each text comes.

use schemars::JsonSchema;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Counts texts that are kept once (`world::Words`): by where they are, since to compare ten thousand of them would be
/// most of what counting costs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    places: HashMap<usize, usize, BuildHasherDefault<OfAddress>>,
    counts: Vec<(Arc<str>, u64)>,
    /// Address and place of the text before: neighbours often say the same.
    last: Option<(usize, usize)>,
}

/// Hashes an address: nobody chooses these, so a multiplication by 2^64 / phi is enough (Knuth, TAOCP 3, 6.4).
#[derive(Debug, Default)]
struct OfAddress(u64);

impl Hasher for OfAddress {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The map looks at the lowest bits, and addresses differ in others.
        self.0.rotate_left(32)
    }
}

/// Texts and how often each comes, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub(in crate::manager_api) struct Counts(#[schemars(with = "BTreeMap<String, u64>")] Vec<(Arc<str>, u64)>);

impl Tally {
    /// Counts one.
    pub(super) fn add(&mut self, word: &Arc<str>) {
        self.add_many(word, 1);
    }

    /// Counts so many.
    pub(super) fn add_many(&mut self, word: &Arc<str>, count: u64) {
        let address = Arc::as_ptr(word).cast::<u8>().addr();
        let counts = &mut self.counts;
        let place = match self.last {
            Some((before, place)) if before == address => place,
            _ => *self.places.entry(address).or_insert_with(|| {
                counts.push((word.clone(), 0));
                counts.len() - 1
            }),
        };
        self.last = Some((address, place));
        if let Some((_, sum)) = counts.get_mut(place) {
            *sum += count;
        }
    }

    /// What was counted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.counts.iter().map(|(word, count)| (word, *count))
    }

    /// What was counted.
    pub(super) fn counts(self) -> Counts {
        let mut counts = self.counts;
        counts.sort_by_key(|(_, count)| Reverse(*count));
        Counts(counts)
    }
}

/// By what the texts say: of a few.
impl<'t> FromIterator<(&'t str, u64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (&'t str, u64)>>(counted: I) -> Self {
        let mut sums = BTreeMap::<&str, u64>::new();
        for (text, count) in counted {
            *sums.entry(text).or_default() += count;
        }
        let sums = sums.into_iter().map(|(text, count)| (Arc::from(text), count));
        let mut counts: Vec<_> = sums.collect();
        counts.sort_by_key(|(_, count)| Reverse(*count));
        Self(counts)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (text, count) in &self.0 {
            map.serialize_entry(&**text, count)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Tally};
    use crate::world::Words;

    #[test]
    fn each_text_is_counted_and_the_most_frequent_stands_first() {
        let (words, mut tally) = (Words::default(), Tally::default());
        for text in ["b", "a", "c", "a", "c", "a"] {
            tally.add(&words.keep(text));
        }
        tally.add_many(&words.keep("b"), 4);
        let said = serde_json::to_string(&tally.counts()).unwrap();
        assert_eq!(said, r#"{"b":5,"a":3,"c":2}"#);
    }

    #[test]
    fn sums_are_made_of_what_says_the_same() {
        let counts: Counts = [("b", 1), ("a", 2), ("b", 2)].into_iter().collect();
        assert_eq!(serde_json::to_string(&counts).unwrap(), r#"{"b":3,"a":2}"#);
        assert_eq!(serde_json::to_string(&Counts::default()).unwrap(), "{}");
    }
}
