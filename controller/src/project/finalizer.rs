//! Our finalizer on Projects and Tenants.

use super::{Owner, Projects};
use crate::kube_io::{CallError, CallKind, Cluster, Who, finalizer};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

impl<C: Cluster> Projects<C> {
    /// Puts our finalizer on an object, if it is not there and the object is still as it was read.
    pub(super) async fn hold(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        if is_held(metadata) {
            return Ok(());
        }
        let fields = finalizer::held(metadata.resource_version.as_deref(), all(metadata));
        let object = self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await?;
        self.learn(owner, &object);
        Ok(())
    }

    /// Takes our finalizer off an object, if it is still as it was read.
    pub(super) async fn release(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        let fields = finalizer::let_go(metadata.resource_version.as_deref(), all(metadata));
        match self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await
        {
            Err(error) if error.kind != CallKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether our finalizer is on an object.
pub(super) fn is_held(metadata: &ObjectMeta) -> bool {
    finalizer::is_held(all(metadata))
}

fn all(metadata: &ObjectMeta) -> &[String] {
    metadata.finalizers.as_deref().unwrap_or_default()
}
