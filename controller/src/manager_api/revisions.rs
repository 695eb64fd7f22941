//! What is told of an App's revisions: its record, for programs.

use jiff::Timestamp;
use kubeop_shared::revision::{HookOutcome, HookRun, Record, Revision};
use schemars::JsonSchema;
use serde::Serialize;

/// The kept revisions of an App.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct RevisionList {
    /// Number of the revision that is wanted; none before the first look at the App.
    pub wanted: Option<u64>,
    /// Number of the revision whose objects were all applied last.
    pub delivered: Option<u64>,
    /// Why delivery is held at a kept revision; none where it is not.
    pub pin: Option<Pinned>,
    /// The kept revisions, newest first.
    pub revisions: Vec<Told>,
}

/// A rollback that holds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pinned {
    /// Hash of the revision that is delivered.
    pub hash: String,
    /// Hash of what the spec says all the while.
    pub instead_of: String,
    /// Why: `as alice asked`.
    pub why: String,
    /// Since when (RFC 3339).
    pub since: String,
}

/// A revision.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// Counted from 1.
    pub number: u64,
    /// Its hash, in full.
    pub hash: String,
    /// `InProgress`, `Succeeded`, `Failed` or `Superseded`.
    pub outcome: String,
    /// Whether it ever succeeded, so that `previous` may mean it.
    pub has_succeeded: bool,
    /// When it was first wanted (RFC 3339).
    pub started: String,
    /// When all of its objects were applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<String>,
    /// When it was decided how it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Why it was wanted though the spec said something else: `as alice asked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What its author said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_cause: Option<String>,
    /// Images of its containers and hooks.
    pub images: Vec<String>,
    /// How its hooks ended, in the order in which they did.
    pub hooks: Vec<Hook>,
}

/// An attempt of a hook.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    /// `pre` or `post`.
    pub phase: String,
    /// Its name.
    pub name: String,
    /// Counted from 1.
    pub attempt: u32,
    /// `Succeeded`, `Failed`, `Retried` or `Skipped`.
    pub outcome: String,
    /// Exit code of its container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it failed, with its last lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who skipped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When that was recorded (RFC 3339).
    pub finished: String,
}

impl From<&Record> for RevisionList {
    fn from(record: &Record) -> Self {
        Self {
            wanted: record.wanted().map(|revision| revision.number),
            delivered: record.delivered,
            pin: record.pin.as_ref().map(|pin| Pinned {
                hash: pin.hash.full().to_owned(),
                instead_of: pin.instead_of.full().to_owned(),
                why: pin.cause.to_string(),
                since: pin.since.to_string(),
            }),
            revisions: record
                .history
                .iter()
                .rev()
                .map(|revision| told(revision, record))
                .collect(),
        }
    }
}

fn told(revision: &Revision, record: &Record) -> Told {
    let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let hooks = record.hooks.iter().filter(|run| run.key.hash == revision.hash);
    Told {
        number: revision.number,
        hash: revision.hash.full().to_owned(),
        outcome: revision.outcome.to_string(),
        has_succeeded: revision.has_succeeded(),
        started: revision.started.to_string(),
        applied: text(revision.applied),
        finished: text(revision.finished),
        rollback: revision.rollback.clone(),
        author: revision.author.clone(),
        change_cause: revision.change_cause.clone(),
        images: revision.images.clone(),
        hooks: hooks.map(hook).collect(),
    }
}

fn hook(run: &HookRun) -> Hook {
    let (outcome, exit_code, message, by) = match &run.outcome {
        HookOutcome::Succeeded => ("Succeeded", None, None, None),
        HookOutcome::Failed { exit_code, message } => ("Failed", *exit_code, Some(message.clone()), None),
        HookOutcome::Retried => ("Retried", None, None, None),
        HookOutcome::Skipped { by } => ("Skipped", None, None, by.clone()),
    };
    Hook {
        phase: run.key.phase.to_string(),
        name: run.key.name.clone(),
        attempt: run.attempt,
        outcome: outcome.to_owned(),
        exit_code,
        message,
        by,
        finished: run.finished.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::RevisionList;
    use jiff::Timestamp;
    use kubeop_shared::revision::{
        HookKey, HookOutcome, HookRun, Outcome, Phase, Pin, PinCause, Record, Revision, RevisionHash,
    };
    use serde_json::json;

    fn hash(digit: &str) -> RevisionHash {
        RevisionHash::read(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn a_record_is_told_newest_first_with_its_hooks_and_its_pin() {
        let revision = |number, digit, outcome| Revision {
            outcome,
            author: Some("alice".to_owned()),
            images: vec!["ghcr.io/acme/pay:1".to_owned()],
            ..Revision::started(number, hash(digit), Timestamp::UNIX_EPOCH)
        };
        let failed = HookOutcome::Failed {
            exit_code: Some(3),
            message: "no such table".to_owned(),
        };
        let record = Record {
            delivered: Some(1),
            history: vec![
                revision(1, "a", Outcome::Succeeded),
                revision(2, "b", Outcome::Failed),
            ],
            hooks: vec![HookRun {
                key: HookKey {
                    hash: hash("b"),
                    phase: Phase::Pre,
                    name: "migrate".to_owned(),
                },
                attempt: 1,
                outcome: failed,
                finished: Timestamp::UNIX_EPOCH,
            }],
            pin: Some(Pin {
                hash: hash("a"),
                instead_of: hash("b"),
                cause: PinCause::Requested {
                    by: Some("alice".to_owned()),
                },
                since: Timestamp::UNIX_EPOCH,
            }),
            ..Record::default()
        };
        let told = serde_json::to_value(RevisionList::from(&record)).unwrap();
        let epoch = "1970-01-01T00:00:00Z";
        assert_eq!(
            told,
            json!({
                "wanted": 2, "delivered": 1,
                "pin": {"hash": "a".repeat(64), "insteadOf": "b".repeat(64), "why": "as alice asked", "since": epoch},
                "revisions": [
                    {"number": 2, "hash": "b".repeat(64), "outcome": "Failed", "hasSucceeded": false, "started": epoch,
                        "author": "alice", "images": ["ghcr.io/acme/pay:1"],
                        "hooks": [{"phase": "pre", "name": "migrate", "attempt": 1, "outcome": "Failed", "exitCode": 3,
                            "message": "no such table", "finished": epoch}]},
                    {"number": 1, "hash": "a".repeat(64), "outcome": "Succeeded", "hasSucceeded": true,
                        "started": epoch, "author": "alice", "images": ["ghcr.io/acme/pay:1"], "hooks": []},
                ],
            })
        );
    }

    #[test]
    fn an_app_that_was_never_looked_at_has_none() {
        let told = serde_json::to_value(RevisionList::default()).unwrap();
        assert_eq!(
            told,
            json!({"wanted": null, "delivered": null, "pin": null, "revisions": []})
        );
    }
}
