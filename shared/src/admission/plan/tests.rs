//! What a dry run says.

use crate::admission::tests::{APP, app, facts, review};
use crate::admission::{Facts, Known, Request, Verdict, validate};
use crate::api::AppSpec;
use crate::render::Declared;
use crate::revision::{
    HookKey, HookOutcome, HookRun, InventoryEntry, ObjectKey, Outcome, Phase, Pin, PinCause, Record,
    Revision, RevisionHash,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

fn hash(app: &Value) -> RevisionHash {
    let spec: AppSpec = serde_json::from_value(app["spec"].clone()).unwrap();
    Declared::read(&spec, "kubeop-web").unwrap().hash
}

fn short(app: &Value) -> String {
    hash(app).short().to_owned()
}

fn key(group: &str, kind: &str, name: &str) -> ObjectKey {
    ObjectKey {
        group: group.into(),
        version: "v1".into(),
        kind: kind.into(),
        name: name.into(),
    }
}

/// `app` is delivered as revision 1, with these objects.
fn record(app: &Value, objects: &[ObjectKey]) -> Record {
    let mut revision = Revision::started(1, hash(app), Timestamp::UNIX_EPOCH);
    revision.outcome = Outcome::Succeeded;
    Record {
        delivered: Some(1),
        history: vec![revision],
        inventory: objects
            .iter()
            .map(|key| (key.clone(), InventoryEntry::default()))
            .collect(),
        ..Record::default()
    }
}

fn dry_run(record: Option<Record>, old: Option<&Value>, new: &Value) -> Vec<String> {
    answer(record, old, new, true)
}

fn answer(record: Option<Record>, old: Option<&Value>, new: &Value, dry: bool) -> Vec<String> {
    let facts = Facts {
        record: record.map_or(Known::Absent, |record| Known::Is(Arc::new(record))),
        ..facts()
    };
    let mut review: Value = serde_json::from_str(&review(APP, "kubeop-web", new, old)).unwrap();
    review["dryRun"] = json!(dry);
    let text = review.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    match validate(&facts, &request) {
        Verdict::Allow { warnings, .. } => warnings,
        other => panic!("{other:?}"),
    }
}

fn with_hooks(mut app: Value) -> Value {
    let hook = |name: &str| json!({"name": name, "image": "ghcr.io/acme/m"});
    app["spec"]["hooks"] = json!({"pre": [hook("migrate")], "post": [hook("warm-up")]});
    app
}

#[test]
fn s19_a_dry_run_says_what_delivery_would_do() {
    let (old, mut new) = (app("ghcr.io/acme/x:1"), app("ghcr.io/acme/x:2"));
    new["spec"]["delivery"]["image"]["replicas"] = json!(3);
    let new = with_hooks(new);
    let record = record(
        &old,
        &[key("apps", "Deployment", "payments"), key("", "ConfigMap", "b")],
    );
    let (from, to) = (short(&old), short(&new));
    assert_eq!(
        dry_run(Some(record.clone()), Some(&old), &new),
        [
            format!("app/payments: revision {from} -> {to}"),
            "app/payments: run pre hook migrate".to_owned(),
            "app/payments: run post hook warm-up".to_owned(),
            "app/payments: change Deployment/payments: spec.replicas, spec.template.spec.containers[0].image"
                .to_owned(),
            "app/payments: prune ConfigMap/b".to_owned(),
        ]
    );
    assert_eq!(
        answer(Some(record), Some(&old), &new, false),
        Vec::<String>::new(),
        "only then"
    );
}

#[test]
fn s19_what_is_no_new_revision_is_silent() {
    let old = with_hooks(app("ghcr.io/acme/x:1"));
    let mut scaled = old.clone();
    scaled["spec"]["delivery"]["image"]["replicas"] = json!(7);
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    for new in [&old, &scaled, &labelled] {
        // The record is not even asked for.
        assert_eq!(dry_run(None, Some(&old), new), Vec::<String>::new());
    }
}

#[test]
fn a_first_revision_creates_all_and_runs_its_hooks() {
    let mut new = with_hooks(app("ghcr.io/acme/x:1"));
    new["spec"]["delivery"]["image"]["ports"] = json!([{"name": "http", "containerPort": 80}]);
    let to = short(&new);
    assert_eq!(
        dry_run(None, None, &new),
        [
            format!("app/payments: revision {to}, the first"),
            "app/payments: run pre hook migrate".to_owned(),
            "app/payments: run post hook warm-up".to_owned(),
            "app/payments: create Deployment/payments".to_owned(),
            "app/payments: create Service/payments".to_owned(),
        ]
    );
}

#[test]
fn a_kept_revision_that_comes_back_runs_no_hook_again() {
    let (first, second) = (
        with_hooks(app("ghcr.io/acme/x:1")),
        with_hooks(app("ghcr.io/acme/x:2")),
    );
    let mut known = record(&first, &[key("apps", "Deployment", "payments")]);
    let mut other = Revision::started(2, hash(&second), Timestamp::UNIX_EPOCH);
    other.outcome = Outcome::Succeeded;
    known.history.push(other);
    known.delivered = Some(2);
    known.hooks.push(HookRun {
        key: HookKey {
            hash: hash(&first),
            phase: Phase::Pre,
            name: "migrate".into(),
        },
        attempt: 1,
        outcome: HookOutcome::Succeeded,
        finished: Timestamp::UNIX_EPOCH,
    });
    let (one, two) = (short(&first), short(&second));
    assert_eq!(
        dry_run(Some(known), Some(&second), &first),
        [
            format!("app/payments: revision {two} -> {one}, kept as revision 1"),
            // It never got that far.
            "app/payments: run post hook warm-up".to_owned(),
            "app/payments: change Deployment/payments: spec.template.spec.containers[0].image".to_owned(),
        ]
    );
}

#[test]
fn what_is_delivered_is_known_by_digest_where_the_old_spec_is_not_delivered() {
    let manifest = |name: &str, value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
        "data": {"v": value}})
    };
    let raw = |manifests: Value| {
        let mut app = app("");
        app["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": manifests}});
        app
    };
    let pinned = raw(json!([manifest("a", "1"), manifest("b", "1")]));
    let old = raw(json!([manifest("a", "2")]));
    let new = raw(json!([manifest("a", "3"), manifest("c", "1")]));
    let objects = [key("", "ConfigMap", "a"), key("", "ConfigMap", "b")];
    let mut known = record(&pinned, &objects);
    known.pin = Some(Pin {
        hash: hash(&pinned),
        instead_of: hash(&old),
        cause: PinCause::Undone,
        since: Timestamp::UNIX_EPOCH,
    });
    let (from, to) = (short(&pinned), short(&new));
    assert_eq!(
        dry_run(Some(known), Some(&old), &new),
        [
            format!("app/payments: revision {from} -> {to}, which ends the rollback"),
            "app/payments: change ConfigMap/a".to_owned(),
            "app/payments: create ConfigMap/c".to_owned(),
            "app/payments: prune ConfigMap/b".to_owned(),
        ]
    );
}

#[test]
fn claims_and_what_says_so_are_kept() {
    let manifests = json!([
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "annotations":
            {"platform.kubeop.io/prune": "false"}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rest"}},
    ]);
    let mut old = app("");
    old["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": manifests}});
    let mut new = old.clone();
    new["spec"]["delivery"]["raw"]["manifests"]
        .as_array_mut()
        .unwrap()
        .drain(..2);
    let objects = [
        key("", "PersistentVolumeClaim", "data"),
        key("", "ConfigMap", "mine"),
        key("", "ConfigMap", "rest"),
    ];
    let said = dry_run(Some(record(&old, &objects)), Some(&old), &new);
    assert_eq!(
        said[1..],
        [
            "app/payments: keep ConfigMap/mine, which nothing asks for any more",
            "app/payments: keep PersistentVolumeClaim/data, which nothing asks for any more",
        ]
    );
}

#[test]
fn a_long_plan_stays_within_what_the_api_server_lets_through() {
    let manifest = |index: usize, value: &str| {
        let data: serde_json::Map<String, Value> = (0..40)
            .map(|field| (format!("a-long-name-of-a-field-{field}"), json!(value)))
            .collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("settings-{index}")}, "data": data})
    };
    let raw = |value: &str| {
        let mut app = app("");
        let manifests: Vec<Value> = (0..60).map(|index| manifest(index, value)).collect();
        app["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": manifests}});
        app
    };
    let (old, new) = (raw("1"), raw("2"));
    let names: Vec<ObjectKey> = (0..60)
        .map(|index| key("", "ConfigMap", &format!("settings-{index}")))
        .collect();
    let said = dry_run(Some(record(&old, &names)), Some(&old), &new);
    assert!(said.iter().all(|line| line.chars().count() < 256), "{said:?}");
    assert!(said.iter().map(|line| line.chars().count()).sum::<usize>() <= 4000);
    let shown = said.len() - 1;
    assert_eq!(
        said[shown],
        format!("app/payments: {} more lines left out", 61 - shown)
    );
    assert!(said[1].ends_with("more fields"), "{}", said[1]);
}
