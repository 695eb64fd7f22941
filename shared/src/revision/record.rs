//! The record of an App: the ConfigMap `kubeop-revision-<app>`, read and written whole.
//!
//! It says which revisions there were, how their hooks ended, and which objects are delivered. It is the
//! only memory that must survive a crash.

use super::Pin;
use super::hash::{Digest, HASH_VERSION, RevisionHash};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// How many hashes are remembered whose hooks ran and whose revision is no longer kept.
const REMEMBERED: usize = 1000;

/// What kubeOP remembers about an App.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// uid of the App that owns this. Not part of the text but of the metadata; none after a restore, which
    /// strips owners.
    pub owner: Option<String>,
    /// Number of the revision whose objects were all applied last.
    pub delivered: Option<u64>,
    /// Revisions, oldest first. The last one is wanted.
    pub history: Vec<Revision>,
    /// How hooks ended, of the kept revisions.
    pub hooks: Vec<HookRun>,
    /// Every object that is delivered, or about to be.
    pub inventory: BTreeMap<ObjectKey, InventoryEntry>,
    /// The last value of `retry-hooks` that was acted on.
    pub retried: Option<String>,
    /// The last value of `skip-hook` that was acted on.
    pub skipped: Option<String>,
    /// The last value of `rollback-to` that was acted on.
    pub rolled_back: Option<String>,
    /// Delivery is held at a kept revision.
    pub pin: Option<Pin>,
    /// Hooks that are done for revisions which are no longer kept: they never run again for those.
    pub remembered: Vec<HookKey>,
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    /// Counted from 1, one more for each change of what is wanted.
    pub number: u64,
    /// Hash of what it says.
    pub hash: RevisionHash,
    /// Version of the canonical form that was hashed.
    pub hash_version: u32,
    /// How it went.
    pub outcome: Outcome,
    /// When it was first wanted.
    pub started: Timestamp,
    /// When all of its objects were applied.
    pub applied: Option<Timestamp>,
    /// When it succeeded, failed or was superseded.
    pub finished: Option<Timestamp>,
    /// When it last succeeded under an earlier number.
    pub succeeded: Option<Timestamp>,
    /// Why it was wanted though the spec said something else: `as alice asked`.
    pub rollback: Option<String>,
    /// Images of containers and hooks, as delivered.
    pub images: Vec<String>,
    /// Who said it, as admission saw it; none where there was no admission.
    pub author: Option<String>,
    /// `platform.kubeop.io/change-cause` of the App at that time.
    pub change_cause: Option<String>,
}

/// How a revision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not decided yet.
    InProgress,
    /// Everything is applied and healthy, and all hooks succeeded.
    Succeeded,
    /// A hook failed.
    Failed,
    /// Another revision was wanted before this one was through.
    Superseded,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Before anything is delivered.
    Pre,
    /// Once everything is healthy.
    Post,
}

/// One hook of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HookKey {
    /// The revision.
    pub hash: RevisionHash,
    /// When it runs.
    pub phase: Phase,
    /// Its name.
    pub name: String,
}

/// How one attempt of a hook ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HookRun {
    /// Which hook.
    pub key: HookKey,
    /// Counted from 1; one more for each `retry-hooks`.
    pub attempt: u32,
    /// How it ended.
    pub outcome: HookOutcome,
    /// When that was recorded.
    pub finished: Timestamp,
}

/// How an attempt of a hook ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HookOutcome {
    /// Its Job completed.
    Succeeded,
    /// Its Job failed.
    Failed {
        /// Exit code of the container, if one ended.
        exit_code: Option<i32>,
        /// The Job's reason and the last lines of output, at most 512 characters.
        message: String,
    },
    /// It failed, and is to run again with the next attempt.
    Retried,
    /// It failed, and a person did its work by hand.
    Skipped {
        /// Who asked for it, where admission saw that.
        by: Option<String>,
    },
}

impl HookOutcome {
    /// Whether delivery goes on after it.
    #[must_use]
    pub fn lets_pass(&self) -> bool {
        match self {
            Self::Succeeded | Self::Skipped { .. } => true,
            Self::Failed { .. } | Self::Retried => false,
        }
    }
}

/// Kind and name of an object in the namespace of the App.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// What is known of a delivered object. Empty: it is about to be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InventoryEntry {
    /// uid that the API server gave it.
    pub uid: Option<String>,
    /// Digest of what was applied.
    pub rendered: Option<Digest>,
    /// Digest of the fields that the API server then said are ours.
    pub owned: Option<Digest>,
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a later version of kubeOP.
    #[error(
        "was written by a newer version of kubeOP (format {format}); this App is left alone until kubeOP is upgraded"
    )]
    Newer {
        /// The format that it names.
        format: u32,
    },
    /// Not what kubeOP writes.
    #[error("cannot be read: data.{key} {why}")]
    Unreadable {
        /// Key of `data`.
        key: &'static str,
        /// What is wrong there.
        why: String,
    },
}

impl Record {
    /// The revision that is wanted.
    #[must_use]
    pub fn wanted(&self) -> Option<&Revision> {
        self.history.last()
    }

    /// Hash of the revision that is delivered.
    #[must_use]
    pub fn delivered_hash(&self) -> Option<&RevisionHash> {
        let number = self.delivered?;
        let revision = self.history.iter().find(|revision| revision.number == number)?;
        Some(&revision.hash)
    }

    /// A kept revision.
    #[must_use]
    pub fn revision(&self, hash: &RevisionHash) -> Option<&Revision> {
        self.history.iter().find(|revision| revision.hash == *hash)
    }

    /// A revision as messages name it: without its number where it is not kept.
    #[must_use]
    pub fn name(&self, hash: &RevisionHash) -> String {
        let kept = self.revision(hash);
        kept.map_or_else(|| format!("revision {}", hash.short()), ToString::to_string)
    }

    /// How the latest attempt of a hook ended, if one did.
    #[must_use]
    pub fn hook(&self, key: &HookKey) -> Option<&HookRun> {
        self.hooks.iter().rev().find(|run| run.key == *key)
    }

    /// Whether a hook is done for its revision, now or long ago: it succeeded, or was skipped.
    #[must_use]
    pub fn is_done(&self, key: &HookKey) -> bool {
        let now = self.hook(key).is_some_and(|run| run.outcome.lets_pass());
        now || self.remembered.contains(key)
    }

    /// Keeps the latest `limit` revisions besides the wanted one, and whatever is delivered, was the latest to
    /// succeed, is pinned or is what a pin stands in for. Hooks that succeeded for the others are remembered.
    pub fn trim(&mut self, limit: usize) {
        let latest_success = self
            .history
            .iter()
            .rev()
            .find(|revision| revision.has_succeeded());
        let held = [self.delivered, latest_success.map(|revision| revision.number)];
        let pin = self.pin.as_ref();
        let pinned =
            |hash: &RevisionHash| pin.is_some_and(|pin| [&pin.hash, &pin.instead_of].contains(&hash));
        let old = self.history.len().saturating_sub(limit.max(1));
        let mut index = 0;
        self.history.retain(|revision| {
            index += 1;
            index > old || held.contains(&Some(revision.number)) || pinned(&revision.hash)
        });
        let kept: Vec<&RevisionHash> = self.history.iter().map(|revision| &revision.hash).collect();
        let (hooks, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.hooks)
            .into_iter()
            .partition(|run| kept.contains(&&run.key.hash));
        self.hooks = hooks;
        let done = gone.into_iter().filter(|run| run.outcome.lets_pass());
        self.remembered.extend(done.map(|run| run.key));
        let surplus = self.remembered.len().saturating_sub(REMEMBERED);
        self.remembered.drain(..surplus);
    }
}

impl Revision {
    /// The first entry about a hash, now wanted.
    #[must_use]
    pub fn started(number: u64, hash: RevisionHash, started: Timestamp) -> Self {
        Self {
            number,
            hash,
            hash_version: HASH_VERSION,
            outcome: Outcome::InProgress,
            started,
            applied: None,
            finished: None,
            succeeded: None,
            rollback: None,
            images: Vec::new(),
            author: None,
            change_cause: None,
        }
    }

    /// Whether it succeeded, now or under an earlier number.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded || self.succeeded.is_some()
    }
}

/// `revision 3 (4f1c02ab12cd)`, as messages name a revision.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {} ({})", self.number, self.hash.short())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Superseded => "Superseded",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pre => "pre",
            Self::Post => "post",
        })
    }
}

impl Phase {
    /// Reads `pre` or `post`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Pre, Self::Post]
            .into_iter()
            .find(|phase| phase.to_string() == text)
    }
}

impl ObjectKey {
    /// `apps/v1`, or `v1` in the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// `Deployment payments`, as messages name an object.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
