//! Taking a snapshot: everything that kubeOP left, as the API server tells it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{KINDS, Kind, NAMESPACE, send};
use crate::cluster::Cluster;
use crate::generated::repository;

/// Writes a snapshot in place of the one that is there.
pub async fn take(cluster: &Cluster, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let crds = folder.join("crds");
    fs::create_dir_all(&crds)?;
    for entry in fs::read_dir(repository().join("manifests/crds"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            fs::copy(&path, crds.join(path.file_name().context("a file has a name")?))?;
        }
    }
    let client = cluster.client().await?;
    for kind in KINDS {
        let mut list = send(&client, "GET", &kind.path(), &Value::Null).await?;
        let api_version = list["apiVersion"].take();
        let word = list["kind"]
            .as_str()
            .unwrap_or_default()
            .trim_end_matches("List")
            .to_owned();
        let mut text = String::new();
        for mut object in list["items"].as_array().cloned().unwrap_or_default() {
            if !is_part(&kind, &object) {
                continue;
            }
            // Items of a list do not say what they are.
            object["apiVersion"] = api_version.clone();
            object["kind"] = word.clone().into();
            strip(&kind, &mut object);
            let written = serde_saphyr::to_string(&object)?;
            let read: Value = serde_saphyr::from_str(&written)?;
            ensure!(
                read == object,
                "written as YAML and read again, this is another: {object}"
            );
            text += "---\n";
            text += &written;
        }
        if !text.is_empty() {
            fs::write(folder.join(format!("{}.yaml", kind.plural)), text)?;
        }
    }
    Ok(())
}

/// Whether the cluster would not make it by itself.
fn is_part(kind: &Kind, object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match kind.plural {
        "namespaces" => name == NAMESPACE,
        "serviceaccounts" => name != "default",
        "configmaps" => name != "kube-root-ca.crt",
        _ => true,
    }
}

/// Removes what a cluster gives anew. uid and generation stay: others speak about them.
fn strip(kind: &Kind, object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("creationTimestamp");
    }
    if !kind.is_ours()
        && let Some(object) = object.as_object_mut()
    {
        object.remove("status");
    }
    if kind.plural == "services"
        && let Some(spec) = object["spec"].as_object_mut()
        && spec.get("clusterIP").is_some_and(|ip| ip != "None")
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
}
