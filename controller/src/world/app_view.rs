//! What is counted of an App, beside the App as it is kept: read when news of it come, so that who counts need not
//! unpack it.

use super::{Packed, Words};
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::ConditionType;
use kubeop_shared::image::ImageReference;
use kubeop_shared::render::images_of_app;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// State of an App of which nothing is said yet.
pub const PENDING: &str = "Pending";

/// What is counted of an App.
#[derive(Clone, Debug)]
pub struct AppView {
    /// How it is delivered: `Image`, `Git`, `Helm` or `Raw`.
    pub kind: Arc<str>,
    /// The Project that it names.
    pub project: Arc<str>,
    /// Reason of its condition `Ready`, as `kubectl get apps` shows it; [`PENDING`] where there is none.
    pub state: Arc<str>,
    /// Repositories of the images that its spec names, each once: `ghcr.io/acme/payments`.
    pub repositories: Arc<[Arc<str>]>,
    /// Tells one spec from another.
    spec: u64,
}

/// An App as it is kept.
#[derive(Clone, Debug)]
pub struct KeptApp {
    packed: Packed,
    /// What is counted of it.
    pub view: AppView,
}

/// What is counted follows from what is kept.
impl PartialEq for KeptApp {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed
    }
}

impl KeptApp {
    /// Keeps an App. `before` is how it was kept until now: images are read again only where the spec is another.
    pub fn of(object: &DynamicObject, before: Option<&Self>, words: &Words) -> Self {
        Self {
            packed: Packed::of_object(object),
            view: AppView::of(object, before.map(|before| &before.view), words),
        }
    }

    /// The App. None: it is asked for as another type.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        self.packed.read()
    }
}

impl AppView {
    fn of(object: &DynamicObject, before: Option<&Self>, words: &Words) -> Self {
        let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str);
        let spec = identity(object);
        let known = before.filter(|before| before.spec == spec);
        let repositories = match known {
            Some(known) => known.repositories.clone(),
            None => repositories(object.data.get("spec").unwrap_or(&Value::Null))
                .iter()
                .map(|repository| words.keep(repository))
                .collect(),
        };
        Self {
            kind: words.keep(text("/spec/delivery/kind").unwrap_or_default()),
            project: words.keep(text("/spec/projectRef").unwrap_or_default()),
            state: words.keep(state(&object.data)),
            repositories,
            spec,
        }
    }
}

/// Digest of what identifies a spec, good for as long as the program runs.
fn identity(object: &DynamicObject) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&object.metadata.uid, object.metadata.generation).hash(&mut hasher);
    hasher.finish()
}

fn state(data: &Value) -> &str {
    let conditions = data.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| {
        condition.get("type").and_then(Value::as_str) == Some(ConditionType::Ready.as_str())
    });
    ready
        .and_then(|ready| ready.get("reason")?.as_str())
        .unwrap_or(PENDING)
}

/// Repositories of the images that a spec names. What is no reference has none.
fn repositories(spec: &Value) -> BTreeSet<String> {
    let images = images_of_app(spec);
    let references = images
        .iter()
        .filter_map(|image| ImageReference::parse(image).ok());
    references.map(|reference| reference.repository()).collect()
}

#[cfg(test)]
mod tests {
    use super::{KeptApp, PENDING};
    use crate::world::Words;
    use kube::api::DynamicObject;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn app(generation: i64, spec: &Value, conditions: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
            "metadata": {"name": "pay", "namespace": "kubeop-web", "uid": "1", "generation": generation},
            "spec": spec, "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    fn said(kept: &KeptApp) -> (&str, &str, &str, Vec<&str>) {
        let view = &kept.view;
        let repositories = view.repositories.iter().map(|repository| &**repository);
        (&view.kind, &view.project, &view.state, repositories.collect())
    }

    #[test]
    fn what_is_counted_is_read_from_spec_and_condition() {
        let words = Words::default();
        let image = json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": "GHCR.io/acme/pay:1"}},
            "hooks": {"pre": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "ghcr.io/acme/pay:2"}]}});
        let kept = KeptApp::of(&app(1, &image, &json!([])), None, &words);
        assert_eq!(
            said(&kept),
            (
                "Image",
                "web",
                PENDING,
                vec!["docker.io/library/nginx", "ghcr.io/acme/pay"]
            )
        );
        let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: m, image: quay.io/x}]}";
        let raw =
            json!({"projectRef": "web", "delivery": {"kind": "Raw", "raw": {"manifests": [manifest, "{"]}}});
        let ready = json!([{"type": "Applied", "reason": "X"}, {"type": "Ready", "reason": "Pinned"}]);
        let kept = KeptApp::of(&app(1, &raw, &ready), None, &words);
        assert_eq!(said(&kept), ("Raw", "web", "Pinned", vec!["quay.io/x"]));
    }

    #[test]
    fn images_are_read_again_where_the_spec_is_another() {
        let words = Words::default();
        let spec = |image: &str| json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": image}}});
        let first = KeptApp::of(&app(1, &spec("a.example/x"), &json!([])), None, &words);
        let ready = json!([{"type": "Ready", "reason": "Succeeded"}]);
        let second = KeptApp::of(&app(1, &spec("a.example/x"), &ready), Some(&first), &words);
        assert!(Arc::ptr_eq(&first.view.repositories, &second.view.repositories));
        assert_eq!(&*second.view.state, "Succeeded");
        let third = KeptApp::of(&app(2, &spec("b.example/x"), &ready), Some(&second), &words);
        assert_eq!(said(&third).3, ["b.example/x"]);
    }
}
