//! Loading a snapshot: the same objects under new uids, with the same status and the same owners of their fields.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

use super::{KINDS, Kind, send};
use crate::cluster::Cluster;
use crate::wait;

/// Loads a snapshot into a cluster in which no kubeOP runs.
pub async fn load(cluster: &Cluster, folder: &Path) -> Result<()> {
    let crds = folder.join("crds").display().to_string();
    cluster.kubectl(["apply", "-f", &crds]).await?.success()?;
    let client = cluster.client().await?;
    // Old uid, new uid.
    let mut uids = BTreeMap::new();
    for kind in KINDS {
        let path = folder.join(format!("{}.yaml", kind.plural));
        if !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for object in serde_saphyr::from_multiple::<Value>(&text)? {
            let object = relinked(&object, &uids)?;
            let old = uid(&object)?;
            // A kind that was just defined is not served at once.
            let created = wait::until("the kind is served", Duration::from_secs(30), || {
                create(&client, &kind, &object)
            });
            uids.insert(old, created.await?);
        }
    }
    Ok(())
}

fn uid(object: &Value) -> Result<String> {
    let uid = object["metadata"]["uid"].as_str();
    Ok(uid.context("an object without uid")?.to_owned())
}

/// With the uids that the objects loaded before have now: owner references, and the inventory of a record.
fn relinked(object: &Value, uids: &BTreeMap<String, String>) -> Result<Value> {
    let mut text = object.to_string();
    for (old, new) in uids {
        text = text.replace(old, new);
    }
    Ok(serde_json::from_str(&text)?)
}

/// Creates an object; its new uid.
async fn create(client: &Client, kind: &Kind, object: &Value) -> Result<String> {
    let mut bare = object.clone();
    if let Some(bare) = bare.as_object_mut() {
        bare.remove("status");
    }
    if let Some(metadata) = bare["metadata"].as_object_mut() {
        for field in ["uid", "generation", "managedFields"] {
            metadata.remove(field);
        }
    }
    let created = send(client, "POST", &kind.path(), &bare).await?;
    let name = object["metadata"]["name"]
        .as_str()
        .context("an object without name")?;
    let path = format!("{}/{name}", kind.path());
    if kind.is_ours() {
        let status = spoken_of(object, &created["metadata"]["generation"]);
        send(
            client,
            "PATCH",
            &format!("{path}/status"),
            &json!({"status": status}),
        )
        .await?;
    }
    // Last, since whoever writes a field owns it.
    let owners = json!({"metadata": {"managedFields": object["metadata"]["managedFields"]}});
    send(client, "PATCH", &path, &owners).await?;
    uid(&created)
}

/// The status, which speaks about the new generation where it spoke about the last one.
fn spoken_of(object: &Value, generation: &Value) -> Value {
    let mut status = object["status"].clone();
    let last = &object["metadata"]["generation"];
    let renumber = |place: &mut Value| {
        if &place["observedGeneration"] == last {
            place["observedGeneration"] = generation.clone();
        }
    };
    renumber(&mut status);
    let conditions = status["conditions"].as_array_mut();
    conditions.into_iter().flatten().for_each(renumber);
    status
}
