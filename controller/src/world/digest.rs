//! From an object, as a watch or an answer brings it, to the little that is kept of it.

use super::happenings::{Happening, happenings};
use super::{NamespacedName, Packed};
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::{self, ConditionType};
use kubeop_shared::api::project::{Enforcement, RegistryCredential};
use kubeop_shared::api::{Project, Tenant, names};
use kubeop_shared::delivery::{Live, managed_fields};
use kubeop_shared::health::{Health, class_of_pending_claim, health, note};
use kubeop_shared::host::HostSuffixes;
use kubeop_shared::image::Allowlist;
use kubeop_shared::revision::{Digest, ObjectKey, Record, RecordError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What an App needs to know of its Project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectView {
    /// Its namespace.
    pub namespace: String,
    /// Its Tenant.
    pub tenant: String,
    /// Whether it is Ready.
    pub ready: bool,
    /// What its Ready condition says.
    pub message: String,
    /// Registries; none: does not narrow.
    pub allowlist: Option<Arc<Allowlist>>,
    /// Secrets that it mirrors.
    pub credentials: Box<[NamespacedName]>,
    /// Hosts; none: does not narrow.
    pub hosts: Option<Arc<HostSuffixes>>,
    /// Whether its rules are enforced.
    pub enforcement: Enforcement,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// What an App needs to know of its Tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantView {
    /// Whom to ask.
    pub contact: Option<String>,
    /// Registries; none: does not narrow.
    pub allowlist: Option<Arc<Allowlist>>,
    /// Hosts; none: does not narrow.
    pub hosts: Option<Arc<HostSuffixes>>,
}

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceView {
    /// The Project that its label names.
    pub project: Option<String>,
    /// The other labels that its Project sets.
    labels: [Option<String>; 3],
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// What is known of an object that a Project keeps in its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartView {
    /// The Project that its label names.
    pub project: String,
    /// Tells whether anything but its status changed.
    state: u64,
}

/// A record, and the metadata that a write of it needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RecordEntry {
    /// uid of the ConfigMap.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// Its finalizers.
    pub finalizers: Vec<String>,
    owner: Option<String>,
    data: BTreeMap<String, String>,
}

impl RecordEntry {
    /// What it says.
    pub fn read(&self) -> Result<Record, RecordError> {
        let owner = self.owner.clone();
        Record::from_data(&self.data).map(|record| Record { owner, ..record })
    }

    /// As it is kept from `now` on.
    pub fn keep(&self, now: Timestamp) -> KeptRecord {
        let record = Record::from_data(&self.data).ok();
        let lately = record.as_ref().map(|record| happenings(record, now));
        let inventory = record.iter().flat_map(|record| record.inventory.keys());
        let mut names: Vec<u64> = inventory.map(digest_key).collect();
        names.sort_unstable();
        KeptRecord {
            packed: Packed::of(self),
            names: names.into(),
            lately: lately.unwrap_or_default(),
        }
    }
}

/// A record as it is kept.
#[derive(Clone, Debug)]
pub struct KeptRecord {
    packed: Packed,
    /// Digests of what its inventory names.
    names: Box<[u64]>,
    /// What it told of the week before it was kept.
    lately: Box<[Happening]>,
}

/// All else follows from what is packed, and from when it was kept.
impl PartialEq for KeptRecord {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed
    }
}

impl KeptRecord {
    /// The record.
    pub fn open(&self) -> Option<RecordEntry> {
        self.packed.read()
    }

    /// What it told of the week before it was kept.
    pub fn lately(&self) -> &[Happening] {
        &self.lately
    }

    /// Whether its inventory may name an object, by [`digest_key`]: seldom true where it does not.
    pub fn may_name(&self, digest: u64) -> bool {
        self.names.binary_search(&digest).is_ok()
    }
}

/// Digest of what identifies an object, good for as long as the program runs.
pub fn digest_key(key: &ObjectKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// What is kept of a delivered object. Metadata alone say nothing about health: kinds of which only those
/// are watched are ready once they are applied.
pub fn digest_live(object: &DynamicObject) -> Live {
    let metadata = &object.metadata;
    let status_replicas = object.data.pointer("/status/replicas").and_then(Value::as_i64);
    let workload = object
        .types
        .as_ref()
        .is_some_and(|types| types.kind == "Deployment");
    let whole = whole(object);
    Live {
        uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        owned: owned_fields(object),
        health: whole.as_ref().map_or(Health::Ready, health),
        note: whole.as_ref().and_then(note),
        replicas: workload.then(|| {
            status_replicas
                .and_then(|count| i32::try_from(count).ok())
                .unwrap_or(0)
        }),
        owns_replicas: metadata
            .managed_fields
            .as_deref()
            .is_some_and(managed_fields::owns_replicas),
        keep: keeps(object),
        crashes: false,
    }
}

/// Whether an object stays when it is no longer asked for.
fn keeps(object: &DynamicObject) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    let said = annotations.and_then(|annotations| annotations.get(names::ANNOTATION_PRUNE));
    match said.map(String::as_str) {
        Some("true") => false,
        Some("false") => true,
        // What a claim holds cannot be made again.
        _ => object
            .types
            .as_ref()
            .is_some_and(|types| types.kind == "PersistentVolumeClaim"),
    }
}

/// The storage class of a claim that is not bound yet.
pub fn pending_class(object: &DynamicObject) -> Option<String> {
    object
        .types
        .as_ref()
        .filter(|types| types.kind == "PersistentVolumeClaim")?;
    class_of_pending_claim(&object.data).map(str::to_owned)
}

/// Digest of the fields that are ours, as the API server keeps them.
fn owned_fields(object: &DynamicObject) -> Option<Digest> {
    let entries = object.metadata.managed_fields.iter().flatten();
    let ours = entries.into_iter().find(|entry| managed_fields::is_ours(entry))?;
    ours.fields_v1.as_ref().map(|fields| Digest::of(&fields.0))
}

fn whole(object: &DynamicObject) -> Option<Value> {
    let mut object = object.clone();
    object.metadata.managed_fields = None;
    serde_json::to_value(object).ok()
}

/// What is kept of a Project; none if it cannot be read.
pub fn digest_project(object: &DynamicObject) -> Option<ProjectView> {
    let project: Project = object.clone().try_parse().ok()?;
    let conditions = project
        .status
        .as_ref()
        .map_or(&[][..], |status| &status.conditions);
    let ready = conditions::get(conditions, ConditionType::Ready);
    Some(ProjectView {
        namespace: project.namespace(),
        tenant: project.spec.tenant_ref.clone(),
        ready: conditions::is_true(conditions, ConditionType::Ready),
        message: ready.map_or_else(
            || "it was not looked at yet".to_owned(),
            |ready| ready.message.clone(),
        ),
        allowlist: Allowlist::narrowing(&project.spec.image_allowlist).map(Arc::new),
        credentials: project
            .spec
            .registry_credentials
            .into_iter()
            .map(source)
            .collect(),
        hosts: HostSuffixes::narrowing(&project.spec.hosts).map(Arc::new),
        enforcement: project.spec.enforcement.unwrap_or_default(),
        deleting: object.metadata.deletion_timestamp.is_some(),
    })
}

/// Where the source of a mirror is.
fn source(credential: RegistryCredential) -> NamespacedName {
    NamespacedName {
        namespace: credential
            .namespace
            .unwrap_or_else(|| names::SYSTEM_NAMESPACE.to_owned()),
        name: credential.name,
    }
}

/// What is kept of a Tenant; none if it cannot be read.
pub fn digest_tenant(object: &DynamicObject) -> Option<TenantView> {
    let Tenant { spec, .. } = object.clone().try_parse().ok()?;
    Some(TenantView {
        allowlist: Allowlist::narrowing(&spec.image_allowlist).map(Arc::new),
        hosts: HostSuffixes::narrowing(&spec.hosts).map(Arc::new),
        contact: spec.contact,
    })
}

/// What is kept of a namespace.
pub fn digest_namespace(object: &DynamicObject) -> NamespaceView {
    let labels = object.metadata.labels.as_ref();
    let label = |name: &str| labels.and_then(|labels| labels.get(name)).cloned();
    NamespaceView {
        project: label(names::LABEL_PROJECT_ID),
        labels: [
            names::LABEL_TENANT_ID,
            names::LABEL_CLUSTER_ID,
            names::LABEL_POD_SECURITY,
        ]
        .map(label),
        deleting: object.metadata.deletion_timestamp.is_some(),
    }
}

/// What is kept of an object that a Project keeps. Who wrote what and when moves with every change, and tells changes
/// of its status, of which a quota has many, from the others.
pub fn digest_part(object: &DynamicObject) -> Option<PartView> {
    let metadata = &object.metadata;
    let project = metadata.labels.as_ref()?.get(names::LABEL_PROJECT_ID)?.clone();
    let mut state = DefaultHasher::new();
    (
        &metadata.uid,
        &metadata.labels,
        metadata.deletion_timestamp.is_some(),
    )
        .hash(&mut state);
    for entry in metadata.managed_fields.iter().flatten() {
        if entry.subresource.as_deref().unwrap_or_default().is_empty() {
            let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
            let time = entry.time.as_ref().map(|time| time.0.to_string());
            (&entry.manager, &entry.operation, time, fields).hash(&mut state);
        }
    }
    Some(PartView {
        project,
        state: state.finish(),
    })
}

/// Reads a record.
pub fn digest_record(object: &DynamicObject) -> RecordEntry {
    let data: BTreeMap<String, String> = object
        .data
        .get("data")
        .and_then(|data| serde_json::from_value(data.clone()).ok())
        .unwrap_or_default();
    let owner = object
        .metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.kind == "App");
    let owner = owner.map(|owner| owner.uid.clone());
    RecordEntry {
        uid: object.metadata.uid.clone().unwrap_or_default(),
        resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
        finalizers: object.metadata.finalizers.clone().unwrap_or_default(),
        owner,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::digest_part;
    use serde_json::{Value, json};

    fn quota(managers: &Value) -> super::PartView {
        let metadata = json!({"name": "kubeop", "uid": "1", "labels": {"app.kubeop.io/project-id": "web"},
            "managedFields": managers});
        let object = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata});
        digest_part(&serde_json::from_value(object).unwrap()).unwrap()
    }

    #[test]
    fn a_change_of_the_status_is_no_change_of_a_part() {
        let entry = |manager: &str, subresource: &str, time: &str| {
            json!({"manager": manager, "operation": "Update", "subresource": subresource, "time": time,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}})
        };
        let ours = entry("kubeop", "", "2026-01-01T00:00:00Z");
        let used = |time| json!([ours, entry("kube-controller-manager", "status", time)]);
        let before = quota(&used("2026-01-01T00:00:01Z"));
        assert_eq!(quota(&used("2026-01-01T00:00:02Z")), before);
        let edited = json!([ours, entry("kubectl-edit", "", "2026-01-01T00:00:03Z")]);
        assert_ne!(quota(&edited), before);
        let again = json!([ours, entry("kubectl-edit", "", "2026-01-01T00:00:04Z")]);
        assert_ne!(quota(&again), quota(&edited));
    }
}
