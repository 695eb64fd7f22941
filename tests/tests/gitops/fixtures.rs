//! Objects of our kinds as the API server would give them, made from the types.

use k8s_openapi::jiff::Timestamp;
use kubeop_shared::api::conditions::{self, ConditionStatus, ConditionType, Reason};
use kubeop_shared::api::{App, AppStatus};
use serde_json::{Value, json};

/// The three conditions that every kind has, as the programs write them: not Ready is either under way or stuck.
#[derive(Clone, Copy)]
pub enum Stands {
    Ready,
    UnderWay,
    Stuck,
}

/// An object of a kind at generation 3, of which this was said at this generation.
pub fn object(kind: &str, said_of: i64, stands: Stands, reason: Reason, message: &str) -> Value {
    let (ready, works, stuck) = match stands {
        Stands::Ready => (
            ConditionStatus::True,
            ConditionStatus::False,
            ConditionStatus::False,
        ),
        Stands::UnderWay => (
            ConditionStatus::False,
            ConditionStatus::True,
            ConditionStatus::False,
        ),
        Stands::Stuck => (
            ConditionStatus::False,
            ConditionStatus::False,
            ConditionStatus::True,
        ),
    };
    let mut status = AppStatus {
        observed_generation: Some(said_of),
        ..AppStatus::default()
    };
    for (kind, state) in [
        (ConditionType::Ready, ready),
        (ConditionType::Reconciling, works),
        (ConditionType::Stalled, stuck),
    ] {
        let now = Timestamp::UNIX_EPOCH;
        conditions::set(&mut status.conditions, kind, state, reason, message, said_of, now);
    }
    // The status of an App without its own fields is that of every kind.
    json!({
        "apiVersion": "platform.kubeop.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "pay", "generation": 3},
        "spec": {},
        "status": status,
    })
}

/// An App of two pre hooks and one post hook at generation 3.
pub fn app(stands: Stands, reason: Reason, message: &str) -> Value {
    let mut app = object("App", 3, stands, reason, message);
    let hook = |name: &str| json!({"name": name, "image": "ghcr.io/acme/migrate:1"});
    app["spec"] = json!({
        "projectRef": "web",
        "delivery": {"kind": "Image", "image": {
            "ref": "ghcr.io/acme/pay:1",
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }},
        "hooks": {"pre": [hook("migrate"), hook("migrate-more")], "post": [hook("tell")]},
    });
    app["status"]["revision"] = json!("cfdee88613dd");
    // A fixture that the types cannot read would prove nothing.
    serde_json::from_value::<App>(app.clone()).unwrap();
    app
}

/// Adds a condition.
pub fn and(mut object: Value, kind: ConditionType, reason: Reason, message: &str) -> Value {
    let condition = json!({
        "type": kind.as_str(), "status": "False", "reason": reason.as_str(), "message": message,
        "observedGeneration": 3, "lastTransitionTime": "1970-01-01T00:00:00Z",
    });
    object["status"]["conditions"]
        .as_array_mut()
        .unwrap()
        .push(condition);
    object
}
