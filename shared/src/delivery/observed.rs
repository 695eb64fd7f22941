//! What `decide` sees.

use super::{Report, Stage, Stated};
use crate::api::app::{AppDeletionPolicy, HookNeeds};
use crate::api::conditions::Reason;
use crate::health::Health;
use crate::revision::{Digest, HookKey, InventoryEntry, ObjectKey, Phase, Record, RecordError, RevisionHash};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One App and everything around it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The time.
    pub now: Timestamp,
    /// The App.
    pub app: AppView,
    /// Whether its Project lets it deliver.
    pub gate: Gate,
    /// Hash of what its spec says; none where that cannot be read.
    pub asked: Option<RevisionHash>,
    /// What is to be delivered: what its spec says, or the kept revision that a pin holds it at. Or why that cannot
    /// be had: a sentence.
    pub wanted: Result<Wanted, String>,
    /// The kept revision to which `kubectl rollout undo` took the Deployment.
    pub undone: Option<RevisionHash>,
    /// What is delivered, while it asks for something else and cannot have it yet. None: nothing, or it is not
    /// known.
    pub held: Option<Wanted>,
    /// Its record.
    pub record: RecordView,
    /// What was applied since the record was written. Lost in a crash, and then applied again.
    pub applied: BTreeMap<ObjectKey, InventoryEntry>,
    /// The objects of inventory and wish that exist and are ours.
    pub live: BTreeMap<ObjectKey, Live>,
    /// Whether record and objects of the inventory were read from the API server for this very look.
    pub look: Look,
    /// Its hook Jobs.
    pub jobs: Vec<JobView>,
    /// The last action, if it failed.
    pub failure: Option<Failure>,
    /// Deletions that were refused.
    pub refused: BTreeMap<ObjectKey, Refusal>,
    /// Objects that somebody else keeps changing.
    pub fights: BTreeMap<ObjectKey, Refusal>,
    /// Whether what is delivered would be admitted today, where anything is.
    pub compliant: Option<Stated>,
    /// What its status says now.
    pub status: Report,
}

/// Where the news of a look come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// From caches, which may lag. Nothing is deleted on their word.
    Caches,
    /// Record and inventory from the API server.
    Live,
}

/// Something that cannot be done for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, as a sentence.
    pub message: String,
    /// Until when it is not tried.
    pub until: Timestamp,
}

/// The App's metadata, and those parts of its spec that are no part of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppView {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// uid.
    pub uid: String,
    /// Generation of the spec.
    pub generation: i64,
    /// It is being deleted.
    pub deleting: bool,
    /// Our finalizer is on it.
    pub finalizer: bool,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.deletionPolicy`.
    pub deletion_policy: AppDeletionPolicy,
    /// `spec.revisionHistoryLimit`.
    pub history_limit: usize,
    /// `spec.progressDeadlineSeconds`.
    pub progress_deadline: i64,
    /// Value of the annotation `retry-hooks`.
    pub retry: Option<String>,
    /// Who changed the spec last, as admission stamped it.
    pub author: Option<String>,
    /// Value of the annotation `skip-hook`.
    pub skip: Option<String>,
    /// Value of the annotation `rollback-to`.
    pub rollback: Option<String>,
    /// `spec.rollback.automatic`.
    pub on_failure: OnFailure,
    /// Value of the annotation `change-cause`.
    pub change_cause: Option<String>,
    /// Pods of the workload, as label selector, for the scale subresource.
    pub selector: Option<String>,
}

/// What becomes of a rollout that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It is left for a person to look at.
    #[default]
    Stay,
    /// The latest success is delivered instead.
    RollBack,
}

/// Whether the Project lets the App deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It does.
    Open,
    /// It does not yet, or not any more.
    Shut {
        /// Why, as a word.
        reason: Reason,
        /// Why, as a sentence, and what to do.
        message: String,
    },
    /// It was brought back from a backup a moment ago, and its record may still come: without it no hook that ran can
    /// be told from one that never did.
    Restoring {
        /// When it is believed that there is none.
        until: Timestamp,
    },
    /// The namespace is being deleted with everything in it.
    NamespaceGoes,
    /// The definition of Apps is being deleted: kubeOP is uninstalled, which takes nothing along.
    KindGoes,
}

/// What the App asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Hash of the revision.
    pub hash: RevisionHash,
    /// Names of the pre hooks, in order.
    pub pre: Vec<String>,
    /// Names of the post hooks, in order.
    pub post: Vec<String>,
    /// What is delivered before the pre hooks.
    pub needs: HookNeeds,
    /// The objects, in the order of delivery within each stage.
    pub objects: Vec<WantedObject>,
    /// All images, as delivered.
    pub images: Vec<String>,
    /// What is left to others, in sentences: `spec.replicas of Deployment web is left to ...`.
    pub left: Vec<String>,
}

/// One object that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedObject {
    /// Which.
    pub key: ObjectKey,
    /// When it is delivered.
    pub stage: Stage,
    /// Digest of what is applied.
    pub rendered: Digest,
}

/// The record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordView {
    /// There is none.
    Absent,
    /// It is there.
    Present {
        /// What it says.
        record: Box<Record>,
        /// resourceVersion at which it says so.
        resource_version: String,
    },
    /// It cannot be used.
    Unusable(RecordError),
}

/// An object that exists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Live {
    /// uid.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// It is being deleted.
    pub deleting: bool,
    /// Digest of the fields that are ours, if any are.
    pub owned: Option<Digest>,
    /// What its status says.
    pub health: Health,
    /// What there is to say of it although it is ready, as a clause.
    pub note: Option<String>,
    /// Its Pods, where it is a workload.
    pub replicas: Option<i32>,
    /// Whether `spec.replicas` is one of our fields.
    pub owns_replicas: bool,
    /// It stays when it is no longer asked for: its annotation says so, or it is a claim that no annotation
    /// gives away.
    pub keep: bool,
    /// Its containers crash, although by its own status it is ready.
    #[serde(skip)]
    pub crashes: bool,
}

impl Live {
    /// Whether this is the object that the inventory names. Right after a crash that may know no uid yet: then the
    /// fields that we own tell that we applied it, whoever changed it since.
    #[must_use]
    pub fn was_delivered(&self, known: &InventoryEntry) -> bool {
        match &known.uid {
            Some(uid) => self.uid == *uid,
            None => self.owned.is_some(),
        }
    }
}

/// A hook Job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobView {
    /// Name of the Job.
    pub name: String,
    /// The hook.
    pub key: HookKey,
    /// The attempt.
    pub attempt: u32,
    /// Our finalizer is on it.
    pub held: bool,
    /// Until when its end is awaited, where nothing but us ends it.
    pub deadline: Option<Timestamp>,
    /// How far it is.
    pub state: JobState,
}

/// How far a hook Job is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Not ended.
    Running {
        /// What keeps its Pod from running, if anything does.
        why: Option<String>,
    },
    /// Completed.
    Succeeded,
    /// Ended badly.
    Failed {
        /// Exit code of the container, if one ended.
        exit_code: Option<i32>,
        /// The Job's reason and the last lines of output.
        message: String,
    },
}

/// An action that failed, kept in memory until one succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was attempted.
    pub attempted: Attempted,
    /// Generation of the App at that time: a new spec is tried at once.
    pub generation: i64,
    /// Why it failed, as a word.
    pub reason: Reason,
    /// Why it failed, as a sentence.
    pub message: String,
    /// Until when nothing is tried.
    pub retry_at: Timestamp,
}

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// To write the status: then the status cannot tell of it.
    Status,
    /// To apply objects.
    Apply,
    /// To start a hook.
    Hook(Phase),
    /// Anything else.
    Other,
}

#[cfg(test)]
mod tests {
    use super::Live;
    use crate::health::Health;
    use crate::revision::{Digest, InventoryEntry};

    #[test]
    fn an_object_is_ours_by_its_uid_or_before_that_is_recorded_by_its_fields() {
        let live = |owned: bool| Live {
            uid: "o1".into(),
            resource_version: "7".into(),
            deleting: false,
            owned: owned.then(|| Digest::of_text("fields")),
            health: Health::Ready,
            note: None,
            replicas: None,
            owns_replicas: false,
            keep: false,
            crashes: false,
        };
        let known = |uid: Option<&str>| InventoryEntry {
            uid: uid.map(str::to_owned),
            ..InventoryEntry::default()
        };
        assert!(live(false).was_delivered(&known(Some("o1"))));
        assert!(
            !live(true).was_delivered(&known(Some("o2"))),
            "made anew by somebody"
        );
        assert!(
            live(true).was_delivered(&known(None)),
            "a crash before the record was written"
        );
        assert!(!live(false).was_delivered(&known(None)), "it was there before us");
    }
}
