//! What is known of the cluster: filled by watches, and by the answers to our own writes.

mod app_view;
mod bounds;
mod cache;
mod credentials;
mod delivered;
mod digest;
mod happenings;
mod kinds;
mod packed;
mod troubles;
mod words;

pub use app_view::{AppView, KeptApp, PENDING};
pub use bounds::Bounds;
pub use cache::Cache;
pub use credentials::{AccountView, MirrorView};
pub use delivered::{Delivered, LiveKey, Small};
pub use digest::{
    KeptRecord, NamespaceView, PartView, ProjectView, RecordEntry, TenantView, digest_key, digest_live,
    digest_namespace, digest_part, digest_project, digest_record, digest_tenant, pending_class,
};
pub use happenings::{Ended, Happening, WEEK, What};
pub use kinds::Kinds;
pub use packed::Packed;
use troubles::made_by;
pub use troubles::{Blocked, Heard, News, Now, Troubles};
pub use words::Words;

use kube::api::DynamicObject;
use kubeop_shared::api::Certificate;
use kubeop_shared::health::cause::Workload;
use kubeop_shared::revision::ObjectKey;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespacedName {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl NamespacedName {
    /// The range of everything in a namespace.
    pub fn all_of(namespace: &str) -> std::ops::Range<Self> {
        // No other name lies between a namespace and itself with the least character behind it.
        let first = |namespace: String| Self {
            namespace,
            name: String::new(),
        };
        first(namespace.to_owned())..first(format!("{namespace}\0"))
    }
}

impl std::fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// When a storage class binds claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// At once.
    AtOnce,
    /// When a Pod first uses them.
    AtFirstUse,
}

/// A hook Job and the App that its label names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookJobEntry {
    /// Name of the App.
    pub app: String,
    /// The Job, without its template.
    pub job: serde_json::Value,
}

/// A Pod of a hook.
#[derive(Clone, Debug, PartialEq)]
pub struct HookPod {
    /// Name of the App.
    pub app: String,
    /// Name of the Job.
    pub job: String,
    /// The Pod, without its spec.
    pub pod: kube::api::DynamicObject,
}

/// A workload whose replicas an autoscaler sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// API group of the workload.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What is known of the cluster.
#[derive(Debug, Default)]
pub struct World {
    /// Apps as they are.
    pub apps: Cache<NamespacedName, KeptApp>,
    /// DNSRecords as they are, in project namespaces and elsewhere.
    pub dns_records: Cache<NamespacedName, Packed>,
    /// `DNSEndpoint`s as they are, where external-dns is the provider.
    pub dns_endpoints: Cache<NamespacedName, Packed>,
    /// Certificates as they are, in project namespaces and elsewhere.
    pub certificates: Cache<NamespacedName, Packed>,
    /// resourceVersions of Secrets that hold what Certificates ask for.
    pub secrets: Cache<NamespacedName, String>,
    /// The same of the Secret that holds kubeOP's own CA.
    pub authority: Cache<NamespacedName, String>,
    /// What cert-manager is asked, by the Certificate for which it is.
    pub requested: Cache<NamespacedName, Packed>,
    /// Projects as they are, by name.
    pub project_objects: Cache<String, Packed>,
    /// What Apps need to know of Projects, by name.
    pub projects: Cache<String, ProjectView>,
    /// Tenants as they are, by name.
    pub tenant_objects: Cache<String, Packed>,
    /// What others need to know of Tenants, by name.
    pub tenants: Cache<String, TenantView>,
    /// What Projects keep in their namespaces.
    pub parts: Cache<LiveKey, PartView>,
    /// resourceVersions of Secrets whose owners agree that they are mirrored.
    pub sources: Cache<NamespacedName, Box<str>>,
    /// Mirrors of such Secrets.
    pub mirrors: Cache<NamespacedName, MirrorView>,
    /// `ServiceAccounts`.
    pub accounts: Cache<NamespacedName, AccountView>,
    /// Namespaces by name.
    pub namespaces: Cache<String, NamespaceView>,
    /// Records by the App that they are named after.
    pub records: Cache<NamespacedName, KeptRecord>,
    /// Delivered objects.
    pub live: Cache<LiveKey, Small>,
    /// Hook Jobs by namespace and name.
    pub jobs: Cache<(String, String), HookJobEntry>,
    /// Pods of hooks by namespace and name.
    pub hook_pods: Cache<(String, String), HookPod>,
    /// Autoscalers by namespace and name.
    pub autoscalers: Cache<(String, String), Scaled>,
    /// resourceVersions of the definitions of custom resources, by name.
    pub definitions: Cache<String, String>,
    /// Kinds that were looked up.
    pub kinds: Kinds,
    /// Storage classes by name.
    pub storage_classes: Cache<String, Binding>,
    /// Pods in trouble, and workloads that cannot create any.
    pub troubles: Troubles,
    /// Texts that many of these say.
    pub words: Words,
}

impl World {
    /// A delivered object.
    pub fn live_of(&self, namespace: &str, key: &ObjectKey) -> Option<Delivered> {
        self.live.get(&LiveKey::new(namespace, key))?.open()
    }

    /// What was just read or written of a delivered object.
    pub fn put_live(&self, namespace: &str, key: &ObjectKey, delivered: &Delivered) {
        let version = Some(delivered.live.resource_version.as_str());
        self.live
            .put(LiveKey::new(namespace, key), version, Small::of(delivered));
    }

    /// The Certificates of a namespace that are so. One that cannot be read is not.
    pub fn certificates_in(
        &self,
        namespace: &str,
        is_so: impl Fn(&Certificate) -> bool,
    ) -> Vec<NamespacedName> {
        self.certificates
            .filter_within(NamespacedName::all_of(namespace), |key, packed| {
                packed.read().filter(&is_so).map(|_| key.clone())
            })
    }

    /// Takes news of an App, or what was just written of it.
    pub fn put_app(&self, key: NamespacedName, object: &DynamicObject) {
        let kept = KeptApp::of(object, self.apps.get(&key).as_ref(), &self.words);
        self.apps
            .put(key, object.metadata.resource_version.as_deref(), kept);
    }

    /// The App whose Pods `owner` creates: by what it delivered, or by its hook.
    pub fn app_of(&self, namespace: &str, owner: &Workload) -> Option<String> {
        let delivered = |workload: &Workload| {
            let version = match workload.group.as_str() {
                "argoproj.io" => "v1alpha1",
                _ => "v1",
            };
            let key = ObjectKey {
                group: workload.group.clone(),
                version: version.to_owned(),
                kind: workload.kind.clone(),
                name: workload.name.clone(),
            };
            self.live_of(namespace, &key).map(|delivered| delivered.app)
        };
        let hook = || {
            let job = self.jobs.get(&(namespace.to_owned(), owner.name.clone()));
            job.filter(|_| owner.kind == "Job").map(|job| job.app)
        };
        made_by(owner).iter().find_map(delivered).or_else(hook)
    }
}
