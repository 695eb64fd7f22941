//! The watches: each fills one cache, and says which App or Project is concerned.

use crate::kube_io::api_resource;
use crate::world::{
    AppKey, Cache, Delivered, HookJobEntry, HookPod, World, digest_live, digest_namespace, digest_project,
    digest_record,
};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use kube::api::DynamicObject;
use kube::core::{ApiResource, PartialObjectMeta, TypeMeta};
use kube::runtime::{WatchStreamExt, watcher, watcher::Event};
use kube::{Api, Client, ResourceExt};
use kubeop_shared::api::names;
use kubeop_shared::revision::ObjectKey;
use serde_json::json;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

/// Whom news concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// One App.
    App(AppKey),
    /// One Project.
    Project(String),
    /// Every App of a namespace.
    Namespace(String),
}

/// Label that records carry, so that they can be watched.
pub const LABEL_RECORD: &str = "platform.kubeop.io/revision-record";

/// Kinds that are watched whole, because their status says whether they are ready.
const WITH_STATUS: [(&str, &str, &str); 6] = [
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "Job"),
    ("", "v1", "Service"),
    ("", "v1", "PersistentVolumeClaim"),
];

/// Kinds of which only metadata are watched: they are ready once they are applied. DNS records and
/// certificates among them, since nothing in this version writes their status.
const METADATA_ONLY: [(&str, &str, &str); 11] = [
    (names::GROUP, names::VERSION, "DNSRecord"),
    (names::GROUP, names::VERSION, "Certificate"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "ServiceAccount"),
    ("batch", "v1", "CronJob"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
];

/// Whether drift of a kind is seen by a watch. Other kinds are read when their App is looked at.
pub fn is_watched(key: &ObjectKey) -> bool {
    let kind = (key.group.as_str(), key.version.as_str(), key.kind.as_str());
    WITH_STATUS.contains(&kind) || METADATA_ONLY.contains(&kind)
}

/// Starts every watch, and returns what tells that all caches are filled.
pub fn start(
    client: &Client,
    world: &Arc<World>,
    wake: &mpsc::UnboundedSender<Concerns>,
) -> Vec<watch::Receiver<bool>> {
    let delivered = format!("{},!{},!{LABEL_RECORD}", names::LABEL_APP_ID, names::LABEL_HOOK);
    let mut filled = vec![
        run(
            Watch::whole(client, names::GROUP, names::VERSION, "Project", ""),
            Projects,
            world,
            wake,
        ),
        run(
            Watch::metadata(client, "", "v1", "Namespace", names::LABEL_PROJECT_ID),
            Namespaces,
            world,
            wake,
        ),
        run(
            Watch::whole(client, "", "v1", "ConfigMap", LABEL_RECORD),
            Records,
            world,
            wake,
        ),
        run(
            Watch::whole(client, "batch", "v1", "Job", names::LABEL_HOOK),
            Jobs,
            world,
            wake,
        ),
        run(
            Watch::whole(client, "", "v1", "Pod", names::LABEL_HOOK_OF),
            HookPods,
            world,
            wake,
        ),
    ];
    for (group, version, kind) in WITH_STATUS {
        let watch = Watch::whole(client, group, version, kind, &delivered);
        filled.push(run(watch, LiveObjects::of(group, version, kind), world, wake));
    }
    for (group, version, kind) in METADATA_ONLY {
        let watch = Watch::metadata(client, group, version, kind, &delivered);
        filled.push(run(watch, LiveObjects::of(group, version, kind), world, wake));
    }
    filled
}

/// A stream of news about one resource.
struct Watch {
    what: String,
    events: BoxStream<'static, Result<Event<DynamicObject>, watcher::Error>>,
}

impl Watch {
    fn whole(client: &Client, group: &str, version: &str, kind: &str, labels: &str) -> Self {
        let resource = api_resource(group, version, kind);
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let types = TypeMeta {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
        };
        let events = watcher(api, watcher::Config::default().labels(labels))
            .default_backoff()
            // Items of a listing do not say what they are, and health is judged by kind.
            .modify(move |object| object.types = Some(types.clone()))
            .boxed();
        Self {
            what: resource.plural,
            events,
        }
    }

    fn metadata(client: &Client, group: &str, version: &str, kind: &str, labels: &str) -> Self {
        let resource = api_resource(group, version, kind);
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
        let what = resource.plural.clone();
        let events = watcher(api, watcher::Config::default().labels(labels))
            .default_backoff()
            .map_ok(move |event| typed(event, &resource))
            .boxed();
        Self { what, events }
    }
}

fn typed(event: Event<PartialObjectMeta<DynamicObject>>, resource: &ApiResource) -> Event<DynamicObject> {
    let object = |partial: PartialObjectMeta<DynamicObject>| DynamicObject {
        types: Some(TypeMeta {
            api_version: resource.api_version.clone(),
            kind: resource.kind.clone(),
        }),
        metadata: partial.metadata,
        data: serde_json::Value::Null,
    };
    match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(partial) => Event::InitApply(object(partial)),
        Event::Apply(partial) => Event::Apply(object(partial)),
        Event::Delete(partial) => Event::Delete(object(partial)),
    }
}

/// How the objects of one watch are kept.
trait Sink: Send + 'static {
    type Key: Clone + Eq + Hash + Send;
    type Value: Clone;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value>;
    fn key(&self, object: &DynamicObject) -> Option<Self::Key>;
    fn value(&self, object: &DynamicObject) -> Option<Self::Value>;
    /// Whether a key of the cache belongs to this watch.
    fn owns(&self, _: &Self::Key) -> bool {
        true
    }
    fn concerns(&self, key: &Self::Key, value: Option<&Self::Value>) -> Vec<Concerns>;
}

fn run<S: Sink + Sync>(
    mut watch: Watch,
    sink: S,
    world: &Arc<World>,
    wake: &mpsc::UnboundedSender<Concerns>,
) -> watch::Receiver<bool> {
    let (filled, is_filled) = watch::channel(false);
    let (world, wake) = (world.clone(), wake.clone());
    let task: BoxFuture<'static, ()> = Box::pin(async move {
        let mut started = Instant::now();
        let mut listed = HashSet::new();
        while let Some(event) = watch.events.next().await {
            let news = match event {
                Ok(Event::Init) => {
                    started = Instant::now();
                    listed.clear();
                    Vec::new()
                }
                Ok(Event::InitApply(object)) => {
                    listed.extend(sink.key(&object));
                    take(&sink, &world, &object)
                }
                Ok(Event::InitDone) => {
                    let cache = sink.cache(&world);
                    let went = cache.keep_only(started, |key| sink.owns(key), |key| listed.contains(key));
                    listed.clear();
                    let _ = filled.send(true);
                    went.iter()
                        .flat_map(|(key, value)| sink.concerns(key, Some(value)))
                        .collect()
                }
                Ok(Event::Apply(object)) => take(&sink, &world, &object),
                Ok(Event::Delete(object)) => {
                    let key = sink.key(&object);
                    let gone = key.iter().flat_map(|key| {
                        let value = sink.value(&object);
                        sink.cache(&world)
                            .gone(key.clone(), object.metadata.resource_version.as_deref());
                        sink.concerns(key, value.as_ref())
                    });
                    gone.collect()
                }
                Err(error) => {
                    tracing::warn!(%error, watch = watch.what, "the watch broke and is started again");
                    Vec::new()
                }
            };
            for concerned in news {
                // Nobody listens any more: the program ends.
                let _ = wake.send(concerned);
            }
        }
    });
    tokio::spawn(task);
    is_filled
}

fn take<S: Sink>(sink: &S, world: &World, object: &DynamicObject) -> Vec<Concerns> {
    let (Some(key), Some(value)) = (sink.key(object), sink.value(object)) else {
        return Vec::new();
    };
    let concerns = sink.concerns(&key, Some(&value));
    sink.cache(world)
        .put(key, object.metadata.resource_version.as_deref(), value);
    concerns
}

struct Projects;

impl Sink for Projects {
    type Key = String;
    type Value = crate::world::ProjectView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.projects
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        digest_project(object)
    }
    fn concerns(&self, key: &String, value: Option<&Self::Value>) -> Vec<Concerns> {
        let namespace = value.map(|project| Concerns::Namespace(project.namespace.clone()));
        std::iter::once(Concerns::Project(key.clone()))
            .chain(namespace)
            .collect()
    }
}

struct Namespaces;

impl Sink for Namespaces {
    type Key = String;
    type Value = crate::world::NamespaceView;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.namespaces
    }
    fn key(&self, object: &DynamicObject) -> Option<String> {
        Some(object.name_any())
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        Some(digest_namespace(object))
    }
    fn concerns(&self, key: &String, value: Option<&Self::Value>) -> Vec<Concerns> {
        let project = value
            .and_then(|namespace| namespace.project.clone())
            .map(Concerns::Project);
        std::iter::once(Concerns::Namespace(key.clone()))
            .chain(project)
            .collect()
    }
}

struct Records;

impl Sink for Records {
    type Key = AppKey;
    type Value = crate::world::RecordEntry;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.records
    }
    fn key(&self, object: &DynamicObject) -> Option<AppKey> {
        let name = object.name_any();
        let app = name.strip_prefix(&names::record_name(""))?;
        Some(AppKey {
            namespace: object.namespace()?,
            name: app.to_owned(),
        })
    }
    fn value(&self, object: &DynamicObject) -> Option<Self::Value> {
        Some(digest_record(object))
    }
    fn concerns(&self, key: &AppKey, _: Option<&Self::Value>) -> Vec<Concerns> {
        vec![Concerns::App(key.clone())]
    }
}

struct Jobs;

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
        let key = |entry: &HookJobEntry| AppKey {
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

struct HookPods;

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
        let key = |entry: &HookPod| AppKey {
            namespace: namespace.clone(),
            name: entry.app.clone(),
        };
        value.map(|entry| Concerns::App(key(entry))).into_iter().collect()
    }
}

struct LiveObjects {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
}

impl LiveObjects {
    fn of(group: &'static str, version: &'static str, kind: &'static str) -> Self {
        Self { group, version, kind }
    }
}

impl Sink for LiveObjects {
    type Key = (String, ObjectKey);
    type Value = Delivered;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.live
    }
    fn key(&self, object: &DynamicObject) -> Option<Self::Key> {
        let key = ObjectKey {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            kind: self.kind.to_owned(),
            name: object.name_any(),
        };
        Some((object.namespace()?, key))
    }
    fn value(&self, object: &DynamicObject) -> Option<Delivered> {
        let app = object.metadata.labels.as_ref()?.get(names::LABEL_APP_ID)?.clone();
        let mut object = object.clone();
        object.types = Some(TypeMeta {
            api_version: api_resource(self.group, self.version, self.kind).api_version,
            kind: self.kind.to_owned(),
        });
        Some(Delivered {
            app,
            live: digest_live(&object),
        })
    }
    fn owns(&self, (_, key): &Self::Key) -> bool {
        key.kind == self.kind && key.group == self.group
    }
    fn concerns(&self, (namespace, _): &Self::Key, value: Option<&Delivered>) -> Vec<Concerns> {
        let key = |entry: &Delivered| AppKey {
            namespace: namespace.clone(),
            name: entry.app.clone(),
        };
        value.map(|entry| Concerns::App(key(entry))).into_iter().collect()
    }
}
