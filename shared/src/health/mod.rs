//! Whether an object is ready, by the rules of kstatus
//! (<https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>), one file a kind.

pub mod cause;
mod claim;
mod deployment;
mod job;
mod note;
mod other;
#[cfg(test)]
mod vector_tests;

pub use claim::{BOUND_AT_FIRST_USE, binds_at_first_use, class_of_pending_claim};
pub use job::hook_job;
pub use note::note;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an object's status says about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Health {
    /// It is as its spec wants it.
    Ready,
    /// It is on its way.
    Progressing {
        /// What is awaited, as a clause: `2 of 3 replicas are available`.
        why: String,
    },
    /// It will not get there by itself.
    Failed {
        /// What is wrong, as a clause.
        why: String,
    },
}

impl Health {
    fn progressing(why: impl Into<String>) -> Self {
        Self::Progressing { why: why.into() }
    }

    fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into() }
    }
}

/// The health of an object as the API server holds it.
#[must_use]
pub fn health(object: &Value) -> Health {
    let generation = integer(object, "/metadata/generation");
    let observed = integer(object, "/status/observedGeneration");
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Health::progressing("it is being deleted");
    }
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        return Health::progressing("its controller has not seen the latest change");
    }
    if let Some(stated) = other::stated(object) {
        return stated;
    }
    let api_version = text(object, "/apiVersion").unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, text(object, "/kind").unwrap_or_default()) {
        ("apps" | "extensions", "Deployment") => deployment::deployment(object),
        ("apps" | "extensions", "ReplicaSet") => deployment::replica_set(object),
        ("apps" | "extensions", "StatefulSet") => deployment::stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => deployment::daemon_set(object),
        ("batch", "Job") => job::job(object),
        ("", "Pod") => other::pod(object),
        ("", "Service") => other::service(object),
        ("", "PersistentVolumeClaim") => claim::claim(object),
        ("policy", "PodDisruptionBudget") => Health::Ready,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => other::definition(object),
        _ => other::by_conditions(object),
    }
}

fn text<'o>(object: &'o Value, pointer: &str) -> Option<&'o str> {
    object.pointer(pointer).and_then(Value::as_str)
}

fn integer(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The condition of a type, as (status, reason, message).
fn condition<'o>(object: &'o Value, kind: &str) -> Option<(&'o str, &'o str, &'o str)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let condition = conditions
        .iter()
        .find(|condition| text(condition, "/type") == Some(kind))?;
    Some((
        text(condition, "/status")?,
        text(condition, "/reason").unwrap_or_default(),
        text(condition, "/message").unwrap_or_default(),
    ))
}
