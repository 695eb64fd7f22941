//! What Argo CD calls an object.

use kubeop_shared::api::conditions::{ConditionType, Reason};
use rstest::rstest;
use serde_json::{Value, json};

use crate::argo::Argo;
use crate::fixtures::{Stands, and, app, object};

#[rstest]
#[case::delivered(Stands::Ready, Reason::Succeeded, "Healthy")]
#[case::held_by_a_person(Stands::Ready, Reason::Pinned, "Healthy")]
#[case::begins(Stands::UnderWay, Reason::Progressing, "Progressing")]
#[case::hook_runs(Stands::UnderWay, Reason::HookRunning, "Progressing")]
#[case::project_comes_later(Stands::UnderWay, Reason::ProjectNotFound, "Progressing")]
#[case::tried_again(Stands::UnderWay, Reason::Retrying, "Progressing")]
#[case::being_deleted(Stands::UnderWay, Reason::Deleting, "Progressing")]
#[case::hook_failed(Stands::Stuck, Reason::HookFailed, "Degraded")]
#[case::conflict(Stands::Stuck, Reason::Conflict, "Degraded")]
#[case::unhealthy(Stands::Stuck, Reason::Unhealthy, "Degraded")]
#[case::went_back_by_itself(Stands::Stuck, Reason::RolledBackAutomatically, "Degraded")]
#[case::suspended(Stands::Stuck, Reason::Suspended, "Suspended")]
fn an_app_is(#[case] stands: Stands, #[case] reason: Reason, #[case] health: &str) {
    let (status, message) = Argo::configured().health(&app(stands, reason, "this is why"));
    assert_eq!((status.as_str(), message.as_str()), (health, "this is why"));
}

#[rstest]
#[case::project_ready("Project", Stands::Ready, Reason::Succeeded, "Healthy")]
#[case::project_waits("Project", Stands::UnderWay, Reason::GateOpen, "Progressing")]
#[case::project_refused("Project", Stands::Stuck, Reason::NamespaceRefused, "Degraded")]
#[case::tenant("Tenant", Stands::Ready, Reason::Succeeded, "Healthy")]
#[case::tenant_in_use("Tenant", Stands::UnderWay, Reason::StillInUse, "Progressing")]
#[case::record("DNSRecord", Stands::Ready, Reason::Succeeded, "Healthy")]
#[case::record_waits("DNSRecord", Stands::UnderWay, Reason::Waiting, "Progressing")]
#[case::certificate("Certificate", Stands::Ready, Reason::Succeeded, "Healthy")]
#[case::certificate_invalid("Certificate", Stands::Stuck, Reason::Invalid, "Degraded")]
fn the_other_kinds_are(
    #[case] kind: &str,
    #[case] stands: Stands,
    #[case] reason: Reason,
    #[case] health: &str,
) {
    let object = object(kind, 3, stands, reason, "this is why");
    assert_eq!(
        Argo::configured().health(&object),
        (health.to_owned(), "this is why".to_owned())
    );
}

/// A sync wave ends at the first Healthy: it must not be that of the generation before.
#[test]
fn what_was_said_of_an_older_generation_is_no_answer() {
    let argo = Argo::configured();
    let older = object("App", 2, Stands::Ready, Reason::Succeeded, "it is there");
    assert_eq!(argo.health(&older).0, "Progressing");
    let stuck = object("App", 2, Stands::Stuck, Reason::HookFailed, "it failed");
    assert_eq!(argo.health(&stuck).0, "Progressing");
    let mut half = object("App", 2, Stands::Ready, Reason::Succeeded, "it is there");
    half["status"]["observedGeneration"] = json!(3);
    assert_eq!(argo.health(&half).0, "Progressing");
}

/// As the schema's default makes it.
#[rstest]
#[case(json!({"observedGeneration": -1}))]
#[case(json!({}))]
#[case(Value::Null)]
fn a_new_object_is_not_looked_at_yet(#[case] status: Value) {
    for kind in ["App", "Project", "Tenant", "DNSRecord", "Certificate"] {
        let mut new = object(kind, 3, Stands::Ready, Reason::Succeeded, "");
        new["status"] = status.clone();
        let (health, message) = Argo::configured().health(&new);
        assert_eq!(health, "Progressing");
        assert!(message.contains("not looked"), "{message}");
    }
}

#[test]
fn what_goes_is_under_way_whatever_was_said_of_it() {
    let mut app = app(Stands::Ready, Reason::Succeeded, "it is there");
    app["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(Argo::configured().health(&app).0, "Progressing");
}

#[test]
fn an_image_that_is_no_longer_allowed_is_told() {
    let app = app(Stands::Ready, Reason::Succeeded, "everything is there");
    let app = and(
        app,
        ConditionType::Compliant,
        Reason::ImageNotAllowed,
        "pay is not in the list",
    );
    let (health, message) = Argo::configured().health(&app);
    assert_eq!(health, "Healthy");
    assert_eq!(message, "everything is there; pay is not in the list");
}
