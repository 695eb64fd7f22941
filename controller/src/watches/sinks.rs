//! What is kept of each watched object, and whom its news concern.

use super::{AfterBreak, Concerns, Sink};
use crate::world::{
    Binding, Cache, Delivered, HookJobEntry, HookPod, LiveKey, NamespacedName, Scaled, Small, World,
    digest_live, digest_record, pending_class,
};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::{ApiResource, TypeMeta};
use kubeop_shared::api::names;
use kubeop_shared::health::binds_at_first_use;
use serde_json::{Value, json};

pub(super) struct Records;

impl Sink for Records {
    type Key = NamespacedName;
    type Value = crate::world::KeptRecord;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.records
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        let name = object.name_any();
        let app = name.strip_prefix(&names::record_name(""))?;
        Some(NamespacedName {
            namespace: object.namespace()?,
            name: app.to_owned(),
        })
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        Some(digest_record(object).keep(Timestamp::now()))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Self::Value>) -> Vec<Concerns> {
        vec![Concerns::App(key.clone())]
    }
}

pub(super) struct Jobs;

impl Sink for Jobs {
    type Key = (String, String);
    type Value = HookJobEntry;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.jobs
    }
    fn key(&self, object: &DynamicObject) -> Option<Self::Key> {
        Some((object.namespace()?, object.name_any()))
    }
    fn value(&self, object: &DynamicObject) -> Option<HookJobEntry> {
        hook_job_entry(object)
    }
    fn concerns(&self, (namespace, _): &Self::Key, value: Option<&HookJobEntry>) -> Vec<Concerns> {
        let key = |entry: &HookJobEntry| NamespacedName {
            namespace: namespace.clone(),
            name: entry.app.clone(),
        };
        value.map(|entry| Concerns::App(key(entry))).into_iter().collect()
    }
}

/// What is kept of a hook Job: everything but what it runs, and its deadline.
pub fn hook_job_entry(object: &DynamicObject) -> Option<HookJobEntry> {
    let app = object.metadata.labels.as_ref()?.get(names::LABEL_APP_ID)?.clone();
    let mut job = serde_json::to_value(object).ok()?;
    let fields = job.as_object_mut()?;
    let deadline = fields
        .get("spec")
        .and_then(|spec| spec.get("activeDeadlineSeconds"))
        .cloned();
    fields.insert("spec".to_owned(), json!({"activeDeadlineSeconds": deadline}));
    fields
        .get_mut("metadata")?
        .as_object_mut()?
        .remove("managedFields");
    Some(HookJobEntry { app, job })
}

pub(super) struct HookPods;

impl Sink for HookPods {
    type Key = (String, String);
    type Value = HookPod;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.hook_pods
    }
    fn key(&self, object: &DynamicObject) -> Option<Self::Key> {
        Some((object.namespace()?, object.name_any()))
    }
    fn value(&self, object: &DynamicObject) -> Option<HookPod> {
        let label = |name: &str| object.metadata.labels.as_ref()?.get(name).cloned();
        let mut pod = object.clone();
        pod.metadata.managed_fields = None;
        pod.data.as_object_mut()?.remove("spec");
        Some(HookPod {
            app: label(names::LABEL_HOOK_OF)?,
            job: label("batch.kubernetes.io/job-name")?,
            pod,
        })
    }
    fn concerns(&self, (namespace, _): &Self::Key, value: Option<&HookPod>) -> Vec<Concerns> {
        let key = |entry: &HookPod| NamespacedName {
            namespace: namespace.clone(),
            name: entry.app.clone(),
        };
        value.map(|entry| Concerns::App(key(entry))).into_iter().collect()
    }
}

/// Delivered objects of one kind, in all namespaces or in one.
pub(super) struct LiveObjects {
    resource: ApiResource,
    namespace: Option<String>,
}

impl LiveObjects {
    pub(super) fn of(resource: ApiResource) -> Self {
        Self {
            resource,
            namespace: None,
        }
    }

    pub(super) fn within(resource: ApiResource, namespace: &str) -> Self {
        Self {
            resource,
            namespace: Some(namespace.to_owned()),
        }
    }
}

impl Sink for LiveObjects {
    type Key = LiveKey;
    type Value = Small;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.live
    }
    fn key(&self, object: &DynamicObject) -> Option<Self::Key> {
        let ApiResource {
            group, version, kind, ..
        } = &self.resource;
        Some(LiveKey::of(
            &object.namespace()?,
            group,
            version,
            kind,
            &object.name_any(),
        ))
    }
    fn value(&self, object: &DynamicObject) -> Option<Small> {
        let app = object.metadata.labels.as_ref()?.get(names::LABEL_APP_ID)?.clone();
        let mut object = object.clone();
        object.types = Some(TypeMeta {
            api_version: self.resource.api_version.clone(),
            kind: self.resource.kind.clone(),
        });
        Some(Small::of(&Delivered {
            app,
            pending_class: pending_class(&object),
            live: digest_live(&object),
        }))
    }
    fn owns(&self, key: &LiveKey) -> bool {
        let ApiResource {
            group, version, kind, ..
        } = &self.resource;
        let within = self.namespace.as_deref();
        key.is_of(group, version, kind) && within.is_none_or(|within| within == key.namespace())
    }
    fn concerns(&self, key: &LiveKey, value: Option<&Small>) -> Vec<Concerns> {
        let app = |entry: Delivered| NamespacedName {
            namespace: key.namespace().to_owned(),
            name: entry.app,
        };
        let known = value.and_then(Small::open);
        known.map(|entry| Concerns::App(app(entry))).into_iter().collect()
    }
    fn broke(&self, world: &World) -> AfterBreak {
        match &self.namespace {
            Some(namespace) if world.namespaces.get(namespace).is_none() => AfterBreak::End,
            _ => AfterBreak::Again,
        }
    }
}

/// Autoscalers, whoever made them: what they scale is left to them.
pub(super) struct Autoscalers;

impl Sink for Autoscalers {
    type Key = (String, String);
    type Value = Scaled;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.autoscalers
    }
    fn key(&self, object: &DynamicObject) -> Option<Self::Key> {
        Some((object.namespace()?, object.name_any()))
    }
    fn value(&self, object: &DynamicObject) -> Option<Scaled> {
        let said = |field: &str| {
            let target = object.data.pointer("/spec/scaleTargetRef")?;
            target.get(field).and_then(Value::as_str).map(str::to_owned)
        };
        let api_version = said("apiVersion").unwrap_or_default();
        Some(Scaled {
            group: api_version
                .split_once('/')
                .map_or("", |(group, _)| group)
                .to_owned(),
            kind: said("kind")?,
            name: said("name")?,
        })
    }
    fn concerns(&self, (namespace, _): &Self::Key, _: Option<&Scaled>) -> Vec<Concerns> {
        vec![Concerns::Namespace(namespace.clone())]
    }
}

/// Definitions of custom resources: only that they changed.
pub(super) struct Definitions;

impl Sink for Definitions {
    type Key = String;
    type Value = String;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.definitions
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<String> {
        object.metadata.resource_version.clone()
    }
    fn concerns(&self, name: &String, _: Option<&String>) -> Vec<Concerns> {
        let group = name.split_once('.').map(|(_, group)| group.to_owned());
        group.map(Concerns::Kinds).into_iter().collect()
    }
}

/// Storage classes: only when they bind.
pub(super) struct StorageClasses;

impl Sink for StorageClasses {
    type Key = String;
    type Value = Binding;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.storage_classes
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Binding> {
        Some(if binds_at_first_use(&object.data) {
            Binding::AtFirstUse
        } else {
            Binding::AtOnce
        })
    }
    fn concerns(&self, _: &String, _: Option<&Binding>) -> Vec<Concerns> {
        // A claim that waits for its class is news itself once it is bound.
        Vec::new()
    }
}
