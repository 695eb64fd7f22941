//! The watches: each fills one cache, and says which of our own objects is concerned.

mod absence;
mod attendant;
mod credentials;
mod followed;
mod owners;
mod sinks;
mod troubles;
mod unblocked;
mod whole;

pub use absence::Absence;
pub use attendant::Attendant;
pub use followed::Followed;
pub use sinks::hook_job_entry;
pub use unblocked::{Unblocked, unblocked};

use crate::dns::endpoint;
use crate::kube_io::{Whole, api_resource};
use crate::world::{Cache, NamespacedName, World};
use credentials::{Accounts, Mirrors, Sources};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use kube::api::DynamicObject;
use kube::core::{ApiResource, PartialObjectMeta, TypeMeta};
use kube::runtime::{WatchStreamExt, watcher, watcher::Event};
use kube::{Api, Client, Resource, ResourceExt};
use kubeop_shared::api::names;
use kubeop_shared::revision::ObjectKey;
use owners::{Namespaces, Parts, ProjectObjects, Projects, TenantObjects, Tenants};
use serde::de::DeserializeOwned;
use sinks::{Autoscalers, Definitions, HookPods, Jobs, LiveObjects, Records, StorageClasses};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use whole::Apps;

/// Whom news concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// One App.
    App(NamespacedName),
    /// One `DNSRecord`.
    DnsRecord(NamespacedName),
    /// Every Certificate that names a `DNSRecord`.
    OfDnsRecord(NamespacedName),
    /// One Certificate.
    Certificate(NamespacedName),
    /// Every Certificate that names a Secret.
    Secret(NamespacedName),
    /// kubeOP's own CA for Certificates.
    Authority,
    /// One Project.
    Project(String),
    /// Every App of a namespace.
    Namespace(String),
    /// One Tenant.
    Tenant(String),
    /// Every Project of a Tenant, and every App of those.
    OfTenant(String),
    /// Every Project that mirrors this Secret.
    Source(NamespacedName),
    /// The Project of this namespace, if it mirrors Secrets: an account there changed.
    Accounts(String),
    /// Every App that waits for a kind: the definitions of this group changed.
    Kinds(String),
}

/// Label that records carry, so that they can be watched.
pub const LABEL_RECORD: &str = "platform.kubeop.io/revision-record";

/// Kinds that are watched whole, because their status says whether they are ready.
const WITH_STATUS: [(&str, &str, &str); 8] = [
    (names::GROUP, names::VERSION, "Certificate"),
    (names::GROUP, names::VERSION, "DNSRecord"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "Job"),
    ("", "v1", "Service"),
    ("", "v1", "PersistentVolumeClaim"),
];

/// Kinds of which only metadata are watched: they are ready once they are applied.
const METADATA_ONLY: [(&str, &str, &str); 9] = [
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

/// Kinds of what a Project keeps in its namespace.
const PARTS: [(&str, &str, &str); 4] = [
    ("", "v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("", "v1", "ResourceQuota"),
    ("", "v1", "LimitRange"),
];

/// Whether a kind is watched in all namespaces. Others are followed where an App brings them.
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
    let delivered = delivered();
    let ours = |kind| Watch::whole(client, names::GROUP, names::VERSION, kind, "");
    let mut filled = vec![
        run(
            Watch::whole(client, "autoscaling", "v2", "HorizontalPodAutoscaler", ""),
            Autoscalers,
            world,
            wake,
        ),
        run(
            Watch::metadata(
                client,
                "apiextensions.k8s.io",
                "v1",
                "CustomResourceDefinition",
                "",
            ),
            Definitions,
            world,
            wake,
        ),
        run(ours("App"), Apps(world.clone()), world, wake),
        run(ours("DNSRecord"), whole::DNS_RECORDS, world, wake),
        run(ours("Certificate"), whole::CERTIFICATES, world, wake),
        run(ours("Project"), ProjectObjects, world, wake),
        run(ours("Project"), Projects, world, wake),
        run(ours("Tenant"), TenantObjects, world, wake),
        run(ours("Tenant"), Tenants, world, wake),
        run(
            Watch::metadata(client, "", "v1", "Namespace", names::LABEL_PROJECT_ID),
            Namespaces,
            world,
            wake,
        ),
        run(
            Watch::metadata(client, "", "v1", "Secret", names::LABEL_MIRROR),
            Sources,
            world,
            wake,
        ),
        run(
            Watch::metadata(client, "", "v1", "Secret", names::LABEL_MIRROR_OF),
            Mirrors,
            world,
            wake,
        ),
        run(
            Watch::whole(client, "", "v1", "ServiceAccount", ""),
            Accounts,
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
        let sink = LiveObjects::of(api_resource(group, version, kind));
        filled.push(run(watch, sink, world, wake));
    }
    for (group, version, kind) in METADATA_ONLY {
        let watch = Watch::metadata(client, group, version, kind, &delivered);
        let sink = LiveObjects::of(api_resource(group, version, kind));
        filled.push(run(watch, sink, world, wake));
    }
    let kept = format!("{},!{}", names::LABEL_PROJECT_ID, names::LABEL_APP_ID);
    for (group, version, kind) in PARTS {
        let watch = Watch::metadata(client, group, version, kind, &kept);
        let sink = Parts(api_resource(group, version, kind));
        filled.push(run(watch, sink, world, wake));
    }
    filled.push(run(
        Watch::whole(client, "storage.k8s.io", "v1", "StorageClass", ""),
        StorageClasses,
        world,
        wake,
    ));
    let troubles = troubles::start(client, world, wake, &filled);
    filled.extend(troubles);
    filled
}

/// Watches what external-dns is told. Its kind may come later: nobody waits for this watch to be filled.
pub fn dns_endpoints(client: &Client, world: &Arc<World>, wake: &mpsc::UnboundedSender<Concerns>) {
    let watch = Watch::whole(client, endpoint::GROUP, endpoint::VERSION, endpoint::KIND, "");
    run(watch, whole::DNS_ENDPOINTS, world, wake);
}

/// Labels of what is delivered: neither hook Jobs nor records.
fn delivered() -> String {
    format!("{},!{},!{LABEL_RECORD}", names::LABEL_APP_ID, names::LABEL_HOOK)
}

/// Whole objects come in small pages: what is kept of one is little, and what comes may be half a megabyte.
const PAGE_OF_WHOLE: u32 = 50;
/// Metadata are small.
const PAGE_OF_METADATA: u32 = 250;

fn paged(size: u32) -> watcher::Config {
    watcher::Config::default().page_size(size)
}

/// A stream of news about one resource.
struct Watch {
    what: String,
    events: BoxStream<'static, Result<Event<DynamicObject>, watcher::Error>>,
}

impl Watch {
    fn whole(client: &Client, group: &str, version: &str, kind: &str, labels: &str) -> Self {
        let resource = api_resource(group, version, kind);
        Self::of_whole(Api::all_with(client.clone(), &resource), resource, labels)
    }

    fn of_whole(api: Api<Whole>, resource: ApiResource, labels: &str) -> Self {
        Self::of(
            api,
            paged(PAGE_OF_WHOLE).labels(labels),
            resource,
            |Whole(object)| object,
        )
    }

    fn metadata(client: &Client, group: &str, version: &str, kind: &str, labels: &str) -> Self {
        let resource = api_resource(group, version, kind);
        Self::of_metadata(Api::all_with(client.clone(), &resource), resource, labels)
    }

    /// The metadata of one object.
    fn of_one(api: Api<PartialObjectMeta<DynamicObject>>, resource: ApiResource, name: &str) -> Self {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        Self::of_partial(api, config, resource)
    }

    fn of_metadata(api: Api<PartialObjectMeta<DynamicObject>>, resource: ApiResource, labels: &str) -> Self {
        Self::of_partial(api, paged(PAGE_OF_METADATA).labels(labels), resource)
    }

    fn of_partial(
        api: Api<PartialObjectMeta<DynamicObject>>,
        config: watcher::Config,
        resource: ApiResource,
    ) -> Self {
        Self::of(api, config, resource, |partial| DynamicObject {
            types: None,
            metadata: partial.metadata,
            data: serde_json::Value::Null,
        })
    }

    fn of<K>(
        api: Api<K>,
        config: watcher::Config,
        resource: ApiResource,
        object: impl Fn(K) -> DynamicObject + Copy + Send + 'static,
    ) -> Self
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        // Items of a listing do not say what they are, and health is judged by kind.
        let types = TypeMeta {
            api_version: resource.api_version,
            kind: resource.kind,
        };
        let object = move |of| DynamicObject {
            types: Some(types.clone()),
            ..object(of)
        };
        let events = watcher(api, config)
            .default_backoff()
            .map_ok(move |event| match event {
                Event::Init => Event::Init,
                Event::InitDone => Event::InitDone,
                Event::InitApply(of) => Event::InitApply(object(of)),
                Event::Apply(of) => Event::Apply(object(of)),
                Event::Delete(of) => Event::Delete(object(of)),
            })
            .boxed();
        Self {
            what: resource.plural,
            events,
        }
    }
}

fn key_of(object: &DynamicObject) -> Option<NamespacedName> {
    Some(NamespacedName {
        namespace: object.namespace()?,
        name: object.name_any(),
    })
}

/// How the objects of one watch are kept.
trait Sink: Send + 'static {
    type Key: Clone + Ord + Send;
    type Value: Clone + PartialEq;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value>;
    fn key(&self, object: &DynamicObject) -> Option<Self::Key>;
    fn value(&self, object: &DynamicObject) -> Option<Self::Value>;
    /// Whether a key of the cache belongs to this watch.
    fn owns(&self, _: &Self::Key) -> bool {
        true
    }
    fn concerns(&self, key: &Self::Key, value: Option<&Self::Value>) -> Vec<Concerns>;
    /// What becomes of a watch that broke.
    fn broke(&self, _: &World) -> AfterBreak {
        AfterBreak::Again
    }
}

/// What becomes of a watch that broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterBreak {
    /// It is started again.
    Again,
    /// It ends: nothing is left to watch.
    End,
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
        let mut listed = BTreeSet::new();
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
                    if sink.broke(&world) == AfterBreak::End {
                        return;
                    }
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
    // What changes nothing that is kept concerns nobody.
    if sink.cache(world).get(&key).as_ref() == Some(&value) {
        return Vec::new();
    }
    let concerns = sink.concerns(&key, Some(&value));
    sink.cache(world)
        .put(key, object.metadata.resource_version.as_deref(), value);
    concerns
}
