//! What `decide` answers.

use super::{Report, Stage};
use crate::revision::{HookKey, HookRun, ObjectKey, Pin, Record};
use jiff::Timestamp;

/// The next thing to do for an App: one call of the API server, or one stage of calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Put our finalizer on the App.
    AddFinalizer,
    /// Write the record.
    WriteRecord {
        /// What it says from now on.
        record: Box<Record>,
        /// resourceVersion that is replaced; none: it is created.
        over: Option<String>,
        /// What is new, for Events.
        change: RecordChange,
    },
    /// Create the Job of a hook.
    RunHook {
        /// Which hook.
        key: HookKey,
        /// Which attempt.
        attempt: u32,
    },
    /// Take our finalizer off a hook Job whose outcome is recorded.
    ReleaseJob {
        /// Name of the Job.
        name: String,
    },
    /// Delete a hook Job, and take our finalizer off.
    DeleteJob {
        /// Name of the Job.
        name: String,
    },
    /// Apply objects of one stage.
    Apply {
        /// The stage.
        stage: Stage,
        /// Which objects.
        objects: Vec<Target>,
        /// Why.
        cause: ApplyCause,
        /// Of which revision.
        of: Source,
    },
    /// Read the record and what else stands in the inventory from the API server.
    Look,
    /// Delete a delivered object.
    Delete {
        /// Which.
        key: ObjectKey,
        /// uid that it must have.
        uid: String,
        /// resourceVersion that it must have.
        resource_version: String,
    },
    /// Delete the record, and take our finalizer off.
    ReleaseRecord,
    /// Take our finalizer off the App.
    ReleaseApp,
    /// Write the status of the App.
    WriteStatus(Box<Report>),
    /// Do nothing until something is observed, or until a time.
    Wait(Wait),
}

/// An object that is to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Which.
    pub key: ObjectKey,
    /// resourceVersion over which it is applied, so that a late write hits nothing newer; none where no
    /// object of ours was seen.
    pub over: Option<String>,
}

/// Of which revision objects are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The one that is asked for.
    Wanted,
    /// The one that is delivered, while another is asked for.
    Held,
}

/// What is new in a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordChange {
    /// Another revision is wanted.
    Wanted,
    /// A hook ended.
    HookEnded(HookRun),
    /// A hook of a revision that is no longer kept succeeded.
    Remembered,
    /// Failed hooks are to run again.
    Retried,
    /// A failed hook is done by hand; none: the request meant none that failed.
    Skipped(Option<HookRun>),
    /// Delivery is held at a kept revision from now on.
    RolledBack(Pin),
    /// It is not held there any more.
    PinLifted {
        /// What held it.
        pin: Pin,
        /// Why not, as a clause.
        why: String,
    },
    /// A request to roll back was read, and changes nothing.
    RequestNoted,
    /// All objects are applied.
    Applied,
    /// The revision is through.
    Succeeded,
    /// It was through, and what it started crashed right after.
    Relapsed,
    /// What is no longer wanted is gone, or is not ours to delete.
    Pruned,
    /// The progress deadline passed.
    DeadlineMissed(String),
}

/// Why objects are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplyCause {
    /// They say something new.
    Changed,
    /// Somebody else changed or deleted them.
    Drift,
}

/// Waiting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// For what.
    pub what: WaitFor,
    /// Until when at most, if a clock matters.
    pub until: Option<Timestamp>,
}

/// What is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WaitFor {
    /// Nothing: delivered is what is wanted.
    Change,
    /// A person: a new spec, a retry, an upgrade.
    Person,
    /// The Project.
    Project,
    /// A hook Job.
    Hook,
    /// Health.
    Health,
    /// The end of an object that is being deleted.
    Deletion,
    /// The time to try again.
    Retry,
}
