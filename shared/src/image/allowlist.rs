//! Which registries and repositories images may come from.

use super::ImageReference;

/// A list of registry hosts and path prefixes. Empty: matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    entries: Vec<String>,
}

/// Why a text is no entry of an allowlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is no allowlist entry: {why}")]
pub struct AllowlistEntryError {
    /// The entry as written.
    pub entry: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Allowlist {
    /// Reads entries, each `host`, `host/path` or `*.host`.
    pub fn parse<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, AllowlistEntryError> {
        Ok(Self {
            entries: entries.into_iter().map(str::to_owned).collect(),
        })
    }
    /// Whether an entry covers the reference.
    pub fn allows(&self, image: &ImageReference<'_>) -> bool {
        self.entries.iter().any(|entry| *entry == image.host)
    }
}
