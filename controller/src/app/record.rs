//! Writing the record, and letting it go.

use super::memory::Memory;
use super::observe::record_address;
use super::{Apps, Subject, events};
use crate::kube_io::{CallError, Cluster, Effect, Preconditions, Who, finalizer};
use crate::watches::LABEL_RECORD;
use crate::world::digest_record;
use jiff::Timestamp;
use kubeop_shared::api::names;
use kubeop_shared::delivery::RecordChange;
use kubeop_shared::render::Ownership;
use kubeop_shared::revision::Record;
use serde_json::json;

impl<C: Cluster> Apps<C> {
    pub(super) async fn write_record(
        &self,
        subject: &Subject,
        record: &Record,
        over: Option<String>,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let at = record_address(subject);
        let mut labels = json!(subject.ownership.as_ref().map(Ownership::labels));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(LABEL_RECORD.to_owned(), json!("true"));
        }
        let known = self.world.records.get(&subject.key).and_then(|kept| kept.open());
        let mut finalizers = known.map(|entry| entry.finalizers).unwrap_or_default();
        if !finalizer::is_held(&finalizers) {
            finalizers.push(names::FINALIZER.to_owned());
        }
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": at.name,
                "namespace": subject.key.namespace,
                "labels": labels,
                "finalizers": finalizers,
                "resourceVersion": over,
                "ownerReferences": [{
                    "apiVersion": names::API_VERSION,
                    "kind": "App",
                    "name": subject.key.name,
                    "uid": subject.uid,
                    "controller": true,
                }],
            },
            "data": record.to_data(),
        });
        let written = if over.is_none() {
            self.cluster
                .create(&Who::Controller, &at, &object, Effect::Real)
                .await?
        } else {
            self.cluster.replace(&Who::Controller, &at, &object).await?
        };
        let entry = digest_record(&written);
        if let Some(look) = &mut memory.look {
            // Our own write makes no look stale.
            if look.record == over {
                look.record = Some(entry.resource_version.clone());
            }
        }
        memory
            .applied
            .retain(|key, applied| record.inventory.get(key) != Some(applied));
        let version = Some(entry.resource_version.as_str());
        self.world
            .records
            .put(subject.key.clone(), version, entry.keep(Timestamp::now()));
        Ok(())
    }

    pub(super) async fn release_record(&self, subject: &Subject) -> Result<(), CallError> {
        let at = record_address(subject);
        // It may be of an earlier App of this name, or without our label: it is read live.
        let Some(entry) = self.read_record(subject).await? else {
            return Ok(());
        };
        let only = Preconditions {
            uid: Some(entry.uid),
            resource_version: Some(entry.resource_version),
        };
        self.cluster.delete(&Who::Controller, &at, &only).await?;
        self.let_go(&at, &entry.finalizers).await?;
        self.world.records.forget(&subject.key);
        Ok(())
    }

    pub(super) async fn tell_of_record(&self, subject: &Subject, record: &Record, change: &RecordChange) {
        if let Some(event) = events::of_record(record, change) {
            self.tell(subject, event).await;
        }
    }
}
