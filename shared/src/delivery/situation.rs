//! The next step, and how things stand until it is done: what the decision hands to the report.

use super::prune::Left;
use super::{Action, Failure};
use crate::api::conditions::Reason;
use crate::revision::{HookKey, HookRun, ObjectKey};

/// What is done next, and how things stand meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub action: Action,
    pub situation: Situation,
}

impl Step {
    pub(super) fn new(action: Action, situation: Situation) -> Self {
        Self { action, situation }
    }
}

/// How things stand, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// Nothing can be done until somebody else acts.
    Blocked {
        reason: Reason,
        message: String,
    },
    /// An action failed and will be tried again.
    Failing(Failure),
    Deleting {
        left: Option<Left>,
    },
    Starting,
    HookRunning {
        key: HookKey,
        attempt: u32,
        why: Option<String>,
    },
    HookFailed(HookRun),
    Applying,
    Unhealthy {
        key: ObjectKey,
        why: String,
    },
    /// It may still become healthy, but missed its deadline or says that it cannot.
    Broken {
        key: ObjectKey,
        why: String,
    },
    /// Everything that is wanted is there, and something that is not wanted still is.
    Pruning(Left),
    /// Somebody else keeps changing an object, which is left alone for a while.
    Fighting {
        key: ObjectKey,
        why: String,
    },
    Done,
}
