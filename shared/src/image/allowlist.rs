//! `Allowlist`: which registries and repositories images may come from.
//!
//! An entry is a host (`ghcr.io`, `registry.example.com:5000`), a host and a path (`ghcr.io/acme`, on
//! boundaries of segments), or either with one or more leading labels left open (`*.example.com`). The
//! port is part of the host; hosts compare without case. Docker Hub is `docker.io`, its older name
//! `index.docker.io` means the same, and its official images live under `docker.io/library`.

use super::grammar;
use super::reference::{ImageReference, docker_hub};
use std::fmt;

/// A list of registry hosts and path prefixes. An empty one allows nothing: whether an absent or empty
/// list narrows is for whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    entries: Vec<Entry>,
}

/// Why a text is no entry of an allowlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is no allowlist entry: {why}")]
pub struct AllowlistEntryError {
    /// The entry as written.
    pub entry: String,
    /// What is wrong with it, and what to write.
    pub why: &'static str,
}

impl Allowlist {
    /// Reads entries. The first that is none ends it.
    pub fn parse<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, AllowlistEntryError> {
        let entries = entries.into_iter().map(Entry::parse).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Reads the form of `KUBEOP_IMAGE_ALLOWLIST`: entries separated by commas. Blanks around an entry do
    /// not count, nor do empty entries, so that a list may end with a comma or stand on several lines.
    pub fn parse_comma_separated(text: &str) -> Result<Self, AllowlistEntryError> {
        Self::parse(text.split(',').map(str::trim).filter(|entry| !entry.is_empty()))
    }

    /// The list that a Tenant's or Project's entries make; none where none are given. An entry that cannot be
    /// read covers nothing, so a list of nothing else refuses everything: never wider than what was meant.
    pub fn narrowing(entries: &[String]) -> Option<Self> {
        if entries.is_empty() {
            return None;
        }
        let readable = entries
            .iter()
            .filter_map(|entry| Entry::parse(entry).ok())
            .collect();
        Some(Self { entries: readable })
    }

    /// Whether an entry covers the reference. Allocates nothing.
    pub fn allows(&self, image: &ImageReference<'_>) -> bool {
        self.entries.iter().any(|entry| entry.covers(image))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Writes the list as it is understood: hosts in lower case, entries separated by commas.
impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: HostPattern,
    /// Without slashes at either end; empty covers every path.
    path: Box<str>,
}

/// Hosts stand here in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    /// Exactly this host.
    Exact(Box<str>),
    /// Whatever ends in this, which begins with a dot.
    Below(Box<str>),
}

impl Entry {
    fn parse(text: &str) -> Result<Self, AllowlistEntryError> {
        let refuse = |why| AllowlistEntryError {
            entry: text.to_owned(),
            why,
        };
        if let Some(why) = text_fault(text) {
            return Err(refuse(why));
        }
        let (host, path) = match text.split_once('/') {
            Some((host, path)) => (host, path.strip_suffix('/').unwrap_or(path)),
            None => (text, ""),
        };
        if let Some(why) = path_fault(path) {
            return Err(refuse(why));
        }
        Ok(Self {
            host: HostPattern::parse(host).map_err(refuse)?,
            path: path.into(),
        })
    }

    fn covers(&self, image: &ImageReference<'_>) -> bool {
        self.host.covers(image.host()) && {
            let (first, rest) = image.path_pieces();
            is_prefix_on_a_boundary(&self.path, first, rest)
        }
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self, &'static str> {
        let lower = host.to_ascii_lowercase();
        if let Some(below) = lower.strip_prefix("*.") {
            check_host(below)?;
            return Ok(Self::Below(format!(".{below}").into()));
        }
        check_host(&lower)?;
        if !lower.contains(['.', ':']) && lower != "localhost" {
            return Err(
                "its first part has neither dot nor port, so it names no registry; what is on Docker Hub is \
                 written docker.io/NAME",
            );
        }
        Ok(Self::Exact(docker_hub(&lower).unwrap_or(&lower).into()))
    }

    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.eq_ignore_ascii_case(host),
            Self::Below(ending) => host
                .len()
                .checked_sub(ending.len())
                .filter(|leading| *leading > 0)
                .and_then(|leading| host.get(leading..))
                .is_some_and(|end| end.eq_ignore_ascii_case(ending)),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Exact(host) => f.write_str(host)?,
            HostPattern::Below(ending) => write!(f, "*{ending}")?,
        }
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        Ok(())
    }
}

fn text_fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.contains(char::is_whitespace) {
        return Some("it holds a blank");
    }
    if text.contains("://") {
        return Some("it has a scheme; write what follows it");
    }
    if text.contains('@') {
        return Some("it has a digest or a user; a list holds registries and repositories");
    }
    let wildcards = text.matches('*').count();
    (wildcards > usize::from(text.starts_with("*.")))
        .then_some("a * stands for leading labels of a host only, as in *.example.com")
}

fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return None;
    }
    if path.contains(':') {
        return Some("it has a tag; a list holds registries and repositories");
    }
    if path.split('/').any(str::is_empty) {
        return Some("it has nothing between two slashes");
    }
    if path.contains(|c: char| c.is_ascii_uppercase()) {
        return Some("it has upper case in its path, which no image has");
    }
    (!path.split('/').all(grammar::is_path_component))
        .then_some("its path is none that an image may have: lower-case letters, digits, separators between")
}

fn check_host(host: &str) -> Result<(), &'static str> {
    match grammar::host_fault(host) {
        None => Ok(()),
        Some(_) => Err("what stands before the first slash is no host name, nor one with a port"),
    }
}

/// Whether `prefix` is the beginning of `first` and `rest` written together, and ends where a segment does.
fn is_prefix_on_a_boundary(prefix: &str, first: &str, rest: &str) -> bool {
    if prefix.is_empty() {
        return true;
    }
    // `first` is empty or ends with a slash, so an equal path without that slash is a whole segment, too.
    let after = match prefix.strip_prefix(first) {
        Some(remaining) => rest.strip_prefix(remaining),
        None => return first.strip_suffix('/') == Some(prefix),
    };
    after.is_some_and(|after| after.is_empty() || after.starts_with('/'))
}

#[cfg(test)]
#[path = "allowlist_tests.rs"]
mod tests;
