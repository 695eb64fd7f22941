//! What rules read of an App.

use crate::api::app::{AppSpec, ManifestDelivery};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The spec of an App; other fields are the API server's.
#[derive(Deserialize)]
struct WithSpec {
    spec: AppSpec,
}

/// Reads the spec of an App. The schema has been checked before admission, so an error is a bug or a caller
/// that is no API server.
pub(super) fn spec(object: &RawValue) -> Result<AppSpec, serde_json::Error> {
    serde_json::from_str::<WithSpec>(object.get()).map(|app| app.spec)
}

/// Whether both say the same delivery and hooks: then this is no new revision. `replicas` is not part of it.
pub(super) fn same_revision(old: &AppSpec, new: &AppSpec) -> bool {
    let without_replicas = |spec: &AppSpec| {
        let mut delivery = spec.delivery.clone();
        if let Some(image) = &mut delivery.image {
            image.replicas = None;
        }
        delivery
    };
    old.hooks == new.hooks
        && old.project_ref == new.project_ref
        && old.namespace == new.namespace
        && without_replicas(old) == without_replicas(new)
}

/// The lists of manifests, each with the path of its field.
pub(super) fn manifests(spec: &AppSpec) -> impl Iterator<Item = (&'static str, &ManifestDelivery)> {
    let delivery = &spec.delivery;
    [
        ("spec.delivery.git.manifests", &delivery.git),
        ("spec.delivery.helm.manifests", &delivery.helm),
        ("spec.delivery.raw.manifests", &delivery.raw),
    ]
    .into_iter()
    .filter_map(|(path, list)| list.as_ref().map(|list| (path, list)))
}
