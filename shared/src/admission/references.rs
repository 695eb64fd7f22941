//! Rule 5, first part: what an App or a Project names exists.

use super::scope::Scope;
use super::{Code, Fact, Facts, Violation};

/// The Project of an App.
pub(super) fn project(scope: &Scope, project_ref: &str, violations: &mut Vec<Violation>) {
    if scope.project.is_none() {
        violations.push(Violation {
            code: Code::ProjectNotFound,
            path: "spec.projectRef".to_owned(),
            value: project_ref.to_owned(),
            why: "is no Project of this cluster".to_owned(),
            remedy: "kubectl get projects.platform.kubeop.io lists them.".to_owned(),
        });
    }
}

/// The Tenant of a Project.
pub(super) fn tenant(facts: &Facts, tenant_ref: &str, violations: &mut Vec<Violation>) -> Result<(), Fact> {
    if facts.tenant(tenant_ref)?.is_none() {
        violations.push(Violation {
            code: Code::TenantNotFound,
            path: "spec.tenantRef".to_owned(),
            value: tenant_ref.to_owned(),
            why: "is no Tenant of this cluster".to_owned(),
            remedy: "kubectl get tenants.platform.kubeop.io lists them.".to_owned(),
        });
    }
    Ok(())
}
