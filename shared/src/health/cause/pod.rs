//! Why a Pod does not run or is not ready.

use super::super::{condition, text};
use super::container::{Container, Role, closed_gate};
use super::words::message;
use super::{Cause, CauseKind, describe};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How long a container has to run after a crash until the Pod counts as well. Without a readiness probe it is ready
/// at each start for as long as it takes to crash.
const SETTLES: SignedDuration = SignedDuration::from_secs(10);

/// How a Pod stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodStanding {
    /// It is ready, done, or being deleted.
    Well,
    /// It is ready after a crash, and well if it still is at this time.
    Recovering {
        /// The crash.
        cause: Cause,
        /// The time.
        until: Timestamp,
    },
    /// It is not ready yet, and nothing says why.
    Coming,
    /// It does not run, or is not ready.
    Troubled(Cause),
}

/// How a Pod stands, and why.
#[must_use]
pub fn pod_standing(pod: &Value) -> PodStanding {
    let ready = matches!(condition(pod, "Ready"), Some(("True", ..)));
    let done = text(pod, "/status/phase") == Some("Succeeded");
    if done || pod.pointer("/metadata/deletionTimestamp").is_some() {
        return PodStanding::Well;
    }
    if ready {
        let crashed = containers(pod)
            .filter(|container| container.role != Role::Init)
            .filter_map(|container| {
                let (since, cause) = container.restarted()?;
                let until = since.parse::<Timestamp>().ok()?.checked_add(SETTLES).ok()?;
                Some((until, cause))
            });
        let last = crashed.max_by_key(|(until, _)| *until);
        return last.map_or(PodStanding::Well, |(until, cause)| PodStanding::Recovering {
            cause,
            until,
        });
    }
    let cause = ended(pod)
        .or_else(|| unscheduled(pod))
        .or_else(|| {
            containers(pod)
                .filter_map(|container| container.cause())
                .min_by_key(|cause| cause.kind)
        })
        .or_else(|| gate(pod));
    cause.map_or(PodStanding::Coming, PodStanding::Troubled)
}

/// A Pod that the node or the cluster ended.
fn ended(pod: &Value) -> Option<Cause> {
    let reason = text(pod, "/status/reason").filter(|_| text(pod, "/status/phase") == Some("Failed"))?;
    let (namespace, name) = names(pod);
    let said = message(text(pod, "/status/message").unwrap_or_default());
    let what = match reason {
        "Evicted" => format!("Pod {name} was evicted"),
        reason => format!("Pod {name} failed ({reason})"),
    };
    let clause = if said.is_empty() {
        what
    } else {
        format!("{what}: {said}")
    };
    Some(Cause::new(
        CauseKind::Ended,
        clause,
        Some(describe(namespace, name)),
    ))
}

fn unscheduled(pod: &Value) -> Option<Cause> {
    let Some(("False", reason, said)) = condition(pod, "PodScheduled") else {
        return None;
    };
    let (namespace, name) = names(pod);
    let clause = match reason {
        "Unschedulable" => format!(
            "Pod {name} cannot be scheduled: {}",
            without_counts(&message(said))
        ),
        "SchedulingGated" => format!("Pod {name} waits for its scheduling gates: {}", message(said)),
        _ => return None,
    };
    Some(Cause::new(
        CauseKind::Unschedulable,
        clause,
        Some(describe(namespace, name)),
    ))
}

/// The scheduler counts nodes by reason, and the counts change as nodes come and go.
fn without_counts(said: &str) -> String {
    let Some((_, rest)) = said.split_once(" nodes are available: ") else {
        return said.to_owned();
    };
    let rest = ["no new claims to deallocate", "preemption:"]
        .iter()
        .filter_map(|tail| rest.find(tail))
        .min()
        .and_then(|end| rest.get(..end))
        .unwrap_or(rest);
    let mut reasons: Vec<String> = Vec::new();
    for part in rest.trim_end_matches([' ', '.', ',']).split(", ") {
        let words = part.trim_start_matches(|char: char| char.is_ascii_digit());
        match reasons.last_mut() {
            // A comma within a reason.
            Some(last) if words == part => *last = format!("{last}, {part}"),
            _ => reasons.push(words.trim_start().to_owned()),
        }
    }
    reasons.sort();
    format!("no node is available: {}", reasons.join(", "))
}

fn containers(pod: &Value) -> impl Iterator<Item = Container<'_>> {
    [
        ("/status/initContainerStatuses", "/spec/initContainers"),
        ("/status/containerStatuses", "/spec/containers"),
    ]
    .into_iter()
    .flat_map(move |(statuses, specs)| {
        let list = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array);
        let specs = list(specs);
        list(statuses).into_iter().flatten().map(move |status| {
            let name = text(status, "/name");
            let mut all = specs.into_iter().flatten();
            let spec = all.find(|spec| text(spec, "/name") == name);
            let role = match spec.and_then(|spec| text(spec, "/restartPolicy")) {
                _ if statuses == "/status/containerStatuses" => Role::Main,
                Some("Always") => Role::Sidecar,
                _ => Role::Init,
            };
            Container {
                pod,
                status,
                spec,
                role,
            }
        })
    })
}

fn gate(pod: &Value) -> Option<Cause> {
    let Some(("True", ..)) = condition(pod, "ContainersReady") else {
        return None;
    };
    let gate = closed_gate(pod)?;
    let (namespace, name) = names(pod);
    let clause = format!("Pod {name} waits for its readiness gate {gate}");
    Some(Cause::new(
        CauseKind::NotReady,
        clause,
        Some(describe(namespace, name)),
    ))
}

fn names(pod: &Value) -> (&str, &str) {
    let field = |pointer| text(pod, pointer).unwrap_or_default();
    (field("/metadata/namespace"), field("/metadata/name"))
}
