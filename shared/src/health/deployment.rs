//! Workloads that keep a number of Pods.
//!
//! What they wait for is said without numbers: every change of a message is a write of a status, and a
//! rollout of a hundred Pods must not cost a hundred.

use super::cause::refusal;
use super::{Health, condition, integer, text};
use serde_json::Value;

const ROLLING: &str = "not all of its Pods are updated and available yet";

/// A Deployment is ready when all replicas are updated and available and its controller says that the
/// rollout is through.
pub(super) fn deployment(object: &Value) -> Health {
    let progress = condition(object, "Progressing");
    if let Some((_, "ProgressDeadlineExceeded", message)) = progress {
        return Health::failed(sentence(
            "its rollout made no progress within its deadline",
            message,
        ));
    }
    let wanted = integer(object, "/spec/replicas").unwrap_or(1);
    let status = |field: &str| integer(object, &format!("/status/{field}")).unwrap_or(0);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    let (available, ready) = (status("availableReplicas"), status("readyReplicas"));
    if replicas != wanted || updated < wanted || available < updated || ready < wanted {
        return Health::progressing(refused(object).unwrap_or_else(|| ROLLING.to_owned()));
    }
    let deadline = integer(object, "/spec/progressDeadlineSeconds")
        .is_some_and(|seconds| seconds != i64::from(i32::MAX));
    if deadline && !matches!(progress, Some(("True", "NewReplicaSetAvailable", _))) {
        return Health::progressing(ROLLING);
    }
    match condition(object, "Available") {
        Some(("True", ..)) => Health::Ready,
        _ => Health::progressing(ROLLING),
    }
}

/// Why its Pods cannot be created, if that is so.
fn refused(object: &Value) -> Option<String> {
    let Some(("True", _, message)) = condition(object, "ReplicaFailure") else {
        return None;
    };
    let field = |pointer| text(object, pointer).unwrap_or_default();
    Some(refusal(field("/metadata/namespace"), field("/metadata/name"), message).to_string())
}

pub(super) fn replica_set(object: &Value) -> Health {
    if let Some(why) = refused(object) {
        return Health::progressing(why);
    }
    let wanted = integer(object, "/spec/replicas").unwrap_or(1);
    let enough = counted(
        object,
        wanted,
        &["fullyLabeledReplicas", "availableReplicas", "readyReplicas"],
    );
    let surplus = integer(object, "/status/replicas").unwrap_or(0) - wanted;
    if enough == Health::Ready && surplus > 0 {
        return Health::progressing(ROLLING);
    }
    enough
}

/// With `OnDelete` people replace the Pods, so a full ready count is all that can be asked for. With a
/// partition the Pods below it stay old on purpose.
pub(super) fn stateful_set(object: &Value) -> Health {
    let wanted = integer(object, "/spec/replicas").unwrap_or(1);
    let status = |field: &str| integer(object, &format!("/status/{field}")).unwrap_or(0);
    let enough = counted(object, wanted, &["replicas", "readyReplicas"]);
    if text(object, "/spec/updateStrategy/type") == Some("OnDelete") || enough != Health::Ready {
        return enough;
    }
    if status("replicas") > wanted {
        return Health::progressing(ROLLING);
    }
    if let Some(partition) = integer(object, "/spec/updateStrategy/rollingUpdate/partition") {
        let updated = status("updatedReplicas");
        let due = (wanted - partition).max(0);
        return if updated < due {
            Health::progressing(ROLLING)
        } else {
            Health::Ready
        };
    }
    if status("currentReplicas") < wanted {
        return Health::progressing(ROLLING);
    }
    if text(object, "/status/currentRevision") == text(object, "/status/updateRevision") {
        Health::Ready
    } else {
        Health::progressing("Pods of the old revision are still being replaced")
    }
}

pub(super) fn daemon_set(object: &Value) -> Health {
    let Some(wanted) = integer(object, "/status/desiredNumberScheduled") else {
        return Health::progressing("its controller has not looked at it yet");
    };
    let seen = ["/metadata/generation", "/status/observedGeneration"].map(|field| integer(object, field));
    if seen.contains(&None) {
        return Health::progressing("its controller has not looked at it yet");
    }
    let mut fields = vec!["currentNumberScheduled"];
    if text(object, "/spec/updateStrategy/type") != Some("OnDelete") {
        fields.push("updatedNumberScheduled");
    }
    fields.extend(["numberAvailable", "numberReady"]);
    counted(object, wanted, &fields)
}

fn counted(object: &Value, wanted: i64, fields: &[&str]) -> Health {
    for field in fields {
        let count = integer(object, &format!("/status/{field}")).unwrap_or(0);
        if count < wanted {
            return Health::progressing(ROLLING);
        }
    }
    Health::Ready
}

fn sentence(what: &str, message: &str) -> String {
    if message.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {message}")
    }
}
