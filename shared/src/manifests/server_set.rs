//! What a manifest may carry that only a server sets, and what a server turns into something else:
//! dropped and done here, so that a dump from a cluster can be delivered and compares equal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Fields of `metadata` that the API server sets and a manifest cannot.
const METADATA: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotations that Kubernetes' own clients and controllers write, and that stand in every dump. Delivered, they
/// would be fought over with their writer, bind a claim to a volume of another cluster, or repeat a Secret.
const ANNOTATIONS: [&str; 8] = [
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// Drops `status` and the server's part of `metadata`. Owner references go, too: they name uids, which
/// are other ones in every cluster, and a delivered object belongs to its App.
pub(super) fn strip(object: &mut Map<String, Value>) {
    object.remove("status");
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for field in METADATA {
            metadata.remove(field);
        }
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            let before = annotations.len();
            annotations.retain(|name, _| !ANNOTATIONS.contains(&name.as_str()));
            if annotations.is_empty() && before > 0 {
                metadata.remove("annotations");
            }
        }
    }
}

/// Turns `stringData` of a Secret into `data`, where it wins, as the API server does. Server-side apply
/// would never remove a key again that was given by `stringData`.
pub(super) fn string_data_to_data(secret: &mut Map<String, Value>) -> Result<(), (String, &'static str)> {
    let string_data = match secret.remove("stringData") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(entries)) if entries.is_empty() => return Ok(()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(("stringData".into(), "is no object")),
    };
    let mut data = match secret.remove("data") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(data)) => data,
        Some(_) => return Err(("data".into(), "is no object")),
    };
    for (key, value) in string_data {
        let Value::String(text) = value else {
            // The value is a secret: it is not told.
            return Err((format!("stringData[{key}]"), "is no string; quote it"));
        };
        data.insert(key, STANDARD.encode(text).into());
    }
    secret.insert("data".into(), Value::Object(data));
    Ok(())
}
