//! Our finalizer on Projects and Tenants, and whether their kind itself is going away.

use super::{Owner, Projects};
use crate::kube_io::{CallError, CallKind, Cluster, Who, address};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kubeop_shared::api::names;
use serde_json::json;

impl<C: Cluster> Projects<C> {
    /// Puts our finalizer on an object, if it is not there and the object is still as it was read.
    pub(super) async fn hold(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        if is_held(metadata) {
            return Ok(());
        }
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        finalizers.push(names::FINALIZER.to_owned());
        let fields =
            json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
        let object = self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await?;
        self.learn(owner, &object);
        Ok(())
    }

    /// Takes our finalizer off an object, if it is still as it was read.
    pub(super) async fn release(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        finalizers.retain(|name| name != names::FINALIZER);
        let fields =
            json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
        match self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await
        {
            Err(error) if error.kind != CallKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the definition of a kind of ours is being deleted: then all of its objects are, and nobody meant what
    /// runs.
    pub(super) async fn kind_goes(&self, plural: &str) -> Result<bool, CallError> {
        let name = format!("{plural}.{}", names::GROUP);
        let kind = "CustomResourceDefinition";
        let at = address("apiextensions.k8s.io", "v1", kind, None, &name);
        let definition = self.cluster.get(&Who::Controller, &at).await?;
        Ok(definition.is_none_or(|definition| definition.metadata.deletion_timestamp.is_some()))
    }
}

/// Whether our finalizer is on an object.
pub(super) fn is_held(metadata: &ObjectMeta) -> bool {
    metadata
        .finalizers
        .iter()
        .flatten()
        .any(|name| name == names::FINALIZER)
}
