//! What is read back from a record. Which changes are a revision: `render::revision_vectors`.

use super::{
    HookKey, HookOutcome, HookRun, Outcome, Phase, Pin, PinCause, Record, RecordError, Revision,
    RevisionHash, RevisionSpec,
};
use crate::api::AppSpec;
use serde_json::{Value, json};

fn hash(spec: &Value) -> RevisionHash {
    let spec: AppSpec = serde_json::from_value(spec.clone()).unwrap();
    RevisionHash::of(&RevisionSpec::new(&spec, Vec::new()))
}

fn image(image: &Value) -> Value {
    let mut said = json!({"ref": "ghcr.io/acme/pay:1"});
    said.as_object_mut()
        .unwrap()
        .extend(image.as_object().unwrap().clone());
    json!({"projectRef": "web", "delivery": {"kind": "Image", "image": said}})
}

fn record(revisions: u64) -> Record {
    let time = "2026-11-25T06:00:00Z".parse().unwrap();
    let mut record = Record::default();
    for number in 1..=revisions {
        let hash = hash(&image(&json!({"ref": format!("ghcr.io/acme/pay:{number}")})));
        let mut revision = Revision::started(number, hash.clone(), time);
        revision.outcome = if number == 1 {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        revision.author = Some("system:serviceaccount:ci:deployer".into());
        revision.change_cause = Some("for: #12 \"x\"".into());
        record.history.push(revision);
        let key = HookKey {
            hash,
            phase: Phase::Pre,
            name: "migrate".into(),
        };
        record.hooks.push(HookRun {
            key,
            attempt: 1,
            outcome: HookOutcome::Succeeded,
            finished: time,
        });
    }
    record
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    let mut written = record(3);
    written.hooks[0].outcome = HookOutcome::Failed {
        exit_code: Some(3),
        message: "no such table:\n  pay".into(),
    };
    written.history[2].succeeded = Some(written.history[2].started);
    written.history[2].rollback = Some("as alice asked".to_owned());
    written.rolled_back =
        Some("4f1c02ab12cd instead of 9a77be01fe23 after revision 2 (1) by alice".to_owned());
    for cause in [
        PinCause::Requested {
            by: Some("alice".to_owned()),
        },
        PinCause::Requested { by: None },
        PinCause::Undone,
        PinCause::Automatic {
            why: "Deployment pay: \"x\" is gone\nnow: what".to_owned(),
        },
    ] {
        written.pin = Some(Pin {
            hash: written.history[0].hash.clone(),
            instead_of: written.history[1].hash.clone(),
            cause,
            since: written.history[0].started,
        });
        assert_eq!(Record::from_data(&written.to_data()), Ok(written.clone()));
    }
    written.pin = None;
    assert_eq!(Record::from_data(&written.to_data()), Ok(written));
}

#[test]
fn a_record_names_the_author_where_one_is_known() {
    let mut known = record(1);
    let data = known.to_data();
    let line = "  author: system:serviceaccount:ci:deployer\n";
    assert!(data["history"].contains(line), "{}", data["history"]);
    // From before there were authors.
    let mut old = data.clone();
    old.insert("history".into(), data["history"].replace(line, ""));
    known.history[0].author = None;
    assert_eq!(Record::from_data(&old), Ok(known));
}

#[test]
fn a_record_of_a_newer_version_is_left_alone() {
    let mut data = record(1).to_data();
    data.insert("format".into(), "2".into());
    assert_eq!(Record::from_data(&data), Err(RecordError::Newer { format: 2 }));
}

#[test]
fn a_record_that_was_edited_by_hand_names_the_place() {
    let mut data = record(1).to_data();
    data.insert("history".into(), "- revision: 1\nnonsense".into());
    let error = Record::from_data(&data).unwrap_err().to_string();
    assert_eq!(error, "cannot be read: data.history breaks at line 2");
}

#[test]
fn the_latest_success_is_never_trimmed_and_hooks_are_remembered() {
    let mut record = record(5);
    record.trim(2);
    let numbers: Vec<_> = record.history.iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, [1, 4, 5]);
    let forgotten = hash(&image(&json!({"ref": "ghcr.io/acme/pay:2"})));
    let key = HookKey {
        hash: forgotten,
        phase: Phase::Pre,
        name: "migrate".into(),
    };
    assert!(record.is_done(&key), "its hook never runs again");
}
