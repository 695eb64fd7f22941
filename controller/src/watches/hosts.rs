//! What is kept of DNSRecords, of what external-dns is told, and of Certificates, and whom their news concern.

use super::{Concerns, Sink};
use crate::world::{Cache, NamespacedName, Packed, World};
use kube::ResourceExt;
use kube::api::DynamicObject;

/// DNSRecords of all namespaces, whatever they hold.
pub(super) struct DnsRecords;

impl Sink for DnsRecords {
    type Key = NamespacedName;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.dns_records
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Packed>) -> Vec<Concerns> {
        vec![Concerns::DnsRecord(key.clone())]
    }
}

/// What external-dns is told, whoever tells it.
pub(super) struct DnsEndpoints;

impl Sink for DnsEndpoints {
    type Key = NamespacedName;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.dns_endpoints
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Packed>) -> Vec<Concerns> {
        // The record has the same name.
        vec![Concerns::DnsRecord(key.clone())]
    }
}

/// Certificates of all namespaces, whatever they hold.
pub(super) struct Certificates;

impl Sink for Certificates {
    type Key = NamespacedName;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.certificates
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Packed>) -> Vec<Concerns> {
        vec![Concerns::Certificate(key.clone())]
    }
}

fn key_of(object: &DynamicObject) -> Option<NamespacedName> {
    Some(NamespacedName {
        namespace: object.namespace()?,
        name: object.name_any(),
    })
}
