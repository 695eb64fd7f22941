//! What Argo CD offers to do with an App, and what each action changes.

use kubeop_shared::api::conditions::{ConditionType, Reason};
use rstest::rstest;
use serde_json::{Value, json};

use crate::argo::Argo;
use crate::fixtures::{Stands, and, app};

const ALWAYS: [&str; 2] = ["rollback-to-previous", "suspend"];

fn delivered() -> Value {
    app(Stands::Ready, Reason::Succeeded, "it is there")
}

/// An App whose hook of this phase failed.
fn failed(kind: ConditionType, message: &str) -> Value {
    let app = app(Stands::Stuck, Reason::HookFailed, message);
    and(app, kind, Reason::HookFailed, message)
}

fn with(mut object: Value, place: &str, value: Value) -> Value {
    *object.pointer_mut(place).unwrap() = value;
    object
}

fn asked(value: &str) -> Value {
    let handled = json!({"platform.kubeop.io/rollback-to": value});
    let mut app = delivered();
    app["status"]["handled"] = handled;
    app
}

#[rstest]
#[case::delivered(delivered(), &ALWAYS)]
#[case::hook_failed(
    failed(ConditionType::PreHooksSucceeded, "pre hook migrate failed with exit code 3"),
    &["retry-hooks", "rollback-to-previous", "skip-hook", "suspend"]
)]
#[case::post_hook_failed(
    failed(ConditionType::PostHooksSucceeded, "post hook tell failed"),
    &["retry-hooks", "rollback-to-previous", "skip-hook", "suspend"]
)]
#[case::pinned(
    app(Stands::Ready, Reason::Pinned, "held"),
    &["lift-rollback", "rollback-to-previous", "suspend"]
)]
#[case::went_back_by_itself(
    app(Stands::Stuck, Reason::RolledBackAutomatically, "failed"),
    &["lift-rollback", "rollback-to-previous", "suspend"]
)]
#[case::on_its_way_back(asked("cfdee88613dd by alice"), &["lift-rollback", "rollback-to-previous", "suspend"])]
#[case::lifted(asked("none by alice"), &ALWAYS)]
#[case::lifted_plainly(asked("none"), &ALWAYS)]
#[case::nothing_delivered_yet(with(delivered(), "/status/revision", Value::Null), &["suspend"])]
#[case::suspended(with(delivered(), "/spec", json!({"suspend": true})), &["resume"])]
#[case::new(with(delivered(), "/status", json!({"observedGeneration": -1})), &["suspend"])]
#[case::going(with(delivered(), "/metadata", json!({"deletionTimestamp": "2026-01-01T00:00:00Z"})), &[])]
fn an_app_offers(#[case] app: Value, #[case] actions: &[&str]) {
    assert_eq!(Argo::configured().offered(&app), actions);
}

/// Nothing else is touched: what Argo CD sends is a merge patch of the difference.
#[rstest]
#[case("rollback-to-previous", "rollback-to", "previous")]
#[case("lift-rollback", "rollback-to", "none")]
fn a_request_is_one_annotation(#[case] action: &str, #[case] annotation: &str, #[case] value: &str) {
    let expected = json!({"metadata": {"annotations": {format!("platform.kubeop.io/{annotation}"): value}}});
    let argo = Argo::configured();
    assert_eq!(argo.patch(action, &delivered()), expected);
    let mut annotated = delivered();
    annotated["metadata"]["annotations"] = json!({"team": "pay"});
    assert_eq!(argo.patch(action, &annotated), expected);
}

#[test]
fn another_attempt_is_asked_for_with_the_time() {
    let failed = failed(ConditionType::PreHooksSucceeded, "pre hook migrate failed");
    let patch = Argo::configured().patch("retry-hooks", &failed);
    let annotations = patch["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations.len(), 1);
    let value = annotations["platform.kubeop.io/retry-hooks"].as_str().unwrap();
    value
        .parse::<k8s_openapi::jiff::Timestamp>()
        .unwrap_or_else(|error| panic!("{value}: {error}"));
}

#[rstest]
#[case::with_an_exit_code(
    ConditionType::PreHooksSucceeded,
    "pre hook migrate failed with exit code 3: x",
    "pre/migrate"
)]
#[case::without_one(
    ConditionType::PreHooksSucceeded,
    "pre hook migrate failed: timed out",
    "pre/migrate"
)]
#[case::a_longer_name(
    ConditionType::PreHooksSucceeded,
    "pre hook migrate-more failed with exit code 3",
    "pre/migrate-more"
)]
#[case::after_delivery(
    ConditionType::PostHooksSucceeded,
    "post hook tell failed. Apply a new spec",
    "post/tell"
)]
fn the_hook_that_failed_is_skipped(#[case] kind: ConditionType, #[case] message: &str, #[case] hook: &str) {
    assert_eq!(
        Argo::configured().patch("skip-hook", &failed(kind, message)),
        json!({"metadata": {"annotations": {"platform.kubeop.io/skip-hook": hook}}})
    );
}

#[test]
fn skipping_without_a_failed_hook_says_so() {
    let complaint = Argo::configured().act("skip-hook", &delivered()).unwrap_err();
    assert!(complaint.contains("no hook"), "{complaint}");
    let unknown = failed(ConditionType::PreHooksSucceeded, "pre hook other failed");
    let complaint = Argo::configured().act("skip-hook", &unknown).unwrap_err();
    assert!(complaint.contains("no hook"), "{complaint}");
}

#[test]
fn suspending_and_resuming_is_one_field() {
    let argo = Argo::configured();
    assert_eq!(
        argo.patch("suspend", &delivered()),
        json!({"spec": {"suspend": true}})
    );
    let suspended = argo.act("suspend", &delivered()).unwrap();
    assert_eq!(
        argo.patch("resume", &suspended),
        json!({"spec": {"suspend": null}})
    );
}
