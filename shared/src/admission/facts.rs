//! What is known to the rules: the cluster, and what they asked for by name.

use super::{Operation, Request};
use crate::api::project::Enforcement;
use crate::host::HostSuffixes;
use crate::image::Allowlist;
use crate::revision::Record;
use std::sync::Arc;

/// Something that a rule needs to know before it can decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The Namespace of this name.
    Namespace(String),
    /// The Project of this name.
    Project(String),
    /// The Tenant of this name.
    Tenant(String),
    /// A `DNSRecord`.
    DnsRecord {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The revision record of an App.
    Record {
        /// Its namespace.
        namespace: String,
        /// Name of the App.
        app: String,
    },
}

/// What is known about one object.
#[derive(Clone, Debug, Default)]
pub enum Known<T> {
    /// Nobody has asked yet.
    #[default]
    NotAsked,
    /// There is none.
    Absent,
    /// There is this.
    Is(Arc<T>),
}

/// What holds for the whole cluster.
#[derive(Clone, Debug, Default)]
pub struct ClusterFacts {
    /// Id of the cluster.
    pub id: String,
    /// Registries; none: any registry.
    pub allowlist: Option<Allowlist>,
    /// Users who bring objects back from a backup, with what kubeOP wrote on them.
    pub restorers: Vec<String>,
}

/// What a Namespace says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// Ownership label: Tenant.
    pub tenant: Option<String>,
    /// Ownership label: Project. With it, this is a project namespace.
    pub project: Option<String>,
}

/// What a Project says.
#[derive(Clone, Debug, Default)]
pub struct ProjectFacts {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its Tenant.
    pub tenant: String,
    /// Registries; none: does not narrow.
    pub allowlist: Option<Allowlist>,
    /// Hosts; none: does not narrow.
    pub hosts: Option<HostSuffixes>,
    /// Whether violations are refused.
    pub enforcement: Enforcement,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// What a Tenant says.
#[derive(Clone, Debug, Default)]
pub struct TenantFacts {
    /// Its name.
    pub name: String,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Registries; none: does not narrow.
    pub allowlist: Option<Allowlist>,
    /// Hosts; none: does not narrow.
    pub hosts: Option<HostSuffixes>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// All that is known while one request is decided. At most one object of a kind is ever asked for; what was
/// brought unasked, and turns out to be another one, is asked for as if nothing were known.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The cluster.
    pub cluster: Arc<ClusterFacts>,
    /// The Namespace of the request.
    pub namespace: Known<NamespaceFacts>,
    /// The Project.
    pub project: Known<ProjectFacts>,
    /// The Tenant.
    pub tenant: Known<TenantFacts>,
    /// The record of the App that is written. One that cannot be read is as good as none.
    pub record: Known<Record>,
    /// Whether the `DNSRecord` is there that a Certificate names.
    pub dns_record: Known<()>,
}

impl Facts {
    /// Nothing known but the cluster.
    pub fn new(cluster: Arc<ClusterFacts>) -> Self {
        Self {
            cluster,
            ..Self::default()
        }
    }

    /// Goes on without a fact that cannot be had, where only a warning depends on it. Whether it did.
    pub fn go_without(&mut self, fact: &Fact) -> bool {
        let warns_only = matches!(fact, Fact::DnsRecord { .. });
        if warns_only {
            self.dns_record = Known::Is(Arc::new(()));
        }
        warns_only
    }

    /// Whether this request brings an object back from a backup.
    pub(super) fn restores(&self, request: &Request<'_>) -> bool {
        let user = &*request.user_info.username;
        request.operation == Operation::Create
            && self.cluster.restorers.iter().any(|restorer| restorer == user)
    }

    pub(super) fn namespace(&self, name: &str) -> Result<Option<Arc<NamespaceFacts>>, Fact> {
        ask(&self.namespace, || Fact::Namespace(name.to_owned()))
    }

    pub(super) fn project(&self, name: &str) -> Result<Option<Arc<ProjectFacts>>, Fact> {
        match &self.project {
            Known::Is(other) if other.name != name => Err(Fact::Project(name.to_owned())),
            known => ask(known, || Fact::Project(name.to_owned())),
        }
    }

    pub(super) fn record(&self, namespace: &str, app: &str) -> Result<Option<Arc<Record>>, Fact> {
        ask(&self.record, || Fact::Record {
            namespace: namespace.to_owned(),
            app: app.to_owned(),
        })
    }

    pub(super) fn dns_record(&self, namespace: &str, name: &str) -> Result<Option<Arc<()>>, Fact> {
        ask(&self.dns_record, || Fact::DnsRecord {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    pub(super) fn tenant(&self, name: &str) -> Result<Option<Arc<TenantFacts>>, Fact> {
        match &self.tenant {
            Known::Is(other) if other.name != name => Err(Fact::Tenant(name.to_owned())),
            known => ask(known, || Fact::Tenant(name.to_owned())),
        }
    }
}

fn ask<T>(known: &Known<T>, fact: impl FnOnce() -> Fact) -> Result<Option<Arc<T>>, Fact> {
    match known {
        Known::NotAsked => Err(fact()),
        Known::Absent => Ok(None),
        Known::Is(known) => Ok(Some(Arc::clone(known))),
    }
}
