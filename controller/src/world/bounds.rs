//! Where hosts may lie in a namespace.

use super::World;
use kubeop_shared::host::{HostSuffixes, Hosts};
use std::sync::Arc;

type Named = Option<(String, Arc<HostSuffixes>)>;

/// The lists that hold in a namespace.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    tenant: Named,
    project: Named,
}

impl Bounds {
    /// As the rule takes them.
    pub fn hosts(&self) -> Hosts<'_> {
        fn named(list: &Named) -> Option<(&str, &HostSuffixes)> {
            list.as_ref().map(|(name, list)| (name.as_str(), &**list))
        }
        Hosts {
            tenant: named(&self.tenant),
            project: named(&self.project),
        }
    }
}

impl World {
    /// The lists that hold in a namespace: none outside projects, where administrators decide for themselves.
    ///
    /// # Errors
    /// Whose lists are not known, as in `project web`: nobody can say what holds.
    pub fn bounds_of(&self, namespace: &str) -> Result<Bounds, String> {
        let Some(name) = self
            .namespaces
            .get(&namespace.to_owned())
            .and_then(|view| view.project)
        else {
            return Ok(Bounds::default());
        };
        let Some(project) = self.projects.get(&name) else {
            return Err(format!("project {name}"));
        };
        let Some(tenant) = self.tenants.get(&project.tenant) else {
            return Err(format!("tenant {}", project.tenant));
        };
        Ok(Bounds {
            tenant: tenant.hosts.map(|list| (project.tenant, list)),
            project: project.hosts.map(|list| (name, list)),
        })
    }
}
