//! Which changes are a revision, and what is read back from a record.

use super::{
    HookKey, HookOutcome, HookRun, Outcome, Phase, Record, RecordError, Revision, RevisionHash, RevisionSpec,
};
use crate::api::AppSpec;
use rstest::rstest;
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

/// Hashes are for ever: records hold them, and another hash for the same spec would run migrations again.
/// New fields must not change these.
#[rstest]
#[case::sample(
    json!({"projectRef": "web", "namespace": "kubeop-web",
        "delivery": {"kind": "Image", "image": {
            "ref": "ghcr.io/acme/payments:2.3.1", "replicas": 3,
            "rollout": {"strategy": "RollingUpdate", "maxSurge": 1, "maxUnavailable": 1},
            "resources": {"preset": "medium", "requests": {"cpu": "500m", "memory": "512Mi"}},
            "probes": {"preset": "http", "readiness": {"path": "/healthz", "port": 8080}}}},
        "hooks": {"pre": [{"name": "migrate", "image": "ghcr.io/acme/payments-migrate:2.3.1",
            "command": ["/bin/sh", "-c", "./migrate.sh"]}]}}),
    "cfdee88613dd288a189d34bc03537898db853597bd1f6fda8bd4c4820fb2f684")]
#[case::least(json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": "nginx"}}}),
    "d72abedcd75dc109e712c1662cd6a19f8b038ca3b0759adedd4db988b57cfef0")]
#[case::everything(
    json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {
        "ref": "nginx:1", "command": ["a"], "args": ["b"],
        "ports": [{"name": "http", "containerPort": 80, "servicePort": 8080, "protocol": "UDP"}],
        "env": [{"name": "A", "value": "b"}], "envFrom": [{"secretRef": {"name": "s"}}],
        "volumes": [{"name": "v", "emptyDir": {}}], "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "serviceAccountName": "x", "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true},
        "ingress": {"host": "h.example", "dns": {"target": "192.0.2.1"}, "tls": true}}},
        "hooks": {"post": [{"name": "warm", "image": "curl", "timeoutSeconds": 5}], "needs": "Config"}}),
    "5ffcf8c6de8c56fa3a6e3d04e1c16bb8c91f198087f1dbe5a89a885a88ec03e0")]
fn golden_hashes(#[case] spec: Value, #[case] wanted: &str) {
    assert_eq!(hash(&spec).full(), wanted);
}

#[rstest]
#[case::replicas(json!({"replicas": 5}))]
#[case::host_and_library_are_added(json!({"ref": "ghcr.io/acme/pay:1"}))]
#[case::default_protocol(json!({"ports": []}))]
#[case::default_strategy(json!({"rollout": {"strategy": "RollingUpdate", "maxSurge": "25%"}}))]
#[case::no_probes(json!({"probes": {"preset": "none"}}))]
#[case::null_is_absent(json!({"env": null}))]
fn no_new_revision(#[case] change: Value) {
    assert_eq!(hash(&image(&json!({}))), hash(&image(&change)));
}

#[rstest]
#[case::tag(json!({"ref": "ghcr.io/acme/pay:2"}))]
#[case::digest(json!({"ref": format!("ghcr.io/acme/pay:1@sha256:{}", "a".repeat(64))}))]
#[case::env(json!({"env": [{"name": "A", "value": "b"}]}))]
#[case::an_empty_value_is_a_value(json!({"env": [{"name": "A", "value": ""}]}))]
#[case::surge(json!({"rollout": {"maxSurge": "50%"}}))]
fn a_new_revision(#[case] change: Value) {
    assert_ne!(hash(&image(&json!({}))), hash(&image(&change)));
}

#[rstest]
#[case::s37_the_same_quantity(
    json!({"resources": {"requests": {"cpu": "500m"}}}), json!({"resources": {"requests": {"cpu": "0.5"}}}))]
#[case::a_number_is_a_quantity(
    json!({"resources": {"requests": {"cpu": 1}}}), json!({"resources": {"requests": {"cpu": "1000m"}}}))]
#[case::docker_hub(json!({"ref": "nginx"}), json!({"ref": "docker.io/library/nginx"}))]
#[case::service_port(json!({"ports": [{"name": "a", "containerPort": 1}]}),
    json!({"ports": [{"name": "a", "containerPort": 1, "servicePort": 1, "protocol": "TCP"}]}))]
fn two_ways_to_say_one_thing(#[case] one: Value, #[case] other: Value) {
    assert_eq!(hash(&image(&one)), hash(&image(&other)));
}

/// `nginx` and `nginx:latest` are not the same: what is written is what is delivered.
#[test]
fn a_tag_that_is_not_written_is_not_added() {
    assert_ne!(
        hash(&image(&json!({"ref": "nginx"}))),
        hash(&image(&json!({"ref": "nginx:latest"})))
    );
}

#[test]
fn hooks_are_part_of_a_revision_and_their_order_too() {
    let with = |hooks: Value| {
        let mut spec = image(&json!({}));
        spec["hooks"] = hooks;
        hash(&spec)
    };
    let hook = |name: &str| json!({"name": name, "image": "ghcr.io/acme/x:1"});
    let ordered = with(json!({"pre": [hook("a"), hook("b")]}));
    assert_ne!(ordered, with(json!({"pre": [hook("b"), hook("a")]})));
    assert_ne!(ordered, with(json!({})));
    let defaults =
        json!({"name": "a", "image": "ghcr.io/acme/x:1", "timeoutSeconds": 600, "backoffLimit": 0});
    assert_eq!(
        with(json!({"pre": [hook("a")]})),
        with(json!({"pre": [defaults], "needs": "None"}))
    );
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
    assert_eq!(Record::from_data(&written.to_data()), Ok(written));
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
    assert!(record.succeeded(&key), "its hook never runs again");
}
