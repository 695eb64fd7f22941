//! What the status of an App says, without times: what `decide` compares and writes.

use super::decide::Situation;
use super::{AppView, Failure, Observed, RecordView, Wanted};
use crate::api::AppStatus;
use crate::api::conditions::{self, ConditionStatus, ConditionType, Reason};
use crate::api::names::{ANNOTATION_RETRY_HOOKS, ANNOTATION_ROLLBACK_TO, ANNOTATION_SKIP_HOOK, GROUP};
use crate::revision::{HookKey, HookOutcome, HookRun, Phase, PinCause, Record, RollbackRequest};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The status of an App.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stated {
    /// True, False or Unknown.
    pub state: ConditionStatus,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
}

impl Report {
    /// What a status says.
    #[must_use]
    pub fn of(status: &AppStatus) -> Self {
        let stated = |kind: ConditionType| {
            let condition = conditions::get(&status.conditions, kind)?;
            let state = match condition.status.as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            };
            let (reason, message) = (Reason::read(&condition.reason)?, condition.message.clone());
            Some((
                kind,
                Stated {
                    state,
                    reason,
                    message,
                },
            ))
        };
        Self {
            observed_generation: status.observed_generation,
            conditions: REPORTED.into_iter().filter_map(stated).collect(),
            revision: status.revision.clone(),
            handled: status.handled.clone(),
            replicas: status.replicas,
            selector: status.selector.clone(),
        }
    }

    /// The status that says this. Transition times stand still where the old status says the same.
    #[must_use]
    pub fn to_status(&self, before: &AppStatus, now: Timestamp) -> AppStatus {
        let mut said = before.conditions.clone();
        said.retain(|condition| {
            let reported = REPORTED.into_iter().find(|kind| kind.as_str() == condition.type_);
            reported.is_none_or(|kind| self.conditions.contains_key(&kind))
        });
        let generation = self.observed_generation.unwrap_or_default();
        for (
            kind,
            Stated {
                state,
                reason,
                message,
            },
        ) in &self.conditions
        {
            conditions::set(
                &mut said,
                *kind,
                *state,
                *reason,
                message.clone(),
                generation,
                now,
            );
        }
        AppStatus {
            observed_generation: self.observed_generation,
            conditions: said,
            revision: self.revision.clone(),
            handled: self.handled.clone(),
            replicas: self.replicas,
            selector: self.selector.clone(),
        }
    }
}

/// The conditions that delivery reports.
const REPORTED: [ConditionType; 8] = [
    ConditionType::Ready,
    ConditionType::Reconciling,
    ConditionType::Stalled,
    ConditionType::PreHooksSucceeded,
    ConditionType::Applied,
    ConditionType::Healthy,
    ConditionType::PostHooksSucceeded,
    ConditionType::Compliant,
];

impl Stated {
    /// A condition.
    #[must_use]
    pub fn new(state: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            state,
            reason,
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
    let (state, reason, message) = match (situation, record) {
        (Situation::Done, Some(record)) => done_or_pinned(o, record),
        _ => headline(o, situation),
    };
    conditions.insert(ConditionType::Ready, Stated::new(state, reason, message.clone()));
    let stuck = is_stuck(situation) || reason == Reason::RolledBackAutomatically;
    let (works, stuck) = match (state, stuck) {
        (ConditionStatus::True, _) => (ConditionStatus::False, ConditionStatus::False),
        (_, true) => (ConditionStatus::False, ConditionStatus::True),
        (_, false) => (ConditionStatus::True, ConditionStatus::False),
    };
    conditions.insert(
        ConditionType::Reconciling,
        Stated::new(works, reason, message.clone()),
    );
    conditions.insert(ConditionType::Stalled, Stated::new(stuck, reason, message));
    if let (Ok(wanted), Some(record)) = (&o.wanted, record) {
        steps(&mut conditions, o, record, wanted, situation);
    } else {
        keep_steps(&mut conditions, &o.status);
    }
    match &o.compliant {
        Some(stated) => drop(conditions.insert(ConditionType::Compliant, stated.clone())),
        None => drop(conditions.remove(&ConditionType::Compliant)),
    }
    let delivered = record.and_then(Record::delivered_hash);
    let acted_on = |annotation: &str, value: Option<&String>| Some((annotation.to_owned(), value?.clone()));
    let retried = record.and_then(|record| acted_on(ANNOTATION_RETRY_HOOKS, record.retried.as_ref()));
    let skipped = record.and_then(|record| acted_on(ANNOTATION_SKIP_HOOK, record.skipped.as_ref()));
    let rolled_back = record.and_then(|record| acted_on(ANNOTATION_ROLLBACK_TO, record.rolled_back.as_ref()));
    Report {
        observed_generation: Some(o.app.generation),
        conditions,
        revision: delivered.map(|hash| hash.short().to_owned()),
        handled: retried.into_iter().chain(skipped).chain(rolled_back).collect(),
        replicas: replicas(o, situation),
        selector: o.app.selector.clone(),
    }
}

/// The number of Pods. While they are being replaced it moves all the time, and stays as it was told.
fn replicas(o: &Observed, situation: &Situation) -> Option<i32> {
    let live = o.live.values().find_map(|live| live.replicas);
    match situation {
        Situation::Unhealthy { .. } if o.status.replicas.is_some() => o.status.replicas,
        _ => live,
    }
}

/// `Ready`: status, reason and message.
fn headline(o: &Observed, situation: &Situation) -> (ConditionStatus, Reason, String) {
    match situation {
        Situation::Done => (
            ConditionStatus::True,
            Reason::Succeeded,
            with_notes("everything is delivered and healthy", o),
        ),
        Situation::Blocked { reason, message } => (ConditionStatus::False, *reason, message.clone()),
        Situation::Failing(Failure { reason, message, .. }) => {
            (ConditionStatus::False, *reason, message.clone())
        }
        Situation::Deleting { left: None } => (
            ConditionStatus::False,
            Reason::Deleting,
            "what was delivered is being deleted".to_owned(),
        ),
        Situation::Deleting { left: Some(left) } => (
            ConditionStatus::False,
            Reason::Deleting,
            format!("{}: {}", left.key, left.why),
        ),
        Situation::Pruning(left) => (
            ConditionStatus::False,
            left.reason,
            format!("{} is no longer asked for: {}", left.key, left.why),
        ),
        Situation::Fighting { key, why } => {
            (ConditionStatus::False, Reason::Conflict, format!("{key}: {why}"))
        }
        Situation::Starting => (
            ConditionStatus::False,
            Reason::Progressing,
            "delivery begins".to_owned(),
        ),
        Situation::HookRunning { key, attempt, why } => (
            ConditionStatus::False,
            Reason::HookRunning,
            running(key, *attempt, why.as_deref()),
        ),
        Situation::HookFailed(run) => (ConditionStatus::False, Reason::HookFailed, failed(&o.app, run)),
        Situation::Applying => (
            ConditionStatus::False,
            Reason::Progressing,
            "objects are being applied".to_owned(),
        ),
        Situation::Unhealthy { key, why } => (
            ConditionStatus::False,
            Reason::Progressing,
            format!("{key}: {why}"),
        ),
        Situation::Broken { key, why } => {
            (ConditionStatus::False, Reason::Unhealthy, format!("{key}: {why}"))
        }
    }
}

/// What is said once all is done: it is what the spec says, or why it is not.
fn done_or_pinned(o: &Observed, record: &Record) -> (ConditionStatus, Reason, String) {
    let (Some(pin), Some(wanted)) = (&record.pin, record.wanted()) else {
        return headline(o, &Situation::Done);
    };
    let mut history = record.history.iter();
    let instead_of = history
        .find(|revision| revision.hash == pin.instead_of)
        .map_or_else(
            || format!("revision {}", pin.instead_of.short()),
            ToString::to_string,
        );
    let lift = request(&o.app, ANNOTATION_ROLLBACK_TO, RollbackRequest::NONE);
    if let PinCause::Automatic { why } = &pin.cause {
        let message = format!(
            "{instead_of} failed: {why}. {wanted} is delivered and healthy instead. Apply a new spec, or try it \
             again:\n{lift}"
        );
        return (ConditionStatus::False, Reason::RolledBackAutomatically, message);
    }
    let message = format!(
        "{wanted} is delivered and healthy instead of {instead_of}, {}",
        pin.cause
    );
    let message = format!(
        "{}. A new spec ends that, and so does:\n{lift}",
        with_notes(&message, o)
    );
    (ConditionStatus::True, Reason::Pinned, message)
}

/// The command that asks something of an App by annotation.
fn request(app: &AppView, annotation: &str, value: &str) -> String {
    let AppView { namespace, name, .. } = app;
    format!("kubectl annotate --overwrite -n {namespace} apps.{GROUP}/{name} {annotation}={value}")
}

/// With what there is to say of objects that are ready.
fn with_notes(message: &str, o: &Observed) -> String {
    let notes = o.live.iter().filter_map(|(key, live)| {
        let note = live.note.as_ref()?;
        Some(format!("; {key}: {note}"))
    });
    std::iter::once(message.to_owned()).chain(notes).collect()
}

/// Whether nothing goes on until somebody acts.
fn is_stuck(situation: &Situation) -> bool {
    match situation {
        Situation::HookFailed(_) | Situation::Broken { .. } | Situation::Fighting { .. } => true,
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
fn failed(app: &AppView, run: &HookRun) -> String {
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
        HookOutcome::Succeeded | HookOutcome::Retried | HookOutcome::Skipped { .. } => String::new(),
    };
    let how = how.trim_end_matches([' ', ':']);
    let space = if how.starts_with(':') { "" } else { " " };
    format!(
        "{phase} hook {name} failed{space}{how}. Apply a new spec, go on without it once its work is done, or run it \
         again:\n{}\n{}",
        request(app, ANNOTATION_SKIP_HOOK, &format!("{phase}/{name}")),
        request(app, ANNOTATION_RETRY_HOOKS, "<anything new>"),
    )
}

/// The conditions of the single steps of delivery.
fn steps(
    conditions: &mut BTreeMap<ConditionType, Stated>,
    o: &Observed,
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
        hooks(o, record, wanted, Phase::Pre, situation),
    );
    conditions.insert(
        ConditionType::Applied,
        match situation {
            Situation::Failing(failure) => {
                Stated::new(ConditionStatus::False, failure.reason, failure.message.clone())
            }
            _ if applied => {
                let count = wanted.objects.len();
                let mut message = format!("all objects are applied ({count})");
                for left in &wanted.left {
                    message.push_str("; ");
                    message.push_str(left);
                }
                Stated::new(ConditionStatus::True, Reason::Succeeded, message)
            }
            Situation::Applying => Stated::new(
                ConditionStatus::False,
                Reason::Progressing,
                "objects are being applied",
            ),
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::Healthy,
        match situation {
            Situation::Unhealthy { key, why } => Stated::new(
                ConditionStatus::False,
                Reason::Progressing,
                format!("{key}: {why}"),
            ),
            Situation::Broken { key, why } => {
                Stated::new(ConditionStatus::False, Reason::Unhealthy, format!("{key}: {why}"))
            }
            Situation::Done | Situation::Pruning(_) | Situation::Fighting { .. } => Stated::new(
                ConditionStatus::True,
                Reason::Succeeded,
                with_notes("all objects are healthy", o),
            ),
            Situation::HookRunning { key, .. } | Situation::HookFailed(HookRun { key, .. })
                if key.phase == Phase::Post && applied =>
            {
                Stated::new(
                    ConditionStatus::True,
                    Reason::Succeeded,
                    "all objects are healthy",
                )
            }
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::PostHooksSucceeded,
        hooks(o, record, wanted, Phase::Post, situation),
    );
}

fn pending() -> Stated {
    Stated::new(ConditionStatus::Unknown, Reason::Waiting, "it comes later")
}

fn hooks(o: &Observed, record: &Record, wanted: &Wanted, phase: Phase, situation: &Situation) -> Stated {
    let names = match phase {
        Phase::Pre => &wanted.pre,
        Phase::Post => &wanted.post,
    };
    if names.is_empty() {
        return Stated::new(
            ConditionStatus::True,
            Reason::NothingToDo,
            format!("there are no {phase} hooks"),
        );
    }
    let key = |name: &String| HookKey {
        hash: wanted.hash.clone(),
        phase,
        name: name.clone(),
    };
    if names.iter().all(|name| record.is_done(&key(name))) {
        return Stated::new(
            ConditionStatus::True,
            Reason::Succeeded,
            done(record, names, key, phase),
        );
    }
    match situation {
        Situation::HookRunning { key, attempt, why } if key.phase == phase && key.hash == wanted.hash => {
            Stated::new(
                ConditionStatus::False,
                Reason::HookRunning,
                running(key, *attempt, why.as_deref()),
            )
        }
        Situation::HookFailed(run) if run.key.phase == phase => {
            Stated::new(ConditionStatus::False, Reason::HookFailed, failed(&o.app, run))
        }
        _ => pending(),
    }
}

/// That all hooks of a phase are done, and which of them only because a person said so.
fn done(record: &Record, names: &[String], key: impl Fn(&String) -> HookKey, phase: Phase) -> String {
    let skipped = |name: &&String| {
        let run = record.hook(&key(name));
        run.is_some_and(|run| matches!(run.outcome, HookOutcome::Skipped { .. }))
    };
    let skipped: Vec<&str> = names.iter().filter(skipped).map(String::as_str).collect();
    if skipped.is_empty() {
        return format!("all {phase} hooks succeeded ({})", names.len());
    }
    format!(
        "all {phase} hooks are done ({}); skipped: {}",
        names.len(),
        skipped.join(", ")
    )
}

/// Without a revision to speak about, the steps stay as they were said to be.
fn keep_steps(conditions: &mut BTreeMap<ConditionType, Stated>, before: &Report) {
    for (kind, stated) in &before.conditions {
        conditions.entry(*kind).or_insert_with(|| stated.clone());
    }
}
