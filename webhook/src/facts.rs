//! From Tenants and Projects, wherever they were read, to what rules know of them.

use kube::ResourceExt;
use kube::api::DynamicObject;
use kubeop_shared::admission::{ProjectFacts, TenantFacts};
use kubeop_shared::api::{ProjectSpec, TenantSpec};
use kubeop_shared::host::HostSuffixes;
use kubeop_shared::image::Allowlist;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What rules know of a Project.
pub(crate) fn project(object: &DynamicObject) -> Result<ProjectFacts, serde_json::Error> {
    let spec: ProjectSpec = spec(object)?;
    Ok(ProjectFacts {
        name: object.name_any(),
        namespace: spec.namespace_or_default(&object.name_any()),
        allowlist: Allowlist::narrowing(&spec.image_allowlist),
        hosts: HostSuffixes::narrowing(&spec.hosts),
        enforcement: spec.enforcement.unwrap_or_default(),
        deleting: object.metadata.deletion_timestamp.is_some(),
        tenant: spec.tenant_ref,
    })
}

/// What rules know of a Tenant.
pub(crate) fn tenant(object: &DynamicObject) -> Result<TenantFacts, serde_json::Error> {
    let spec: TenantSpec = spec(object)?;
    Ok(TenantFacts {
        name: object.name_any(),
        allowlist: Allowlist::narrowing(&spec.image_allowlist),
        hosts: HostSuffixes::narrowing(&spec.hosts),
        contact: spec.contact,
        deleting: object.metadata.deletion_timestamp.is_some(),
    })
}

fn spec<S: DeserializeOwned>(object: &DynamicObject) -> Result<S, serde_json::Error> {
    S::deserialize(object.data.get("spec").unwrap_or(&Value::Null))
}
