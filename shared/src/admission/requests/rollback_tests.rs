//! What becomes of `rollback-to` and `freeze`.

use crate::admission::tests::{APP, app, facts, review};
use crate::admission::{Facts, Known, Request, Verdict, mutate, refusal, validate};
use crate::api::AppSpec;
use crate::render::Declared;
use crate::revision::{Outcome, Pin, PinCause, Record, Revision, RevisionHash};
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

const ROLLBACK: &str = "platform.kubeop.io/rollback-to";
const FREEZE: &str = "platform.kubeop.io/freeze";

fn hash(tag: &str) -> RevisionHash {
    let mut app = app(&format!("ghcr.io/acme/x:{tag}"));
    let spec: AppSpec = serde_json::from_value(app["spec"].take()).unwrap();
    Declared::read(&spec, "kubeop-web").unwrap().hash
}

/// a, b and c were delivered one after the other; `b` failed, and `a` came from a registry that is refused today.
fn record() -> Record {
    let revisions = [("old", 1), ("a", 2), ("b", 3), ("c", 4)];
    let history = revisions.map(|(tag, number)| {
        let mut revision = Revision::started(number, hash(tag), Timestamp::UNIX_EPOCH);
        revision.outcome = if tag == "b" {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        let registry = if tag == "old" { "quay.io" } else { "ghcr.io/acme" };
        revision.images = vec![format!("{registry}/x:{tag}")];
        revision
    });
    Record {
        delivered: Some(4),
        history: history.into(),
        ..Record::default()
    }
}

fn with(tag: &str, annotation: &str, value: Option<&str>) -> Value {
    let mut app = app(&format!("ghcr.io/acme/x:{tag}"));
    app["spec"]["namespace"] = json!("kubeop-web");
    app["metadata"]["annotations"] = json!({"platform.kubeop.io/revision-hash": hash(tag).full(),
        "platform.kubeop.io/hash-version": "1", "platform.kubeop.io/author": "bob"});
    if let Some(value) = value {
        app["metadata"]["annotations"][annotation] = json!(value);
    }
    app
}

/// What alice's write becomes, with warnings; or the refusal.
fn written(record: Record, old: &Value, mut object: Value) -> Result<(Value, Vec<String>), String> {
    let facts = Facts {
        record: Known::Is(Arc::new(record)),
        ..facts()
    };
    let request = |object: &Value| {
        let review = review(APP, "kubeop-web", object, Some(old));
        let mut request: Value = serde_json::from_str(&review).unwrap();
        request["userInfo"] = json!({"username": "alice"});
        request.to_string()
    };
    let mut warned = Vec::new();
    for _ in 0..2 {
        let text = request(&object);
        let Verdict::Allow { patch, warnings } = mutate(&facts, &serde_json::from_str(&text).unwrap()) else {
            panic!("no answer")
        };
        warned.extend(warnings);
        let patch: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
    }
    let text = request(&object);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    match validate(&facts, &request) {
        Verdict::Allow { warnings, .. } => {
            warned.extend(warnings);
            Ok((object, warned))
        }
        Verdict::Deny(violations) => Err(refusal(&request, &violations)),
        Verdict::Need(fact) => panic!("needs {fact:?}"),
    }
}

/// What becomes of `rollback-to` on an App that says `c`.
fn asked(record: Record, before: Option<&str>, value: &str) -> Result<(String, Vec<String>), String> {
    let (old, new) = (with("c", ROLLBACK, before), with("c", ROLLBACK, Some(value)));
    let (object, warnings) = written(record, &old, new)?;
    let value = object["metadata"]["annotations"][ROLLBACK].as_str().unwrap();
    Ok((value.to_owned(), warnings))
}

/// `target` is a tag or `none`.
fn resolved(target: &str, word: &str) -> String {
    let target = if target == "none" {
        target.to_owned()
    } else {
        hash(target).short().to_owned()
    };
    let word = if word.is_empty() {
        String::new()
    } else {
        format!(" ({word})")
    };
    format!(
        "{target} instead of {} after revision 4{word} by alice",
        hash("c").short()
    )
}

#[rstest]
#[case::previous("previous".to_owned(), resolved("a", "previous"))]
#[case::number("2".to_owned(), resolved("a", "2"))]
#[case::none("none".to_owned(), resolved("none", ""))]
#[case::what_the_spec_says("4".to_owned(), resolved("none", "4"))]
#[case::prefix(hash("a").full()[..5].to_owned(), resolved("a", &hash("a").full()[..5]))]
#[case::hash(hash("a").short().to_owned(), resolved("a", ""))]
fn a_request_becomes_what_it_means_and_who_asked(#[case] value: String, #[case] wanted: String) {
    assert_eq!(asked(record(), None, &value), Ok((wanted.clone(), vec![])));
    assert_eq!(asked(record(), Some("something"), &value), Ok((wanted, vec![])));
}

#[test]
fn who_asked_cannot_be_made_up() {
    let forged = format!(
        "{} instead of 000000000000 after revision 9 (1) by bob",
        hash("a").short()
    );
    assert_eq!(asked(record(), None, &forged).unwrap().0, resolved("a", "1"));
}

#[rstest]
#[case("7", "RevisionNotKept", "is no revision that is kept")]
#[case("the one before", "RevisionNotKept", "is no revision that is kept")]
#[case("", "RevisionNotKept", "is no revision that is kept")]
#[case("ffffffff", "RevisionNotKept", "is no revision that is kept")]
fn what_is_not_kept_is_refused_with_what_is(#[case] value: &str, #[case] code: &str, #[case] why: &str) {
    let refused = asked(record(), None, value).unwrap_err();
    let hash = |tag| hash(tag).short().to_owned();
    let kept = format!(
        "Kept: 4 ({}), 3 ({}, Failed), 2 ({}), 1 ({}).",
        hash("c"),
        hash("b"),
        hash("a"),
        hash("old")
    );
    for part in [
        &format!("[{code}] metadata.annotations[{ROLLBACK}]: "),
        why,
        &kept,
    ] {
        assert!(refused.contains(part), "{part}\n{refused}");
    }
}

#[test]
fn an_ambiguous_prefix_is_refused_with_all_that_it_may_mean() {
    let mut record = record();
    let twin = format!("{}{}", &hash("a").full()[..8], "0".repeat(56));
    record.history[0].hash = RevisionHash::read(&twin).unwrap();
    let refused = asked(record, None, &twin[..8]).unwrap_err();
    assert!(refused.contains("[RevisionAmbiguous]"), "{refused}");
    assert!(
        refused.contains(&twin) && refused.contains(hash("a").full()),
        "{refused}"
    );
}

#[test]
fn before_the_first_success_there_is_no_previous() {
    let mut first = record();
    first.history.drain(..3);
    let refused = asked(first, None, "previous").unwrap_err();
    assert!(
        refused.contains("none succeeded but the one that is wanted"),
        "{refused}"
    );
    let refused = asked(Record::default(), None, "previous").unwrap_err();
    assert!(refused.contains("Nothing is kept yet"), "{refused}");
}

#[test]
fn what_the_lists_of_today_refuse_cannot_come_back() {
    let refused = asked(record(), None, "1").unwrap_err();
    let said = format!(
        "[ImageNotAllowed] metadata.annotations[{ROLLBACK}]: \"1\" is revision 1 ({}), whose image \"quay.io/x:old\" is \
         not in the list of the cluster (ghcr.io/acme, registry.example.com, docker.io/library), so it could not \
         start. Write a number",
        hash("old").short()
    );
    assert!(refused.contains(&said), "{refused}");
}

#[test]
fn a_revision_that_never_succeeded_is_named_as_such() {
    let (_, warnings) = asked(record(), None, "3").unwrap();
    assert!(warnings[0].contains("never succeeded"), "{warnings:?}");
}

fn held(request: &str) -> Record {
    let mut record = record();
    let mut back = record.history.remove(1);
    back.number = 5;
    record.history.push(back);
    record.rolled_back = Some(request.to_owned());
    record.pin = Some(Pin {
        hash: hash("a"),
        instead_of: hash("c"),
        cause: PinCause::Requested { by: None },
        since: Timestamp::UNIX_EPOCH,
    });
    record
}

#[test]
fn s38_the_same_word_again_is_no_new_request() {
    let done = resolved("a", "previous");
    // It waits to be acted on; it holds.
    for record in [record(), held(&done)] {
        let (value, warnings) = asked(record, Some(&done), "previous").unwrap();
        assert_eq!(value, done);
        assert!(warnings[0].contains("was done already"), "{warnings:?}");
    }
    // It was lifted since, or something else was asked for since.
    let mut lifted = held(&done);
    lifted.pin = None;
    let again = asked(lifted, Some(&done), "previous").unwrap().0;
    assert_ne!(again, done);
    let other = asked(held("another"), Some(&done), "previous").unwrap().0;
    assert_ne!(other, done);
}

#[test]
fn what_was_done_may_stand_there_again_as_it_was_written() {
    let done = resolved("a", "previous");
    assert_eq!(asked(held(&done), None, &done).unwrap().0, done);
}

#[test]
fn a_request_beside_a_new_spec_is_about_that_one() {
    let old = with("b", ROLLBACK, None);
    let mut new = with("c", ROLLBACK, Some("previous"));
    new["metadata"]["annotations"]["platform.kubeop.io/revision-hash"] = json!(hash("b").full());
    let (object, _) = written(record(), &old, new).unwrap();
    assert_eq!(
        object["metadata"]["annotations"][ROLLBACK],
        json!(resolved("a", "previous"))
    );
}

#[test]
fn a_frozen_app_takes_no_new_revision_not_even_with_its_thaw() {
    let old = with("c", FREEZE, Some("audit until Monday"));
    for thawed in [Some("audit until Monday"), None] {
        let refused = written(record(), &old, with("d", FREEZE, thawed)).unwrap_err();
        assert!(
            refused.contains(
                "[Frozen] spec: would be a new revision, and this App is frozen: \"audit until Monday\""
            ),
            "{refused}"
        );
        assert!(refused.contains(
            "kubectl annotate -n kubeop-web apps.platform.kubeop.io/payments platform.kubeop.io/freeze-"
        ));
    }
    // What is no new revision passes: scaling, thawing, rolling back.
    let mut scaled = with("c", FREEZE, Some("audit until Monday"));
    scaled["spec"]["delivery"]["image"]["replicas"] = json!(5);
    scaled["metadata"]["annotations"][ROLLBACK] = json!("previous");
    written(record(), &old, scaled).unwrap();
    written(record(), &old, with("c", FREEZE, None)).unwrap();
    // Frozen from now on.
    written(record(), &with("c", FREEZE, None), with("d", FREEZE, Some("now"))).unwrap();
}
