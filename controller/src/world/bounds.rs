//! Where hosts may lie in a namespace.

use super::World;
use kubeop_shared::host::{HostSuffixes, Hosts};
use std::sync::Arc;

type List = Option<Arc<HostSuffixes>>;

/// The lists that hold in a namespace.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Whose they are; none outside projects, where administrators decide for themselves.
    pub of: Option<Owners>,
    tenant: List,
    project: List,
}

/// Whose the lists of a namespace are.
#[derive(Clone, Debug)]
pub struct Owners {
    /// The Project.
    pub project: String,
    /// Its Tenant.
    pub tenant: String,
    /// Whom to ask.
    pub contact: Option<String>,
}

impl Bounds {
    /// As the rule takes them.
    pub fn hosts(&self) -> Hosts<'_> {
        let Some(of) = &self.of else {
            return Hosts::default();
        };
        Hosts {
            tenant: named(&of.tenant, &self.tenant),
            project: named(&of.project, &self.project),
        }
    }
}

fn named<'l>(name: &'l str, list: &'l List) -> Option<(&'l str, &'l HostSuffixes)> {
    Some((name, list.as_deref()?))
}

impl World {
    /// The lists that hold in a namespace.
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
            of: Some(Owners {
                project: name,
                tenant: project.tenant,
                contact: tenant.contact,
            }),
            tenant: tenant.hosts,
            project: project.hosts,
        })
    }
}
