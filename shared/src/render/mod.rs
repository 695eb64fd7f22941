//! From an Image delivery to Deployment, Service and Ingress; from hooks to Jobs.
//!
//! Golden files pin every byte: a change of a pod template restarts Pods at an upgrade, so it is a
//! decision, never an accident. Nothing that varies stands in a pod template.

mod certificate;
mod compose;
mod declared;
mod deployment;
mod dns_record;
#[cfg(test)]
mod golden_tests;
mod hook_job;
mod images;
mod ingress;
mod labels;
mod presets;
mod probes;
#[cfg(test)]
mod revision_vectors;
mod service;

pub use compose::Composed;
pub use declared::Declared;
pub use hook_job::{HookJob, hook_job, hook_job_name, hook_of_job};
pub use images::{images, images_of_app};
pub use labels::Ownership;

use crate::manifests::{GroupVersionKind, Object};
use crate::revision::{RevisionHash, RevisionSpec};
use serde_json::{Value, json};

/// What an Image App renders to, besides what its revision says.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Namespace and owners.
    pub ownership: &'a Ownership,
    /// Hash of the revision.
    pub hash: &'a RevisionHash,
    /// `spec.delivery.image.replicas`. Absent: left to whoever scales.
    pub replicas: Option<i32>,
    /// `spec.progressDeadlineSeconds`, where given.
    pub progress_deadline: Option<i32>,
}

/// The objects of an Image delivery. Empty for other kinds.
#[must_use]
pub fn render(spec: &RevisionSpec, target: &Target<'_>) -> Vec<Object> {
    let Some(image) = spec.image() else {
        return Vec::new();
    };
    let mut objects = vec![deployment::deployment(image, target)];
    if image.ports.as_ref().is_some_and(|ports| !ports.is_empty()) {
        objects.push(service::service(image, target));
    }
    if let Some(ingress) = &image.ingress {
        objects.push(ingress::ingress(image, ingress, target));
        if let Some(dns) = &ingress.dns {
            objects.push(dns_record::dns_record(ingress, dns, target));
        }
        if ingress.tls == Some(true) {
            objects.push(certificate::certificate(ingress, target));
        }
    }
    objects
}

/// An object of the App, named as the App.
fn object(group: &str, version: &str, kind: &str, target: &Target<'_>, body: Value) -> Object {
    let Ownership { namespace, app, .. } = target.ownership;
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut value = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": app,
            "namespace": namespace,
            "labels": target.ownership.labels(),
        },
    });
    merge(&mut value, body);
    Object {
        path: "spec.delivery.image".to_owned(),
        gvk: GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        },
        namespace: Some(namespace.clone()),
        name: app.clone(),
        value,
    }
}

/// Puts `from` into `into`, field by field.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Puts a field where there is something to put.
fn set<T: serde::Serialize>(map: &mut Value, field: &str, value: Option<T>) {
    let (Value::Object(map), Some(value)) = (map, value) else {
        return;
    };
    if let Ok(value) = serde_json::to_value(value) {
        map.insert(field.to_owned(), value);
    }
}
