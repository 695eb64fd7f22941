//! What is written of a Project or a Tenant into its status.

use super::running::Checked;
use super::{Credentials, Found, Owner, Projects};
use crate::kube_io::{CallError, CallKind, Cluster, Who};
use crate::queue::Next;
use crate::world::Packed;
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::{self, ConditionType};
use kubeop_shared::api::{Project, Standing};
use kubeop_shared::delivery::Stated;
use serde::Serialize;
use serde_json::json;

/// How often in a row something may fail that passes by itself before it is told.
const TOLD_AFTER: u32 = 3;

impl<C: Cluster> Projects<C> {
    /// After an error. What passes by itself is told only when it does not.
    pub(super) async fn failed(&self, owner: &Owner, project: &Project, error: &CallError) -> Next {
        tracing::warn!(%owner, %error, "an action failed");
        let wait = self.retry(owner);
        let passes = matches!(
            error.kind,
            CallKind::Stale | CallKind::AlreadyExists | CallKind::Unavailable
        );
        if passes && self.attempts(owner) < TOLD_AFTER {
            return Next::Within(wait);
        }
        let standing = Standing::waits(error.reason(), error.to_string());
        if let Err(error) = self.write(owner, project, &standing.into()).await {
            tracing::warn!(%owner, %error, "cannot write the status");
        }
        Next::Within(wait)
    }

    /// Says how a Project stands, and when it is looked at again. What is not ready is tried again, and what waits for
    /// its end is told of it.
    pub(super) async fn say(&self, owner: &Owner, project: &Project, found: &Found, next: Next) -> Next {
        if let Err(error) = self.write(owner, project, found).await {
            tracing::warn!(%owner, %error, "cannot write the status");
            return Next::Within(self.retry(owner));
        }
        let told = found.standing.is_ready() || project.metadata.deletion_timestamp.is_some();
        if told || matches!(next, Next::Within(_)) {
            self.succeeded(owner);
            return next;
        }
        Next::Within(self.retry(owner))
    }

    async fn write(&self, owner: &Owner, project: &Project, found: &Found) -> Result<(), CallError> {
        let before = project.status.clone().unwrap_or_default();
        let generation = project.metadata.generation.unwrap_or_default();
        let mut status = before.clone();
        status.observed_generation = Some(generation);
        status.conditions = found
            .standing
            .said(&before.conditions, generation, Timestamp::now());
        let mut say = |kind: ConditionType, stated: &Stated| {
            let Stated {
                state,
                reason,
                message,
            } = stated;
            let conditions = &mut status.conditions;
            let now = Timestamp::now();
            conditions::set(conditions, kind, *state, *reason, message, generation, now);
        };
        if let Some(Checked {
            compliant: Some(compliant),
            ..
        }) = &found.checked
        {
            say(ConditionType::Compliant, compliant);
        }
        if let Credentials::Stand(stand) = &found.credentials {
            say(ConditionType::CredentialsMirrored, stand);
        }
        if found.credentials == Credentials::None {
            conditions::remove(&mut status.conditions, ConditionType::CredentialsMirrored);
        }
        if let Some(checked) = &found.checked {
            status.checked_against.clone_from(&checked.against);
        }
        if status == before {
            return Ok(());
        }
        self.write_status(owner, &status).await
    }

    pub(super) async fn write_status(&self, owner: &Owner, status: &impl Serialize) -> Result<(), CallError> {
        let (at, fields) = (owner.at(), json!({"status": status}));
        match self
            .cluster
            .patch(&Who::Controller, &at, Some("status"), &fields)
            .await
        {
            Ok(object) => self.learn(owner, &object),
            Err(error) if error.kind != CallKind::NotFound => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// What we wrote is known at once: the next look must not go by what was before.
    pub(super) fn learn(&self, owner: &Owner, object: &DynamicObject) {
        let (cache, name) = match owner {
            Owner::Project(name) => (&self.world.project_objects, name),
            Owner::Tenant(name) => (&self.world.tenant_objects, name),
        };
        let version = object.metadata.resource_version.as_deref();
        cache.put(name.clone(), version, Packed::of_object(object));
    }
}
