//! `Ready`, in words.

use super::super::situation::Situation;
use super::super::{AppView, Failure, Observed};
use crate::api::conditions::{ConditionStatus, Reason};
use crate::api::names::{
    ANNOTATION_RETRY_HOOKS, ANNOTATION_ROLLBACK_TO, ANNOTATION_SKIP_HOOK, request_command,
};
use crate::revision::{HookKey, HookOutcome, HookRun, PinCause, Record, RollbackRequest};

/// `Ready`: status, reason and message.
pub(super) fn headline(o: &Observed, situation: &Situation) -> (ConditionStatus, Reason, String) {
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
pub(super) fn done_or_pinned(o: &Observed, record: &Record) -> (ConditionStatus, Reason, String) {
    let (Some(pin), Some(wanted)) = (&record.pin, record.wanted()) else {
        return headline(o, &Situation::Done);
    };
    let instead_of = record.name(&pin.instead_of);
    let lift = command(&o.app, ANNOTATION_ROLLBACK_TO, RollbackRequest::NONE);
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

fn command(app: &AppView, annotation: &str, value: &str) -> String {
    request_command(&app.namespace, &app.name, annotation, value)
}

/// With what there is to say of objects that are ready.
pub(super) fn with_notes(message: &str, o: &Observed) -> String {
    let notes = o.live.iter().filter_map(|(key, live)| {
        let note = live.note.as_ref()?;
        Some(format!("; {key}: {note}"))
    });
    std::iter::once(message.to_owned()).chain(notes).collect()
}

/// Whether nothing goes on until somebody acts.
pub(super) fn is_stuck(situation: &Situation) -> bool {
    match situation {
        Situation::HookFailed(_) | Situation::Broken { .. } | Situation::Fighting { .. } => true,
        Situation::Blocked { reason, .. } => {
            !matches!(reason, Reason::ProjectNotReady | Reason::ProjectNotFound)
        }
        Situation::Failing(failure) => !matches!(failure.reason, Reason::Retrying),
        _ => false,
    }
}

pub(super) fn running(key: &HookKey, attempt: u32, why: Option<&str>) -> String {
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
pub(super) fn failed(app: &AppView, run: &HookRun) -> String {
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
        command(app, ANNOTATION_SKIP_HOOK, &format!("{phase}/{name}")),
        command(app, ANNOTATION_RETRY_HOOKS, "<anything new>"),
    )
}
