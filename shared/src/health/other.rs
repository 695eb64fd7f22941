//! Kinds of a line or two, and everything that only has conditions.

use super::cause::{PodStanding, pod_standing};
use super::{Health, condition, text};
use serde_json::Value;

/// A Pod that ended well, or is ready. Unlike kstatus, a failed Pod has failed.
pub(super) fn pod(object: &Value) -> Health {
    let cause = match pod_standing(object) {
        PodStanding::Troubled(cause) => Some(cause),
        PodStanding::Well | PodStanding::Recovering { .. } | PodStanding::Coming => None,
    };
    let why = |otherwise: &str| {
        cause
            .as_ref()
            .map_or_else(|| otherwise.to_owned(), ToString::to_string)
    };
    match text(object, "/status/phase") {
        Some("Succeeded") => Health::Ready,
        Some("Failed") => Health::failed(why("it failed")),
        Some("Running") => match condition(object, "Ready") {
            Some(("True", ..)) => Health::Ready,
            _ if crash_loops(object) => Health::failed(why("a container crashes again and again")),
            _ => Health::progressing(why("it is not ready yet")),
        },
        _ if matches!(
            condition(object, "PodScheduled"),
            Some(("False", "Unschedulable", _))
        ) =>
        {
            Health::failed(why("it cannot be scheduled"))
        }
        _ => Health::progressing(why("it has not started yet")),
    }
}

fn crash_loops(object: &Value) -> bool {
    let containers = object
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array);
    let mut containers = containers.into_iter().flatten();
    containers.any(|container| text(container, "/state/waiting/reason") == Some("CrashLoopBackOff"))
}

/// Only a load balancer is waited for.
pub(super) fn service(object: &Value) -> Health {
    let balancer = text(object, "/spec/type") == Some("LoadBalancer");
    if balancer && text(object, "/spec/clusterIP").unwrap_or_default().is_empty() {
        return Health::progressing("it has no cluster IP yet");
    }
    Health::Ready
}

pub(super) fn definition(object: &Value) -> Health {
    if let Some(("False", _, message)) = condition(object, "NamesAccepted") {
        return Health::failed(format!("its names are not accepted: {message}"));
    }
    match condition(object, "Established") {
        Some(("True", ..)) => Health::Ready,
        Some(("False", reason, message)) if reason != "Installing" => Health::failed(message),
        _ => Health::progressing("it is not established yet"),
    }
}

/// What an object says of itself by `Reconciling` or `Stalled`, whatever its kind.
pub(super) fn stated(object: &Value) -> Option<Health> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let said = |condition: &Value| {
        let message = text(condition, "/message").unwrap_or_default();
        match (text(condition, "/type")?, text(condition, "/status")?) {
            ("Stalled", "True") => Some(Health::failed(message)),
            ("Reconciling", "True") => Some(Health::progressing(message)),
            _ => None,
        }
    };
    conditions.iter().find_map(said)
}

/// Everything else is ready, unless its `Ready` says otherwise.
pub(super) fn by_conditions(object: &Value) -> Health {
    match condition(object, "Ready") {
        Some(("False" | "Unknown", _, message)) => Health::progressing(message),
        _ => Health::Ready,
    }
}
