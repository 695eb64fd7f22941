//! Which Project and Tenant a request belongs to, found out once, before any rule.

use super::{Fact, Facts, NamespaceFacts, ProjectFacts, Request, TenantFacts};
use std::sync::Arc;

/// The Project and Tenant of a request, as far as they exist.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The Namespace, if it is there.
    pub namespace: Option<Arc<NamespaceFacts>>,
    /// Name of the Project: what an App says, else what the Namespace's label says.
    pub project_name: Option<String>,
    /// The Project.
    pub project: Option<Arc<ProjectFacts>>,
    /// Name of the Tenant.
    pub tenant_name: Option<String>,
    /// The Tenant.
    pub tenant: Option<Arc<TenantFacts>>,
}

impl Scope {
    /// Where the request belongs. `project_ref` is what an App names.
    pub(super) fn of(facts: &Facts, request: &Request<'_>, project_ref: Option<&str>) -> Result<Self, Fact> {
        let mut scope = Self::default();
        if !request.namespace.is_empty() {
            scope.namespace = facts.namespace(&request.namespace)?;
        }
        let labelled = scope.namespace.as_deref();
        scope.project_name = project_ref
            .map(str::to_owned)
            .or_else(|| labelled.and_then(|found| found.project.clone()));
        if let Some(name) = &scope.project_name {
            scope.project = facts.project(name)?;
        }
        scope.tenant_name = match &scope.project {
            Some(project) => Some(project.tenant.clone()),
            None => scope.namespace.as_deref().and_then(|found| found.tenant.clone()),
        };
        if let Some(name) = &scope.tenant_name {
            scope.tenant = facts.tenant(name)?;
        }
        Ok(scope)
    }

    /// Whom to ask, as the end of a sentence.
    pub(super) fn whom_to_ask(&self) -> &str {
        self.tenant
            .as_deref()
            .and_then(|tenant| tenant.contact.as_deref())
            .unwrap_or("your platform team")
    }
}
