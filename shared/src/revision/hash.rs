//! Hashes: of a whole revision, and short digests by which two states of one object are compared.

use super::RevisionSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Version of the canonical form. Part of what is hashed: a new form makes new hashes, knowingly.
pub const HASH_VERSION: u32 = 1;

/// SHA-256 of the canonical form of a revision, 64 hexadecimal digits. Made by hashing, or read back
/// from a record.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevisionHash(String);

impl RevisionHash {
    /// Hashes what an App says.
    #[must_use]
    pub fn of(spec: &RevisionSpec) -> Self {
        let text = format!("kubeop-revision/{HASH_VERSION}\n{}", spec.canonical_json());
        Self(hex(&Sha256::digest(text.as_bytes())))
    }

    /// Reads back what was written: exactly 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 64 && digits).then(|| Self(text.to_owned()))
    }

    /// All 64 digits.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, as people see it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Debug for RevisionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

impl fmt::Display for RevisionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First 16 hexadecimal digits of a SHA-256: tells whether one object changed, and proves nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digest of a tree, independent of the order of keys.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self::of_text(&value.to_string())
    }

    /// Digest of a text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut digits = hex(&Sha256::digest(text.as_bytes()));
        digits.truncate(16);
        Self(digits)
    }

    /// Reads back what was written.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 16 && digits).then(|| Self(text.to_owned()))
    }

    /// The 16 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
