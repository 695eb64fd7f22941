//! The definition of a kind of ours.

use super::{CallError, Cluster, Who, address};
use kubeop_shared::api::names;

/// Whether the definition of a kind of ours is being deleted: then all of its objects are, and nobody meant what runs.
/// `plural`: the kind's name in addresses, as in `apps`.
pub async fn kind_goes(cluster: &impl Cluster, plural: &str) -> Result<bool, CallError> {
    let name = format!("{plural}.{}", names::GROUP);
    let kind = "CustomResourceDefinition";
    let at = address("apiextensions.k8s.io", "v1", kind, None, &name);
    let definition = cluster.get(&Who::Controller, &at).await?;
    Ok(definition.is_none_or(|definition| definition.metadata.deletion_timestamp.is_some()))
}
