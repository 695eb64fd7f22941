//! Events: the story of an App, as `kubectl describe` tells it.

use super::drift::changed_by;
use super::{Apps, Subject};
use crate::kube_io::{CallError, Cluster, Effect, FieldConflict, Who, address};
use crate::metrics::metrics;
use jiff::Timestamp;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{RecordChange, RecordView};
use kubeop_shared::revision::{
    HookKey, HookOutcome, HookRun, ObjectKey, Pin, PinCause, Record, RevisionHash,
};
use serde_json::json;

/// The longest message of an Event, in characters.
const LONGEST: usize = 1000;

/// One Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    kind: &'static str,
    reason: &'static str,
    message: String,
}

fn normal(reason: &'static str, message: String) -> Story {
    Story {
        kind: "Normal",
        reason,
        message,
    }
}

fn warning(reason: &'static str, message: String) -> Story {
    Story {
        kind: "Warning",
        reason,
        message,
    }
}

pub(super) fn hook_started(key: &HookKey, attempt: u32) -> Story {
    let HookKey { phase, name, hash } = key;
    normal(
        "HookStarted",
        format!(
            "{phase} hook {name} of revision {} started (attempt {attempt})",
            hash.short()
        ),
    )
}

pub(super) fn drift_corrected(key: &ObjectKey, by: &[FieldConflict]) -> Story {
    normal(
        "DriftCorrected",
        format!("{key} is put back as this App says: {}", changed_by(by)),
    )
}

pub(super) fn fight(key: &ObjectKey, message: &str) -> Story {
    warning("Conflict", format!("{key}: {message}"))
}

pub(super) fn conflict(error: &CallError) -> Story {
    warning("Conflict", error.to_string())
}

pub(super) fn pruned(key: &ObjectKey) -> Story {
    normal(
        "Pruned",
        format!("{key} is deleted: this App no longer asks for it"),
    )
}

pub(super) fn prune_blocked(error: &CallError) -> Story {
    warning("PruneBlocked", format!("{error}. It is tried again"))
}

pub(super) fn kept(namespace: &str, key: &ObjectKey) -> Story {
    normal(
        "PruneBlocked",
        format!(
            "{key} is no longer asked for, and is kept. If nobody needs it: kubectl delete -n {namespace} {}/{}",
            key.kind.to_lowercase(),
            key.name
        ),
    )
}

/// `kubectl rollout undo` named a revision that cannot be held.
pub(super) fn not_kept(record: &RecordView, hash: &RevisionHash) -> Story {
    let kept = match record {
        RecordView::Present { record, .. } => record.kept(),
        RecordView::Absent | RecordView::Unusable(_) => String::new(),
    };
    warning(
        "DriftCorrected",
        format!(
            "kubectl rollout undo went to revision {}, which is not kept any more: it is put back. Kept: {kept}",
            hash.short()
        ),
    )
}

fn rolled_back(record: &Record, pin: &Pin) -> Story {
    let (to, instead_of) = (record.name(&pin.hash), record.name(&pin.instead_of));
    let message = format!("{to} is delivered instead of {instead_of}, {}", pin.cause);
    match pin.cause {
        PinCause::Automatic { .. } => warning("RolledBack", message),
        PinCause::Requested { .. } | PinCause::Undone => normal("RolledBack", message),
    }
}

/// What a change of the record tells, if anything.
pub(super) fn of_record(record: &Record, change: &RecordChange) -> Option<Story> {
    let revision = record.wanted()?;
    let named = format!("revision {} ({})", revision.number, revision.hash.short());
    Some(match change {
        RecordChange::Wanted => normal("RolloutStarted", format!("{named} is wanted")),
        RecordChange::Succeeded => normal("RolloutSucceeded", format!("{named} is delivered and healthy")),
        RecordChange::DeadlineMissed(why) => warning("RolloutFailed", format!("{named} failed: {why}")),
        RecordChange::HookEnded(run) => hook_ended(run),
        RecordChange::Skipped(Some(run)) => hook_skipped(run),
        RecordChange::RolledBack(pin) => rolled_back(record, pin),
        RecordChange::PinLifted { pin, why } => normal(
            "PinLifted",
            format!(
                "what the spec says is delivered again, not revision {}: {why}",
                pin.hash.short()
            ),
        ),
        RecordChange::Retried
        | RecordChange::RequestNoted
        | RecordChange::Remembered
        | RecordChange::Applied
        | RecordChange::Relapsed
        | RecordChange::Pruned
        | RecordChange::Skipped(None) => return None,
    })
}

fn hook_skipped(run: &HookRun) -> Story {
    let HookKey { phase, name, hash } = &run.key;
    let by = match &run.outcome {
        HookOutcome::Skipped { by: Some(by) } => format!(" by {by}"),
        _ => String::new(),
    };
    normal(
        "HookSkipped",
        format!(
            "{phase} hook {name} of revision {} is skipped{by}: delivery goes on",
            hash.short()
        ),
    )
}

fn hook_ended(run: &HookRun) -> Story {
    let HookKey { phase, name, .. } = &run.key;
    match &run.outcome {
        HookOutcome::Failed { exit_code, message } => {
            let code = exit_code
                .map(|code| format!(" with exit code {code}"))
                .unwrap_or_default();
            warning(
                "HookFailed",
                format!("{phase} hook {name} failed{code}: {message}"),
            )
        }
        HookOutcome::Succeeded | HookOutcome::Retried | HookOutcome::Skipped { .. } => {
            normal("HookSucceeded", format!("{phase} hook {name} succeeded"))
        }
    }
}

impl<C: Cluster> Apps<C> {
    /// Emits an Event. One that is lost changes nothing, so failure is only logged.
    pub(super) async fn tell(&self, subject: &Subject, story: Story) {
        metrics().event(story.reason);
        let now = Timestamp::now();
        let name = format!("{}.{:x}", subject.key.name, now.as_nanosecond());
        let at = address("", "v1", "Event", Some(&subject.key.namespace), &name);
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": subject.key.namespace},
            "involvedObject": {
                "apiVersion": names::API_VERSION,
                "kind": "App",
                "name": subject.key.name,
                "namespace": subject.key.namespace,
                "uid": subject.uid,
            },
            "type": story.kind,
            "reason": story.reason,
            "message": story.message.chars().take(LONGEST).collect::<String>(),
            "source": {"component": "kubeop-controller"},
            "reportingComponent": "kubeop-controller",
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        });
        if let Err(error) = self
            .cluster
            .create(&Who::Controller, &at, &event, Effect::Real)
            .await
        {
            tracing::warn!(app = %subject.key, %error, "an Event is lost");
        }
    }
}
