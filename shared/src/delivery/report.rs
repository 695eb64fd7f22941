//! What the status of an App says, without times: what `decide` compares and writes.

use super::decide::Situation;
use super::{Failure, Observed, RecordView, Wanted};
use crate::api::conditions::ConditionType;
use crate::revision::{HookKey, HookOutcome, HookRun, Phase, Record};
use std::collections::BTreeMap;
use std::fmt;

/// The status of an App.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Generation that it speaks about.
    pub observed_generation: Option<i64>,
    /// Conditions by type.
    pub conditions: BTreeMap<ConditionType, Stated>,
    /// Revision whose objects are applied: 12 hexadecimal digits.
    pub revision: Option<String>,
    /// Last values of request annotations that were acted on.
    pub handled: BTreeMap<String, String>,
    /// Pods of the workload.
    pub replicas: Option<i32>,
    /// Label selector of those Pods.
    pub selector: Option<String>,
}

/// What one condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// True, False or Unknown.
    pub state: State,
    /// Why, as a word.
    pub reason: String,
    /// Why, as a sentence.
    pub message: String,
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not known yet.
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        })
    }
}

/// Reasons of the conditions of an App: all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Everything is delivered.
    Delivered,
    /// It comes later.
    Pending,
    /// There is nothing to do.
    None,
    /// It ended well.
    Succeeded,
    /// A hook runs.
    HookRunning,
    /// A hook failed.
    HookFailed,
    /// Objects are being applied.
    Applying,
    /// The API server refused an object.
    ApplyFailed,
    /// Somebody else owns a field or an object.
    Conflict,
    /// The deployer account lacks a right.
    Forbidden,
    /// Pods are being replaced.
    RollingOut,
    /// The rollout failed.
    RolloutFailed,
    /// `spec.suspend` is set.
    Suspended,
    /// The App is being deleted.
    Deleting,
    /// The Project does not exist.
    ProjectNotFound,
    /// The Project is not ready.
    ProjectNotReady,
    /// The App is not in the namespace of its Project.
    WrongNamespace,
    /// The spec cannot be read.
    Unreadable,
    /// The record cannot be used.
    RecordUnusable,
    /// A call of the API server failed, and is tried again.
    Retrying,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names are the words: conditions show them as they are.
        fmt::Debug::fmt(self, f)
    }
}

impl Stated {
    /// A condition.
    #[must_use]
    pub fn new(state: State, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            state,
            reason: reason.to_string(),
            message: message.into(),
        }
    }
}

/// What the status should say.
pub(super) fn report(o: &Observed, situation: &Situation) -> Report {
    let record = match &o.record {
        RecordView::Present { record, .. } => Some(record.as_ref()),
        RecordView::Absent | RecordView::Unusable(_) => None,
    };
    let mut conditions = BTreeMap::new();
    let (state, reason, message) = headline(situation);
    conditions.insert(ConditionType::Ready, Stated::new(state, reason, message.clone()));
    let (works, stuck) = match (state, is_stuck(situation)) {
        (State::True, _) => (State::False, State::False),
        (_, true) => (State::False, State::True),
        (_, false) => (State::True, State::False),
    };
    conditions.insert(
        ConditionType::Reconciling,
        Stated::new(works, reason, message.clone()),
    );
    conditions.insert(ConditionType::Stalled, Stated::new(stuck, reason, message));
    if let (Ok(wanted), Some(record)) = (&o.wanted, record) {
        steps(&mut conditions, record, wanted, situation);
    } else {
        keep_steps(&mut conditions, &o.status);
    }
    let delivered = record.and_then(Record::delivered_hash);
    let retried = record.and_then(|record| record.retried.clone());
    Report {
        observed_generation: Some(o.app.generation),
        conditions,
        revision: delivered.map(|hash| hash.short().to_owned()),
        handled: retried
            .map(|value| (crate::api::names::ANNOTATION_RETRY_HOOKS.to_owned(), value))
            .into_iter()
            .collect(),
        replicas: o.live.values().find_map(|live| live.replicas),
        selector: o.app.selector.clone(),
    }
}

/// `Ready`: status, reason and message.
fn headline(situation: &Situation) -> (State, Reason, String) {
    match situation {
        Situation::Done => (
            State::True,
            Reason::Delivered,
            "everything is delivered and healthy".to_owned(),
        ),
        Situation::Blocked { reason, message } => (State::False, *reason, message.clone()),
        Situation::Failing(Failure { reason, message, .. }) => (State::False, *reason, message.clone()),
        Situation::Deleting { waits_for: None } => (
            State::False,
            Reason::Deleting,
            "what was delivered is being deleted".to_owned(),
        ),
        Situation::Deleting { waits_for: Some(key) } => {
            (State::False, Reason::Deleting, format!("{key} is being deleted"))
        }
        Situation::Starting => (State::False, Reason::Pending, "delivery begins".to_owned()),
        Situation::HookRunning { key, attempt, why } => (
            State::False,
            Reason::HookRunning,
            running(key, *attempt, why.as_deref()),
        ),
        Situation::HookFailed(run) => (State::False, Reason::HookFailed, failed(run)),
        Situation::Applying => (
            State::False,
            Reason::Applying,
            "objects are being applied".to_owned(),
        ),
        Situation::Unhealthy { key, why } => (State::False, Reason::RollingOut, format!("{key}: {why}")),
        Situation::Broken { key, why } => (State::False, Reason::RolloutFailed, format!("{key}: {why}")),
    }
}

/// Whether nothing goes on until somebody acts.
fn is_stuck(situation: &Situation) -> bool {
    match situation {
        Situation::HookFailed(_) | Situation::Broken { .. } => true,
        Situation::Blocked { reason, .. } => {
            !matches!(reason, Reason::ProjectNotReady | Reason::ProjectNotFound)
        }
        Situation::Failing(failure) => !matches!(failure.reason, Reason::Retrying),
        _ => false,
    }
}

fn running(key: &HookKey, attempt: u32, why: Option<&str>) -> String {
    let HookKey { phase, name, .. } = key;
    let again = if attempt > 1 {
        format!(" (attempt {attempt})")
    } else {
        String::new()
    };
    match why {
        None => format!("{phase} hook {name} is running{again}"),
        Some(why) => format!("{phase} hook {name} is waiting{again}: {why}"),
    }
}

/// The way out is part of the message.
fn failed(run: &HookRun) -> String {
    let HookKey { phase, name, .. } = &run.key;
    let how = match &run.outcome {
        HookOutcome::Failed {
            exit_code: Some(code),
            message,
        } => format!("with exit code {code}: {message}"),
        HookOutcome::Failed {
            exit_code: None,
            message,
        } => format!(": {message}"),
        HookOutcome::Succeeded | HookOutcome::Retried => String::new(),
    };
    let how = how.trim_end_matches([' ', ':']);
    let space = if how.starts_with(':') { "" } else { " " };
    format!(
        "{phase} hook {name} failed{space}{how}. Apply a new spec, or run it again: kubectl annotate --overwrite \
         apps.platform.kubeop.io/<name> {}=<anything new>",
        crate::api::names::ANNOTATION_RETRY_HOOKS
    )
}

/// The conditions of the single steps of delivery.
fn steps(
    conditions: &mut BTreeMap<ConditionType, Stated>,
    record: &Record,
    wanted: &Wanted,
    situation: &Situation,
) {
    let applied = record.delivered_hash() == Some(&wanted.hash)
        && record
            .wanted()
            .is_some_and(|revision| revision.hash == wanted.hash)
        && !matches!(situation, Situation::Applying | Situation::Failing(_));
    conditions.insert(
        ConditionType::PreHooksSucceeded,
        hooks(record, wanted, Phase::Pre, &wanted.pre, situation),
    );
    conditions.insert(
        ConditionType::Applied,
        match situation {
            Situation::Failing(failure) => Stated::new(State::False, failure.reason, failure.message.clone()),
            _ if applied => {
                let count = wanted.objects.len();
                Stated::new(
                    State::True,
                    Reason::Succeeded,
                    format!("all objects are applied ({count})"),
                )
            }
            Situation::Applying => Stated::new(State::False, Reason::Applying, "objects are being applied"),
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::Healthy,
        match situation {
            Situation::Unhealthy { key, why } => {
                Stated::new(State::False, Reason::RollingOut, format!("{key}: {why}"))
            }
            Situation::Broken { key, why } => {
                Stated::new(State::False, Reason::RolloutFailed, format!("{key}: {why}"))
            }
            Situation::Done => Stated::new(State::True, Reason::Succeeded, "all objects are healthy"),
            Situation::HookRunning { key, .. } | Situation::HookFailed(HookRun { key, .. })
                if key.phase == Phase::Post && applied =>
            {
                Stated::new(State::True, Reason::Succeeded, "all objects are healthy")
            }
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::PostHooksSucceeded,
        hooks(record, wanted, Phase::Post, &wanted.post, situation),
    );
}

fn pending() -> Stated {
    Stated::new(State::Unknown, Reason::Pending, "it comes later")
}

fn hooks(record: &Record, wanted: &Wanted, phase: Phase, names: &[String], situation: &Situation) -> Stated {
    if names.is_empty() {
        return Stated::new(State::True, Reason::None, format!("there are no {phase} hooks"));
    }
    let key = |name: &String| HookKey {
        hash: wanted.hash.clone(),
        phase,
        name: name.clone(),
    };
    if names.iter().all(|name| record.succeeded(&key(name))) {
        return Stated::new(
            State::True,
            Reason::Succeeded,
            format!("all {phase} hooks succeeded ({})", names.len()),
        );
    }
    match situation {
        Situation::HookRunning { key, attempt, why } if key.phase == phase && key.hash == wanted.hash => {
            Stated::new(
                State::False,
                Reason::HookRunning,
                running(key, *attempt, why.as_deref()),
            )
        }
        Situation::HookFailed(run) if run.key.phase == phase => {
            Stated::new(State::False, Reason::HookFailed, failed(run))
        }
        _ => pending(),
    }
}

/// Without a revision to speak about, the steps stay as they were said to be.
fn keep_steps(conditions: &mut BTreeMap<ConditionType, Stated>, before: &Report) {
    for (kind, stated) in &before.conditions {
        conditions.entry(*kind).or_insert_with(|| stated.clone());
    }
}
