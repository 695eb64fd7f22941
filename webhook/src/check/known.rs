//! What rules may ask for, from files and perhaps a cluster, in place of the watched world.

use crate::facts;
use kube::api::DynamicObject;
use kubeop_shared::admission::{
    self, ClusterFacts, Fact, Facts, NamespaceFacts, ProjectFacts, Request, TenantFacts, Verdict,
};
use kubeop_shared::image::Allowlist;
use kubeop_shared::manifests::file::Written;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Everything that is known.
pub(super) struct Known {
    cluster: Arc<ClusterFacts>,
    projects: HashMap<String, Arc<ProjectFacts>>,
    tenants: HashMap<String, Arc<TenantFacts>>,
    /// By name: those of the Projects.
    namespaces: HashMap<String, Arc<NamespaceFacts>>,
    /// Namespace and name of each `DNSRecord`.
    records: HashSet<(String, String)>,
}

impl Known {
    /// Nothing but the cluster.
    pub(super) fn new(cluster_id: Option<String>, allowlist: Option<Allowlist>) -> Self {
        Self {
            cluster: Arc::new(ClusterFacts {
                id: cluster_id.unwrap_or_default(),
                // As the server does, where it is told that any registry will do.
                allowlist: allowlist.filter(|list| !list.is_empty()),
                restorers: Vec::new(),
            }),
            projects: HashMap::new(),
            tenants: HashMap::new(),
            namespaces: HashMap::new(),
            records: HashSet::new(),
        }
    }

    /// The cluster, for whoever knows more of it.
    pub(super) fn cluster(&mut self) -> &mut ClusterFacts {
        Arc::make_mut(&mut self.cluster)
    }

    /// Keeps a Project, a Tenant or a `DNSRecord`; passes over all else. What names no namespace is in `namespace`.
    pub(super) fn learn(&mut self, object: &Written, namespace: &str) -> Result<(), serde_json::Error> {
        match &*object.gvk.kind {
            "Project" => self.learn_project(&DynamicObject::deserialize(&object.value)?),
            "Tenant" => self.learn_tenant(&DynamicObject::deserialize(&object.value)?),
            "DNSRecord" => {
                let text = |pointer| object.value.pointer(pointer).and_then(Value::as_str);
                let namespace = text("/metadata/namespace").unwrap_or(namespace);
                self.learn_record(namespace, text("/metadata/name").unwrap_or_default());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn learn_project(&mut self, object: &DynamicObject) -> Result<(), serde_json::Error> {
        let project = facts::project(object)?;
        self.namespaces.insert(
            project.namespace.clone(),
            Arc::new(NamespaceFacts {
                tenant: Some(project.tenant.clone()),
                project: Some(project.name.clone()),
            }),
        );
        self.projects.insert(project.name.clone(), Arc::new(project));
        Ok(())
    }

    pub(super) fn learn_tenant(&mut self, object: &DynamicObject) -> Result<(), serde_json::Error> {
        let tenant = facts::tenant(object)?;
        self.tenants.insert(tenant.name.clone(), Arc::new(tenant));
        Ok(())
    }

    pub(super) fn learn_record(&mut self, namespace: &str, name: &str) {
        self.records.insert((namespace.to_owned(), name.to_owned()));
    }

    /// Whether it is the namespace of a Project.
    pub(super) fn is_project_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains_key(namespace)
    }

    /// Decides a request: runs the rules, brings the fact that they ask for, and runs them again.
    pub(super) fn decide(
        &self,
        request: &Request<'_>,
        rules: fn(&Facts, &Request<'_>) -> Verdict,
    ) -> Verdict {
        let mut facts = Facts::new(Arc::clone(&self.cluster));
        loop {
            let verdict = rules(&facts, request);
            let Verdict::Need(fact) = verdict else {
                return verdict;
            };
            self.bring(&fact, &mut facts);
        }
    }

    /// What was brought is not asked for again, so that every request is decided.
    fn bring(&self, fact: &Fact, facts: &mut Facts) {
        match fact {
            Fact::Namespace(name) => {
                // Every namespace that is named is there: `kubectl apply` needs it.
                let found = self.namespaces.get(name).map(Arc::clone);
                facts.namespace = admission::Known::Is(found.unwrap_or_default());
            }
            Fact::Project(name) => facts.project = known(self.projects.get(name)),
            Fact::Tenant(name) => facts.tenant = known(self.tenants.get(name)),
            Fact::DnsRecord { namespace, name } => {
                let is_there = self.records.contains(&(namespace.clone(), name.clone()));
                facts.dns_record = known(is_there.then(Arc::default).as_ref());
            }
            // Objects are judged as new ones, which have no revisions.
            Fact::Record { .. } => facts.record = admission::Known::Absent,
        }
    }
}

fn known<T>(fact: Option<&Arc<T>>) -> admission::Known<T> {
    fact.map_or(admission::Known::Absent, |fact| {
        admission::Known::Is(Arc::clone(fact))
    })
}
