//! What is written of a `DNSRecord` into it.

use super::DnsRecords;
use crate::kube_io::{Address, CallError, CallKind, Cluster, Who, address};
use crate::watches::Concerns;
use crate::world::{NamespacedName, Packed};
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::api::{DnsAnswer, DnsRecord, names};
use kubeop_shared::dns::Asked;
use serde_json::{Value, json};

pub(super) fn at(key: &NamespacedName) -> Address {
    let namespace = Some(key.namespace.as_str());
    address(names::GROUP, names::VERSION, "DNSRecord", namespace, &key.name)
}

impl<C: Cluster> DnsRecords<C> {
    /// Says how it stands, and what was answered. Without a standing the conditions stay; what says the same as before is
    /// not written.
    pub(super) async fn say(
        &self,
        key: &NamespacedName,
        record: &DnsRecord,
        standing: Option<&Standing>,
        asked: &[Asked],
    ) -> Result<(), CallError> {
        let before = record.status.clone().unwrap_or_default();
        let generation = record.metadata.generation.unwrap_or_default();
        let mut status = before.clone();
        status.answers = asked.iter().map(Asked::told).collect::<Vec<DnsAnswer>>();
        if let Some(standing) = standing {
            status.observed_generation = Some(generation);
            status.conditions = standing.said(&before.conditions, generation, Timestamp::now());
        }
        if status == before {
            return Ok(());
        }
        self.patch(key, Some("status"), &json!({"status": status})).await
    }

    /// Merges fields into it. One that is gone needs none.
    pub(super) async fn patch(
        &self,
        key: &NamespacedName,
        subresource: Option<&str>,
        fields: &Value,
    ) -> Result<(), CallError> {
        let patched = self
            .cluster
            .patch(&Who::Controller, &at(key), subresource, fields)
            .await;
        match patched {
            Ok(object) => self.learn(key, &object),
            Err(error) if error.kind != CallKind::NotFound => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// What we wrote is known at once: the next look must not go by what was before.
    fn learn(&self, key: &NamespacedName, object: &DynamicObject) {
        let version = object.metadata.resource_version.as_deref();
        let cache = &self.world.dns_records;
        cache.put(key.clone(), version, Packed::of_object(object));
        // The watch brings nothing new then. Nobody listens any more: the program ends.
        let _ = self.wake.send(Concerns::OfDnsRecord(key.clone()));
    }
}
