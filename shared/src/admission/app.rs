//! What rules read of an App.

use super::request::Metadata;
use crate::api::app::{AppSpec, Hooks, ManifestDelivery};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An App, as far as it is read where nothing is wrong. The schema has been checked before admission.
#[derive(Deserialize)]
pub(super) struct App<'a> {
    #[serde(borrow, default)]
    pub metadata: Metadata<'a>,
    pub spec: Spec,
}

/// An App, as far as it says where it belongs.
#[derive(Deserialize)]
pub(super) struct Placed<'a> {
    #[serde(borrow, default)]
    pub metadata: Metadata<'a>,
    pub spec: Place,
}

/// Where an App belongs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub project_ref: String,
    #[serde(default)]
    pub namespace: Option<String>,
}

/// What decides where an App belongs, and what it delivers but for what only runs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub project_ref: String,
    #[serde(default)]
    pub namespace: Option<String>,
    delivery: Lists,
    #[serde(default)]
    pub hooks: Option<Hooks>,
}

#[derive(Deserialize)]
struct Lists {
    #[serde(default)]
    image: Option<Routed>,
    #[serde(default)]
    git: Option<ManifestDelivery>,
    #[serde(default)]
    helm: Option<ManifestDelivery>,
    #[serde(default)]
    raw: Option<ManifestDelivery>,
}

#[derive(Deserialize)]
struct Routed {
    #[serde(default)]
    ingress: Option<Ingress>,
}

#[derive(Deserialize)]
struct Ingress {
    host: String,
}

/// Reads an App. An error is a bug, or a caller that is no API server.
pub(super) fn read(object: &RawValue) -> Result<App<'_>, serde_json::Error> {
    serde_json::from_str(object.get())
}

/// Reads where an App belongs, and passes over what it delivers.
pub(super) fn read_place(object: &RawValue) -> Result<Placed<'_>, serde_json::Error> {
    serde_json::from_str(object.get())
}

#[derive(Deserialize)]
struct WithSpec {
    spec: AppSpec,
}

/// Whether the new App says the same delivery and hooks as the old one: then this is no new revision.
/// `replicas` is not part of it. What cannot be read is not the same.
pub(super) fn same_revision(old: &RawValue, new: &RawValue) -> bool {
    let spec = |object: &RawValue| serde_json::from_str::<WithSpec>(object.get()).map(|app| app.spec);
    let (Ok(old), Ok(new)) = (spec(old), spec(new)) else {
        return false;
    };
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
        && without_replicas(&old) == without_replicas(&new)
}

/// The host of the route that an App makes.
pub(super) fn ingress_host(spec: &Spec) -> Option<&str> {
    let ingress = spec.delivery.image.as_ref()?.ingress.as_ref()?;
    Some(&ingress.host)
}

/// The lists of manifests, each with the path of its field.
pub(super) fn manifests(spec: &Spec) -> impl Iterator<Item = (&'static str, &ManifestDelivery)> {
    let delivery = &spec.delivery;
    [
        ("spec.delivery.git.manifests", &delivery.git),
        ("spec.delivery.helm.manifests", &delivery.helm),
        ("spec.delivery.raw.manifests", &delivery.raw),
    ]
    .into_iter()
    .filter_map(|(path, list)| list.as_ref().map(|list| (path, list)))
}
