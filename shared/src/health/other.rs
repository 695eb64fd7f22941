//! Kinds of a line or two, and everything that only has conditions.

use super::{Health, condition, text};
use serde_json::Value;

/// A Pod that ended well, or is ready. Unlike kstatus, a failed Pod has failed.
pub(super) fn pod(object: &Value) -> Health {
    match text(object, "/status/phase") {
        Some("Succeeded") => Health::Ready,
        Some("Failed") => Health::failed(text(object, "/status/message").unwrap_or("it failed")),
        Some("Running") => match condition(object, "Ready") {
            Some(("True", ..)) => Health::Ready,
            _ => crash_loop(object).unwrap_or_else(|| Health::progressing("it is not ready yet")),
        },
        _ => match condition(object, "PodScheduled") {
            Some(("False", "Unschedulable", message)) => {
                Health::failed(format!("it cannot be scheduled: {message}"))
            }
            _ => Health::progressing("it has not started yet"),
        },
    }
}

fn crash_loop(object: &Value) -> Option<Health> {
    let containers = object.pointer("/status/containerStatuses")?.as_array()?;
    let crashing = containers
        .iter()
        .find(|container| text(container, "/state/waiting/reason") == Some("CrashLoopBackOff"))?;
    let name = text(crashing, "/name").unwrap_or_default();
    Some(Health::failed(format!(
        "container {name} crashes again and again"
    )))
}

/// Only a load balancer is waited for.
pub(super) fn service(object: &Value) -> Health {
    let balancer = text(object, "/spec/type") == Some("LoadBalancer");
    if balancer && text(object, "/spec/clusterIP").unwrap_or_default().is_empty() {
        return Health::progressing("it has no cluster IP yet");
    }
    Health::Ready
}

pub(super) fn claim(object: &Value) -> Health {
    match text(object, "/status/phase") {
        Some("Bound") => Health::Ready,
        phase => Health::progressing(format!("it is {}", phase.unwrap_or("not bound"))),
    }
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
