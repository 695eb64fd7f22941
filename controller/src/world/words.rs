//! Texts that many objects say, each kept once: names of registries, Projects, reasons.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// So many are kept before it is looked for those that nobody says any more.
const FEW: usize = 256;

/// Texts, each once. Two that are equal are the same allocation for as long as somebody holds one of them.
#[derive(Debug, Default)]
pub struct Words(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    words: HashSet<Arc<str>>,
    /// How many there may be until the next look.
    room: usize,
}

impl Words {
    /// The one allocation of a text.
    pub fn keep(&self, text: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = known.words.get(text) {
            return word.clone();
        }
        if known.words.len() >= known.room {
            known.words.retain(|word| Arc::strong_count(word) > 1);
            known.room = FEW.max(known.words.len() * 2);
        }
        let word: Arc<str> = text.into();
        known.words.insert(word.clone());
        word
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Words};
    use std::sync::{Arc, PoisonError};

    #[test]
    fn a_text_is_kept_once_and_forgotten_when_nobody_says_it() {
        let words = Words::default();
        let held = words.keep("ghcr.io/acme/pay");
        assert!(Arc::ptr_eq(&held, &words.keep("ghcr.io/acme/pay")));
        for number in 0..10 * FEW {
            words.keep(&number.to_string());
        }
        let known = words.0.lock().unwrap_or_else(PoisonError::into_inner).words.len();
        assert!(known <= FEW + 1, "{known}");
        assert!(Arc::ptr_eq(&held, &words.keep("ghcr.io/acme/pay")));
    }
}
