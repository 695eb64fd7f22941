//! Everything in a namespace, without what differs from run to run: uids, versions, times, generated names.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kubeop_shared::revision::{HookRun, ObjectKey, Record, Revision};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::story::Place;

/// Objects by kind and name.
pub type Snapshot = BTreeMap<String, Value>;

const KINDS: [&str; 10] = [
    "api/v1/configmaps",
    "api/v1/secrets",
    "api/v1/services",
    "api/v1/pods",
    "api/v1/serviceaccounts",
    "apis/apps/v1/deployments",
    "apis/apps/v1/replicasets",
    "apis/batch/v1/jobs",
    "apis/rbac.authorization.k8s.io/v1/rolebindings",
    "apis/platform.kubeop.io/v1alpha1/apps",
];

/// Takes one.
pub async fn take(ground: &Ground, place: &Place) -> Result<Snapshot> {
    let mut objects = Vec::new();
    for kind in KINDS {
        let (version, plural) = kind.rsplit_once('/').context("a kind has a version")?;
        let path = format!("/{version}/namespaces/{}/{plural}", place.namespace);
        let list = ground.get(&path).await?.unwrap_or_default();
        for object in list["items"].as_array().into_iter().flatten() {
            objects.push((plural, object.clone()));
        }
    }
    let uids = uids(&objects);
    let mut snapshot = Snapshot::new();
    for (plural, object) in objects {
        let (name, told) = tell(plural, object, &uids)?;
        // All that names the run.
        let mut text = told.to_string().replace(&place.project, "RUN");
        for ((plural, name), uid) in &uids {
            text = text.replace(uid, &format!("uid of {plural}/{name}"));
        }
        let told: Value = serde_json::from_str(&text)?;
        let mut key = format!("{plural}/{name}");
        // Those with generated names are numbered.
        for number in 2.. {
            if !snapshot.contains_key(&key) {
                break;
            }
            key = format!("{plural}/{name}#{number}");
        }
        snapshot.insert(key, told);
    }
    snapshot.remove("configmaps/kube-root-ca.crt");
    Ok(snapshot)
}

type Uids = BTreeMap<(String, String), String>;

fn uids(objects: &[(&str, Value)]) -> Uids {
    let uid = |(plural, object): &(&str, Value)| {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str()?.to_owned();
        Some(((plural.to_string(), name), metadata["uid"].as_str()?.to_owned()))
    };
    objects.iter().filter_map(uid).collect()
}

/// Name and content of an object, as far as they are the same in all runs.
fn tell(plural: &str, mut object: Value, uids: &Uids) -> Result<(String, Value)> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().context("no name")?.to_owned();
    let going = !metadata["deletionTimestamp"].is_null();
    Ok(match plural {
        "pods" => {
            let owner = metadata["ownerReferences"][0]["kind"]
                .as_str()
                .unwrap_or("nobody");
            let phase = object["status"]["phase"].as_str().unwrap_or_default();
            (format!("of-{owner}-{phase}"), json!({"going": going}))
        }
        "replicasets" => {
            let replicas = &object["spec"]["replicas"];
            (format!("with-{replicas}"), json!({"going": going}))
        }
        "jobs" => job(&object, going),
        "configmaps" if name.starts_with("kubeop-revision-") => {
            let record = record(&object["data"], uids)?;
            let metadata = clean(object["metadata"].take());
            (name, json!({"metadata": metadata, "record": record}))
        }
        _ => {
            let status = status(plural, object["status"].take());
            object["metadata"] = clean(object["metadata"].take());
            if plural == "apps" {
                // Counts what a person did.
                object["metadata"]["generation"].take();
            }
            if let Some(spec) = object["spec"].as_object_mut() {
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            object["status"] = status;
            (name, object)
        }
    })
}

fn job(job: &Value, going: bool) -> (String, Value) {
    let metadata = &job["metadata"];
    let conditions: Vec<_> = job["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|condition| &condition["type"])
        .collect();
    let annotation = |name: &str| &metadata["annotations"][format!("platform.kubeop.io/{name}")];
    let revision = annotation("revision").as_str().unwrap_or_default();
    let hook = metadata["labels"]["platform.kubeop.io/hook"]
        .as_str()
        .unwrap_or("none");
    (
        format!("{hook}-of-{revision:.12}-attempt-{}", annotation("attempt")),
        json!({"going": going, "finalizers": metadata["finalizers"], "conditions": conditions}),
    )
}

fn clean(mut metadata: Value) -> Value {
    let managed = managed_by_us(&metadata["managedFields"]);
    if let Some(fields) = metadata.as_object_mut() {
        for name in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            fields.remove(name);
        }
        fields.insert("ours".to_owned(), managed);
        // Only that it is set: a finalizer is left then.
        if let Some(time) = fields.get_mut("deletionTimestamp") {
            *time = json!("set");
        }
    }
    metadata
}

/// What the API server says is ours in an object.
fn managed_by_us(managed: &Value) -> Value {
    let entries = managed.as_array().into_iter().flatten();
    let ours = entries.filter(|entry| entry["manager"] == "kubeop");
    ours.map(|entry| json!([entry["operation"], entry["subresource"], entry["fieldsV1"]]))
        .collect()
}

fn status(plural: &str, mut status: Value) -> Value {
    let conditions = status["conditions"].as_array_mut().into_iter().flatten();
    for condition in conditions {
        condition["lastTransitionTime"].take();
        condition["observedGeneration"].take();
    }
    if let Some(fields) = status.as_object_mut() {
        // That it is the present one is known before a snapshot is taken.
        fields.remove("observedGeneration");
    }
    match plural {
        "apps" => status,
        "deployments" => json!([
            status["replicas"],
            status["readyReplicas"],
            status["updatedReplicas"]
        ]),
        _ => Value::Null,
    }
}

fn record(data: &Value, uids: &Uids) -> Result<Value> {
    let record = Record::from_data(&serde_json::from_value(data.clone())?)?;
    let revision = |revision: &Revision| {
        json!({
            "number": revision.number,
            "hash": revision.hash.full(),
            "outcome": format!("{:?}", revision.outcome),
            "applied": revision.applied.is_some(),
            "finished": revision.finished.is_some(),
            "images": revision.images,
        })
    };
    let hook = |run: &HookRun| {
        let key = &run.key;
        let name = format!("{} {} of {:.12}", key.phase, key.name, key.hash.full());
        json!([name, run.attempt, format!("{:?}", run.outcome)])
    };
    let inventory = record.inventory.iter().map(|(key, entry)| {
        let live = uids.get(&(plural_of(key), key.name.clone()));
        let told = json!({
            "is the live one": entry.uid.as_ref() == live,
            "rendered": entry.rendered.is_some(),
            "owned": entry.owned.is_some(),
        });
        (key.to_string(), told)
    });
    Ok(json!({
        "delivered": record.delivered,
        "history": record.history.iter().map(revision).collect::<Vec<_>>(),
        "hooks": record.hooks.iter().map(hook).collect::<Vec<_>>(),
        "inventory": inventory.collect::<serde_json::Map<_, _>>(),
        "remembered": record.remembered.len(),
    }))
}

fn plural_of(key: &ObjectKey) -> String {
    format!("{}s", key.kind.to_lowercase())
}
