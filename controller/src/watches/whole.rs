//! Objects that are kept whole, and whom their news concern.

use super::{Concerns, Sink, key_of};
use crate::world::{Cache, KeptApp, NamespacedName, Packed, World};
use kube::api::DynamicObject;
use std::sync::Arc;

/// All objects of a kind, whatever they hold: one that cannot be read must not hide the others.
pub(super) struct WholeObjects {
    /// Where they are kept.
    pub cache: fn(&World) -> &Cache<NamespacedName, Packed>,
    /// Whom news of one concern.
    pub concern: fn(NamespacedName) -> Concerns,
}

/// DNSRecords of all namespaces.
pub(super) const DNS_RECORDS: WholeObjects = WholeObjects {
    cache: |world| &world.dns_records,
    concern: Concerns::DnsRecord,
};

/// What external-dns is told, whoever tells it: a record's has the same name.
pub(super) const DNS_ENDPOINTS: WholeObjects = WholeObjects {
    cache: |world| &world.dns_endpoints,
    concern: Concerns::DnsRecord,
};

/// Certificates of all namespaces.
pub(super) const CERTIFICATES: WholeObjects = WholeObjects {
    cache: |world| &world.certificates,
    concern: Concerns::Certificate,
};

impl Sink for WholeObjects {
    type Key = NamespacedName;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        (self.cache)(world)
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Packed>) -> Vec<Concerns> {
        vec![(self.concern)(key.clone())]
    }
}

/// Apps, whatever they hold, and beside each what is counted of it.
pub(super) struct Apps(pub(super) Arc<World>);

impl Sink for Apps {
    type Key = NamespacedName;
    type Value = KeptApp;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.apps
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<KeptApp> {
        let before = self.0.apps.get(&self.key(object)?);
        Some(KeptApp::of(object, before.as_ref(), &self.0.words))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&KeptApp>) -> Vec<Concerns> {
        vec![Concerns::App(key.clone())]
    }
}
