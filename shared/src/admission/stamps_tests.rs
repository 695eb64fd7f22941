//! Stamps: what is written, what is put back, and what is told.

use super::tests::{APP, app, facts, review};
use super::*;
use crate::api::AppSpec;
use crate::render::Declared;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const AUTHOR: &str = "platform.kubeop.io/author";
const HASH: &str = "platform.kubeop.io/revision-hash";
const VERSION: &str = "platform.kubeop.io/hash-version";
const RESTORED: &str = "platform.kubeop.io/restored";
const VELERO: &str = "system:serviceaccount:velero:velero";

/// What is stored after `user` asked for `object`, and what the user is told.
fn stored(user: &str, object: &Value, old: Option<&Value>) -> (Value, Vec<String>) {
    let mut text: Value = serde_json::from_str(&review(APP, "kubeop-web", object, old)).unwrap();
    text["userInfo"] = json!({"username": user});
    let text = text.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let Verdict::Allow { patch, warnings } = mutate(&facts(), &request) else {
        panic!("no answer")
    };
    let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch)).unwrap();
    let mut after = object.clone();
    json_patch::patch(&mut after, &patch).unwrap();
    (after, warnings)
}

/// An App as `alice` made it.
fn of_alice() -> Value {
    stored("alice", &app("ghcr.io/acme/x:1"), None).0
}

fn stamp<'a>(object: &'a Value, name: &str) -> &'a Value {
    &object["metadata"]["annotations"][name]
}

fn hash(object: &Value) -> String {
    let spec: AppSpec = serde_json::from_value(object["spec"].clone()).unwrap();
    Declared::read(&spec, "kubeop-web").unwrap().hash.to_string()
}

fn annotated(mut object: Value, name: &str, value: &str) -> Value {
    object["metadata"]["annotations"][name] = json!(value);
    object
}

fn with_image(mut object: Value, image: &str) -> Value {
    object["spec"]["delivery"]["image"]["ref"] = json!(image);
    object
}

#[test]
fn a_new_app_says_who_made_it_and_which_revision_it_is() {
    let (made, warnings) = stored("alice", &app("ghcr.io/acme/x:1"), None);
    assert_eq!(stamp(&made, AUTHOR), "alice");
    assert_eq!(stamp(&made, HASH), &json!(hash(&made)));
    assert_eq!(stamp(&made, VERSION), "1");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn who_changes_the_spec_is_its_author() {
    let old = of_alice();
    let (new, warnings) = stored("bob", &with_image(old.clone(), "ghcr.io/acme/x:2"), Some(&old));
    assert_eq!(stamp(&new, AUTHOR), "bob");
    assert_ne!(stamp(&new, HASH), stamp(&old, HASH));
    // The old stamps were carried along, and not said by anybody.
    assert_eq!(warnings, Vec::<String>::new());
    let mut suspended = new.clone();
    suspended["spec"]["suspend"] = json!(true);
    let (suspended, _) = stored("carol", &suspended, Some(&new));
    assert_eq!(stamp(&suspended, AUTHOR), "carol");
    assert_eq!(stamp(&suspended, HASH), stamp(&new, HASH));
}

#[rstest]
#[case::author(
    AUTHOR,
    "eve is the author",
    "is not who changed the spec last, replaced by \"alice\""
)]
#[case::hash(HASH, "0123", "is not the hash of what the App says, replaced by ")]
#[case::version(VERSION, "7", "is not the version of that hash, replaced by \"1\"")]
fn s58_what_is_forged_is_put_back_and_told(#[case] name: &str, #[case] value: &str, #[case] told: &str) {
    let old = of_alice();
    let (after, warnings) = stored("eve", &annotated(old.clone(), name, value), Some(&old));
    assert_eq!(after, old);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let start = format!("metadata.annotations[{name}]: \"{value}\" {told}");
    assert!(warnings[0].starts_with(&start), "{warnings:?}");
}

#[test]
fn s58_stamps_from_elsewhere_are_replaced_by_the_truth() {
    let exported = annotated(
        annotated(app("ghcr.io/acme/x:1"), AUTHOR, "zoe"),
        HASH,
        &"0".repeat(64),
    );
    let (made, warnings) = stored("alice", &exported, None);
    assert_eq!(
        made["metadata"]["annotations"],
        of_alice()["metadata"]["annotations"]
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    // Applied again, merged into what is there.
    let again = annotated(annotated(made.clone(), AUTHOR, "zoe"), HASH, &"0".repeat(64));
    assert_eq!(stored("alice", &again, Some(&made)).0, made);
}

fn managed(mut object: Value, managers: &[(&str, &str)]) -> Value {
    let entry =
        |(manager, time): &(&str, &str)| json!({"manager": manager, "operation": "Update", "time": time});
    object["metadata"]["managedFields"] = managers.iter().map(entry).collect();
    object
}

/// The API server notes when a manager wrote before admission puts back what it wrote.
#[test]
fn s58_a_second_apply_of_a_forged_stamp_leaves_no_trace() {
    let old = managed(of_alice(), &[("apply", "1"), ("kubeop", "2")]);
    let again = annotated(of_alice(), AUTHOR, "zoe");
    let put_back = |managers: &[(&str, &str)]| {
        let mut again = managed(again.clone(), managers);
        again["metadata"]["resourceVersion"] = json!("7");
        let mut after = stored("alice", &again, Some(&old)).0;
        after["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("resourceVersion");
        after
    };
    assert_eq!(put_back(&[("kubeop", "2"), ("apply", "3")]), old);
    // Another manager is news, and so is anything else that changes.
    let other = [("apply", "1"), ("kubeop", "2"), ("gitops", "3")];
    assert_eq!(put_back(&other), managed(of_alice(), &other));
    let labelled = {
        let mut object = managed(again, &[("kubeop", "2"), ("apply", "3")]);
        object["metadata"]["labels"]["a"] = json!("b");
        object
    };
    let after = stored("alice", &labelled, Some(&old)).0;
    assert_eq!(
        after["metadata"]["managedFields"],
        labelled["metadata"]["managedFields"]
    );
}

#[test]
fn s58_what_is_taken_away_is_put_back() {
    let old = annotated(of_alice(), "a", "b");
    let mut bare = old.clone();
    bare["metadata"]["annotations"] = json!({"a": "b"});
    assert_eq!(stored("eve", &bare, Some(&old)), (old.clone(), vec![]));
    let old = of_alice();
    let mut bare = old.clone();
    bare["metadata"].as_object_mut().unwrap().remove("annotations");
    assert_eq!(stored("eve", &bare, Some(&old)), (old.clone(), vec![]));
}

#[test]
fn an_app_from_before_the_stamps_gets_them_with_its_next_spec() {
    let mut old = of_alice();
    old["metadata"].as_object_mut().unwrap().remove("annotations");
    let (after, warnings) = stored("eve", &annotated(old.clone(), AUTHOR, "eve"), Some(&old));
    assert_eq!(after, old);
    assert_eq!(
        warnings,
        [format!(
            "metadata.annotations[{AUTHOR}]: \"eve\" is not who changed the spec last, left out"
        )]
    );
    let (new, _) = stored("bob", &with_image(old.clone(), "ghcr.io/acme/x:2"), Some(&old));
    assert_eq!(stamp(&new, AUTHOR), "bob");
}

/// As by `kubectl replace` of a file that leaves out what admission fills in.
#[test]
fn a_namespace_that_admission_fills_in_changes_no_author() {
    let old = of_alice();
    let mut bare = old.clone();
    bare["spec"].as_object_mut().unwrap().remove("namespace");
    assert_eq!(stored("eve", &bare, Some(&old)), (old.clone(), vec![]));
}

#[test]
fn one_quantity_in_two_ways_is_one_hash() {
    let mut old = app("ghcr.io/acme/x:1");
    old["spec"]["delivery"]["image"]["resources"] = json!({"requests": {"cpu": "500m"}});
    let (old, _) = stored("alice", &old, None);
    let mut new = old.clone();
    new["spec"]["delivery"]["image"]["resources"]["requests"]["cpu"] = json!("0.5");
    let (new, _) = stored("bob", &new, Some(&old));
    assert_eq!(stamp(&new, HASH), stamp(&old, HASH));
}

#[test]
fn a_restored_app_keeps_its_author() {
    let saved = annotated(of_alice(), HASH, "of another version");
    let (restored, _) = stored(VELERO, &saved, None);
    assert_eq!(stamp(&restored, AUTHOR), "alice");
    assert_eq!(stamp(&restored, HASH), stamp(&of_alice(), HASH));
    assert_eq!(stamp(&restored, RESTORED), "true");
    // What it changes later is its own doing.
    let changed = with_image(annotated(restored.clone(), AUTHOR, "bob"), "ghcr.io/acme/x:2");
    assert_eq!(
        stamp(&stored(VELERO, &changed, Some(&restored)).0, AUTHOR),
        VELERO
    );
    assert_eq!(stamp(&stored("eve", &saved, None).0, AUTHOR), "eve");
}

/// A hook waits for the record of what was brought back: nobody else may make it wait.
#[test]
fn only_what_a_restorer_creates_counts_as_restored() {
    let forged = annotated(of_alice(), RESTORED, "true");
    let (made, warnings) = stored("eve", &forged, None);
    assert!(made["metadata"]["annotations"][RESTORED].is_null(), "{made}");
    assert!(
        warnings.iter().any(|warning| warning.contains(RESTORED)),
        "{warnings:?}"
    );
}

/// Admitted where nothing is enforced; no revision, so no hash, and none that is forged.
#[test]
fn manifests_that_cannot_be_read_have_no_hash() {
    let mut broken = annotated(app(""), HASH, "0123");
    broken["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": ["{"]}});
    let (made, warnings) = stored("alice", &broken, None);
    assert_eq!(made["metadata"]["annotations"], json!({AUTHOR: "alice"}));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_long_value_is_told_in_short() {
    let old = of_alice();
    let (_, warnings) = stored(
        "eve",
        &annotated(old.clone(), AUTHOR, &"x".repeat(10_000)),
        Some(&old),
    );
    assert!(warnings[0].len() < 512, "{}", warnings[0].len());
}

proptest! {
    /// Also when the API server calls again, because another webhook changed something.
    #[test]
    fn s11_stamping_twice_is_stamping_once(
        said in prop::collection::btree_map(
            prop::sample::select(&[AUTHOR, HASH, VERSION, "a~b/c"][..]),
            prop::sample::select(&["alice", "eve", "1", ""][..]),
            0..5,
        ),
        annotations in prop::bool::ANY,
        update in prop::bool::ANY,
        image in prop::sample::select(&["ghcr.io/acme/x:1", "ghcr.io/acme/x:2"][..]),
        user in prop::sample::select(&["alice", "bob", VELERO][..]),
    ) {
        let old = update.then(of_alice);
        let mut object = with_image(of_alice(), image);
        object["metadata"]["annotations"] = json!(said);
        if !annotations {
            object["metadata"].as_object_mut().unwrap().remove("annotations");
        }
        let (once, _) = stored(user, &object, old.as_ref());
        let (twice, warnings) = stored(user, &once, old.as_ref());
        prop_assert_eq!(&twice, &once);
        prop_assert_eq!(warnings, Vec::<String>::new());
        prop_assert_eq!(stamp(&once, HASH), &json!(hash(&once)));
    }
}
