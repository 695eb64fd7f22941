//! The loop of Tenants: our finalizer, and the wait for the last Project.

use super::ending::awaits;
use super::finalizer::is_held;
use super::{Next, Owner, Projects};
use crate::kube_io::{CallError, Cluster, Who, api_resource, kind_goes};
use jiff::Timestamp;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::{Standing, Tenant, names};
use serde_json::Value;

impl<C: Cluster> Projects<C> {
    /// Looks after a Tenant.
    pub(super) async fn look_after_tenant(&self, name: String) -> Next {
        let owner = Owner::Tenant(name.clone());
        let Some(known) = self.world.tenant_objects.get(&name) else {
            self.forget(&owner);
            return Next::News;
        };
        let Some(tenant) = known.read::<Tenant>() else {
            tracing::warn!(tenant = name, "the Tenant cannot be read");
            return Next::News;
        };
        let standing = match self.stand(&name, &tenant).await {
            Ok(Some(standing)) => standing,
            Ok(None) => {
                self.forget(&owner);
                let version = tenant.metadata.resource_version.as_deref();
                self.world.tenant_objects.gone(name, version);
                return Next::News;
            }
            Err(error) => {
                tracing::warn!(%owner, %error, "an action failed");
                return Next::Within(self.retry(&owner));
            }
        };
        let mut status = tenant.status.clone().unwrap_or_default();
        let generation = tenant.metadata.generation.unwrap_or_default();
        status.conditions = standing.said(&status.conditions, generation, Timestamp::now());
        status.observed_generation = Some(generation);
        if tenant.status.as_ref() != Some(&status)
            && let Err(error) = self.write_status(&owner, &status).await
        {
            tracing::warn!(%owner, %error, "cannot write the status");
            return Next::Within(self.retry(&owner));
        }
        self.succeeded(&owner);
        Next::News
    }

    /// How it stands; none: it is gone.
    async fn stand(&self, name: &str, tenant: &Tenant) -> Result<Option<Standing>, CallError> {
        let owner = Owner::Tenant(name.to_owned());
        let metadata = &tenant.metadata;
        if metadata.deletion_timestamp.is_none() {
            self.hold(&owner, metadata).await?;
            let message = "its registries and hosts hold in all of its projects";
            return Ok(Some(Standing::ready(message)));
        }
        if !is_held(metadata) {
            return Ok(None);
        }
        if !kind_goes(&self.cluster, "tenants").await? {
            let mut projects = self
                .world
                .projects
                .filter(|project, view| (view.tenant == name).then(|| project.clone()));
            if projects.is_empty() {
                projects = self.read_projects(name).await?;
            }
            if !projects.is_empty() {
                let message = awaits("Project", &projects, &format!("projects.{}", names::GROUP));
                return Ok(Some(Standing::waits(Reason::StillInUse, message)));
            }
        }
        self.release(&owner, metadata).await?;
        Ok(None)
    }

    /// Names of its Projects, from the API server: one may have been made that no watch has told of yet.
    async fn read_projects(&self, tenant: &str) -> Result<Vec<String>, CallError> {
        let resource = api_resource(names::GROUP, names::VERSION, "Project");
        let (mut projects, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .cluster
                .page(&Who::Controller, &resource, None, after.as_deref());
            let (page, next) = page.await?;
            let of_tenant = page.into_iter().filter(|project| {
                project.data.pointer("/spec/tenantRef").and_then(Value::as_str) == Some(tenant)
            });
            projects.extend(of_tenant.filter_map(|project| project.metadata.name));
            if next.is_none() {
                return Ok(projects);
            }
            after = next;
        }
    }
}
