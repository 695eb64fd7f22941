//! All that the server knows: Tenants, Projects and Namespaces, kept up to date by watches.

use crate::facts;
use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource, ResourceExt};
use kubeop_shared::admission::{
    ClusterFacts, Fact, Facts, Known, NamespaceFacts, ProjectFacts, Request, TenantFacts, Verdict,
};
use kubeop_shared::api::names::{LABEL_PROJECT_ID, LABEL_TENANT_ID, record_name};
use kubeop_shared::api::{DnsRecord, Project, Tenant};
use kubeop_shared::image::Allowlist;
use kubeop_shared::revision::Record;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long a fact that no watch has brought yet may take to be read.
const FETCH: Duration = Duration::from_secs(1);

/// The namespace whose uid is the cluster's id.
const KUBE_SYSTEM: &str = "kube-system";

/// The world, shared by all reviews.
#[derive(Clone)]
pub struct World {
    client: Client,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    cluster: RwLock<Arc<ClusterFacts>>,
    namespaces: Kept<NamespaceFacts>,
    projects: Kept<ProjectFacts>,
    tenants: Kept<TenantFacts>,
}

/// What is kept of one kind: facts by name, never objects.
struct Kept<T> {
    facts: RwLock<HashMap<String, Arc<T>>>,
    synced: AtomicBool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            facts: RwLock::default(),
            synced: AtomicBool::new(false),
        }
    }
}

impl<T> Kept<T> {
    fn get(&self, name: &str) -> Option<Arc<T>> {
        self.facts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .map(Arc::clone)
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<String, Arc<T>>)) {
        change(&mut self.facts.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Follows a watch for ever. A listing replaces all only when it is whole.
    async fn follow<K: ResourceExt>(
        &self,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
        fact: impl Fn(&K) -> Option<T>,
    ) {
        let mut listed = HashMap::new();
        let mut events = pin!(events.default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => {
                    if let Some(fact) = fact(&object) {
                        listed.insert(object.name_any(), Arc::new(fact));
                    }
                }
                Ok(Event::InitDone) => {
                    let listed = std::mem::take(&mut listed);
                    self.change(|facts| *facts = listed);
                    self.synced.store(true, Ordering::Release);
                }
                Ok(Event::Apply(object)) => {
                    let (name, fact) = (object.name_any(), fact(&object));
                    self.change(|facts| match fact {
                        Some(fact) => drop(facts.insert(name, Arc::new(fact))),
                        None => drop(facts.remove(&name)),
                    });
                }
                Ok(Event::Delete(object)) => self.change(|facts| drop(facts.remove(&object.name_any()))),
                Err(error) => tracing::warn!(%error, "a watch failed and is tried again"),
            }
        }
    }
}

impl World {
    /// Starts the watches. `cluster_id`: none for the uid of `kube-system`.
    pub fn start(
        client: &Client,
        allowlist: Option<Allowlist>,
        cluster_id: Option<String>,
        restorers: Vec<String>,
    ) -> Self {
        let world = Self {
            client: client.clone(),
            inner: Arc::new(Inner::default()),
        };
        let given = cluster_id.is_some();
        world.set_cluster(ClusterFacts {
            id: cluster_id.unwrap_or_default(),
            allowlist,
            restorers,
        });
        let (namespaces, projects, tenants) = (world.clone(), world.clone(), world.clone());
        tokio::spawn(async move {
            let api = Api::<PartialObjectMeta<Namespace>>::all(namespaces.client.clone());
            let events = watcher::watcher(api, paged());
            let events = events.inspect_ok(|event| {
                if let Event::Apply(object) | Event::InitApply(object) = event
                    && !given
                    && object.name_any() == KUBE_SYSTEM
                {
                    namespaces.name_cluster(object.uid().unwrap_or_default());
                }
            });
            namespaces.inner.namespaces.follow(events, namespace_facts).await;
        });
        tokio::spawn(async move {
            projects
                .inner
                .projects
                .follow(projects.watch::<Project>(), project_facts)
                .await;
        });
        tokio::spawn(async move {
            tenants
                .inner
                .tenants
                .follow(tenants.watch::<Tenant>(), tenant_facts)
                .await;
        });
        world
    }

    /// Whether every watch has brought its first listing.
    pub fn is_synced(&self) -> bool {
        let Inner {
            namespaces,
            projects,
            tenants,
            ..
        } = &*self.inner;
        [&namespaces.synced, &projects.synced, &tenants.synced]
            .into_iter()
            .all(|synced| synced.load(Ordering::Acquire))
    }

    /// Decides a request: runs the rules, brings the fact that they ask for, and runs them again.
    pub async fn decide(&self, request: &Request<'_>, rules: fn(&Facts, &Request<'_>) -> Verdict) -> Verdict {
        let mut facts = self.remembered(&request.namespace);
        // One round for each kind of fact, and one to decide.
        for _ in 0..5 {
            let verdict = rules(&facts, request);
            let Verdict::Need(fact) = &verdict else {
                return verdict;
            };
            let brought = tokio::time::timeout(FETCH, self.bring(fact, &mut facts)).await;
            match brought {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, ?fact, "a fact could not be read");
                    if !facts.go_without(fact) {
                        return verdict;
                    }
                }
                Err(_) if facts.go_without(fact) => {}
                Err(_) => return verdict,
            }
        }
        rules(&facts, request)
    }

    /// The cluster, and what memory has of a project namespace. With it one round decides most requests.
    fn remembered(&self, namespace: &str) -> Facts {
        let inner = &*self.inner;
        let mut facts = Facts::new(Arc::clone(
            &inner.cluster.read().unwrap_or_else(PoisonError::into_inner),
        ));
        let Some(namespace) = inner.namespaces.get(namespace) else {
            return facts;
        };
        let Some(name) = namespace.project.as_deref() else {
            return facts;
        };
        if let Some(project) = inner.projects.get(name) {
            if let Some(tenant) = inner.tenants.get(&project.tenant) {
                facts.tenant = Known::Is(tenant);
            }
            facts.project = Known::Is(project);
        }
        facts.namespace = Known::Is(namespace);
        facts
    }

    /// From memory; what is not there is read once, since a watch may be a moment behind.
    async fn bring(&self, fact: &Fact, facts: &mut Facts) -> Result<(), kube::Error> {
        let inner = &*self.inner;
        match fact {
            Fact::Namespace(name) => {
                // Requests come from project namespaces; one that is not known as such has just become one.
                facts.namespace =
                    if let Some(known) = inner.namespaces.get(name).filter(|known| known.project.is_some()) {
                        Known::Is(known)
                    } else {
                        let api = Api::<PartialObjectMeta<Namespace>>::all(self.client.clone());
                        known(api.get_opt(name).await?.as_ref().and_then(namespace_facts))
                    }
            }
            Fact::Project(name) => {
                facts.project = match inner.projects.get(name) {
                    Some(known) => Known::Is(known),
                    None => known(
                        self.api::<Project>()
                            .get_opt(name)
                            .await?
                            .as_ref()
                            .and_then(project_facts),
                    ),
                }
            }
            // As rare as Certificates are written by hand.
            Fact::DnsRecord { namespace, name } => {
                let api = Api::<DnsRecord>::namespaced(self.client.clone(), namespace);
                facts.dns_record = known(api.get_metadata_opt(name).await?.map(drop));
            }
            // Read for each request that needs it: what is asked for was told a moment ago.
            Fact::Record { namespace, app } => {
                let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
                let map = api.get_opt(&record_name(app)).await?;
                let record = map.and_then(|map| Record::from_data(&map.data.unwrap_or_default()).ok());
                facts.record = known(record);
            }
            Fact::Tenant(name) => {
                facts.tenant = match inner.tenants.get(name) {
                    Some(known) => Known::Is(known),
                    None => known(
                        self.api::<Tenant>()
                            .get_opt(name)
                            .await?
                            .as_ref()
                            .and_then(tenant_facts),
                    ),
                }
            }
        }
        Ok(())
    }

    fn set_cluster(&self, facts: ClusterFacts) {
        *self.inner.cluster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(facts);
    }

    fn name_cluster(&self, id: String) {
        let now = Arc::clone(&self.inner.cluster.read().unwrap_or_else(PoisonError::into_inner));
        if now.id != id {
            self.set_cluster(ClusterFacts { id, ..(*now).clone() });
        }
    }

    /// Objects of any form: one that cannot be read must not end the watch.
    fn api<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &ApiResource::erase::<K>(&()))
    }

    fn watch<K: Resource<DynamicType = ()>>(
        &self,
    ) -> impl Stream<Item = Result<Event<DynamicObject>, watcher::Error>> + use<K> {
        watcher::watcher(self.api::<K>(), paged())
    }
}

/// Small pages: what is kept of an object is little, and what a page takes at once stays taken.
fn paged() -> watcher::Config {
    watcher::Config::default().page_size(50)
}

fn known<T>(fact: Option<T>) -> Known<T> {
    fact.map_or(Known::Absent, |fact| Known::Is(Arc::new(fact)))
}

#[expect(clippy::unnecessary_wraps, reason = "one form for all three kinds")]
fn namespace_facts(object: &PartialObjectMeta<Namespace>) -> Option<NamespaceFacts> {
    let labels = object.labels();
    Some(NamespaceFacts {
        tenant: labels.get(LABEL_TENANT_ID).cloned(),
        project: labels.get(LABEL_PROJECT_ID).cloned(),
    })
}

fn project_facts(object: &DynamicObject) -> Option<ProjectFacts> {
    readable(object, facts::project(object))
}

fn tenant_facts(object: &DynamicObject) -> Option<TenantFacts> {
    readable(object, facts::tenant(object))
}

fn readable<T>(object: &DynamicObject, read: Result<T, serde_json::Error>) -> Option<T> {
    if let Err(error) = &read {
        tracing::warn!(name = object.name_any(), %error, "an object cannot be read and counts as absent");
    }
    read.ok()
}
