//! Requests by annotation: what they become, and which are refused.

use crate::admission::tests::{APP, answer, app, facts, review};
use crate::admission::{Facts, Known, Request, Verdict, mutate, refusal, validate};
use crate::revision::{HookKey, HookOutcome, HookRun, Outcome, Phase, Record, Revision, RevisionHash};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

const SKIP: &str = "platform.kubeop.io/skip-hook";
const HASH: &str = "4f1c02ab12cd4f1c02ab12cd4f1c02ab12cd4f1c02ab12cd4f1c02ab12cd0000";

/// A record whose wanted revision has a pre hook `migrate` that ended like this.
fn record(outcome: HookOutcome) -> Record {
    let now = Timestamp::UNIX_EPOCH;
    let hash = RevisionHash::read(HASH).unwrap();
    let mut revision = Revision::started(1, hash.clone(), now);
    revision.outcome = Outcome::Failed;
    Record {
        history: vec![revision],
        hooks: vec![HookRun {
            key: HookKey {
                hash,
                phase: Phase::Pre,
                name: "migrate".into(),
            },
            attempt: 1,
            outcome,
            finished: now,
        }],
        ..Record::default()
    }
}

fn failed() -> Record {
    record(HookOutcome::Failed {
        exit_code: Some(3),
        message: String::new(),
    })
}

fn with_skip(value: Option<&str>) -> Value {
    let mut app = app("ghcr.io/acme/x:1");
    if let Some(value) = value {
        app["metadata"]["annotations"] = json!({SKIP: value});
    }
    app
}

/// What becomes of the annotation when alice writes it, or the refusal.
fn asked(record: Record, before: Option<&str>, value: &str) -> Result<String, String> {
    let facts = Facts {
        record: Known::Is(Arc::new(record)),
        ..facts()
    };
    let request = |object: &Value| {
        let review = review(APP, "kubeop-web", object, Some(&with_skip(before)));
        let mut request: Value = serde_json::from_str(&review).unwrap();
        request["userInfo"] = json!({"username": "alice"});
        request.to_string()
    };
    let mut object = with_skip(Some(value));
    for _ in 0..2 {
        let text = request(&object);
        let Verdict::Allow { patch, .. } = mutate(&facts, &serde_json::from_str(&text).unwrap()) else {
            panic!("no answer")
        };
        let patch: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
    }
    let text = request(&object);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    match validate(&facts, &request) {
        Verdict::Allow { .. } => Ok(object["metadata"]["annotations"][SKIP]
            .as_str()
            .unwrap()
            .to_owned()),
        Verdict::Deny(violations) => Err(refusal(&request, &violations)),
        Verdict::Need(fact) => panic!("needs {fact:?}"),
    }
}

#[rstest]
#[case("migrate")]
#[case("pre/migrate")]
#[case("pre/migrate of 4f1c02 by bob")]
fn s59_a_request_becomes_what_it_means_and_who_asked(#[case] value: &str) {
    let resolved = "pre/migrate of 4f1c02ab12cd by alice";
    assert_eq!(asked(failed(), None, value).unwrap(), resolved);
    assert_eq!(asked(failed(), Some("check"), value).unwrap(), resolved);
}

#[rstest]
#[case(failed(), "check", "pre/migrate")]
#[case(failed(), "post/migrate", "pre/migrate")]
#[case(failed(), "migrate of 000000", "pre/migrate")]
#[case(record(HookOutcome::Succeeded), "migrate", "wait for it")]
#[case(Record::default(), "migrate", "wait for it")]
fn s59_a_hook_that_did_not_fail_cannot_be_skipped(
    #[case] record: Record,
    #[case] value: &str,
    #[case] way_out: &str,
) {
    let refused = asked(record, None, value).unwrap_err();
    assert!(
        refused.contains("[HookNotFailed] metadata.annotations[platform.kubeop.io/skip-hook]"),
        "{refused}"
    );
    assert!(refused.contains(way_out), "{refused}");
}

#[test]
fn a_manifest_that_still_says_what_was_done_changes_nothing() {
    let resolved = "pre/migrate of 4f1c02ab12cd by alice";
    let mut done = record(HookOutcome::Skipped { by: None });
    done.skipped = Some(resolved.to_owned());
    assert_eq!(asked(done, Some(resolved), "migrate").unwrap(), resolved);
}

#[test]
fn a_new_app_has_no_hook_to_skip() {
    let review = review(APP, "kubeop-web", &with_skip(Some("migrate")), None);
    let warnings = answer(&facts(), &review).unwrap();
    assert!(warnings[0].contains("skips none"), "{warnings:?}");
}

#[test]
fn nothing_is_read_where_nothing_is_asked() {
    let old = with_skip(Some("migrate"));
    let review = review(APP, "kubeop-web", &old, Some(&old));
    answer(&facts(), &review).unwrap();
}
