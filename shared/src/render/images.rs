//! The images of a revision, for its history and for whoever asks later whether they are still allowed.

use crate::image::is_placeholder;
use crate::manifests::{FieldPath, Found, Object, Place, find_images, read_manifests};
use crate::revision::RevisionSpec;
use serde_json::Value;

/// Every image of the objects and hooks of a revision, each once, in the order in which they stand. Left out is what
/// cannot be one: a text with a blank, and in custom resources one that is filled in by another program.
#[must_use]
pub fn images<'o>(spec: &RevisionSpec, objects: impl IntoIterator<Item = &'o Object>) -> Vec<String> {
    let mut images = Vec::new();
    collect_of_objects(objects, &mut images);
    for hook in spec.pre_hooks().iter().chain(spec.post_hooks()) {
        add(Place::Hook, &hook.image, &mut images);
        if let Some(volumes) = &hook.volumes {
            collect(Place::Volumes, &Value::Array(volumes.clone()), &mut images);
        }
    }
    images
}

/// Every image that `spec` of an App names, each once, without rendering it. What cannot be read names none.
#[must_use]
pub fn images_of_app(spec: &Value) -> Vec<String> {
    let mut images = Vec::new();
    collect(Place::AppSpec, spec, &mut images);
    for field in ["git", "helm", "raw"] {
        let list = spec.pointer(&format!("/delivery/{field}/manifests"));
        let Some(list) = list.and_then(Value::as_array) else {
            continue;
        };
        let read = read_manifests(field, list).unwrap_or_else(|faulty| faulty.rest);
        collect_of_objects(&read.objects, &mut images);
    }
    images
}

fn collect_of_objects<'o>(objects: impl IntoIterator<Item = &'o Object>, images: &mut Vec<String>) {
    for Object { gvk, value, .. } in objects {
        if let Some(place) = Place::of_manifest(&gvk.group, &gvk.kind) {
            collect(place, value, images);
        }
    }
}

fn collect(place: Place, value: &Value, images: &mut Vec<String>) {
    // A tree cannot fail to be walked.
    let _ = find_images(place, &FieldPath::Root(""), value, |_, found| {
        if let Found::Text(text) = found {
            add(place, text, images);
        }
    });
}

fn add(place: Place, image: &str, images: &mut Vec<String>) {
    let pending = place == Place::Custom && is_placeholder(image);
    let known = images.iter().any(|known| known == image);
    if !known && !pending && !image.contains(char::is_whitespace) {
        images.push(image.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::{images, images_of_app};
    use crate::api::AppSpec;
    use crate::manifests::read_manifests;
    use crate::revision::RevisionSpec;
    use serde_json::json;

    #[test]
    fn images_of_manifests_hooks_and_volumes_are_named_once() {
        let spec: AppSpec = serde_json::from_value(json!({
            "projectRef": "web",
            "delivery": {"kind": "Raw", "raw": {"manifests": []}},
            "hooks": {"pre": [{"name": "m", "image": "ghcr.io/acme/b", "volumes": [{"name": "v", "image": {"reference": "c"}}]}]},
        }))
        .unwrap();
        let pod = json!({"containers": [{"image": "a"}, {"image": "ghcr.io/acme/b"}, {"image": "no image"}]});
        let given = [
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
                "spec": {"template": {"spec": pod}}}),
            json!({"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t"},
                "spec": {"steps": [{"image": "$(params.X)"}, {"image": "d"}]}}),
        ];
        let objects = read_manifests("m", &given).unwrap().objects;
        let revision = RevisionSpec::new(&spec, Vec::new());
        assert_eq!(images(&revision, &objects), ["a", "ghcr.io/acme/b", "d", "c"]);
    }

    #[test]
    fn images_of_an_app_are_read_from_what_can_be_read() {
        let spec = |delivery: serde_json::Value| json!({"delivery": delivery, "hooks": {"post": [{"name": "h", "image": "b"}]}});
        let image =
            json!({"kind": "Image", "image": {"ref": "a", "volumes": [{"image": {"reference": "c"}}]}});
        assert_eq!(images_of_app(&spec(image)), ["a", "c", "b"]);
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: m, image: d}]}\n";
        let raw = json!({"kind": "Raw", "raw": {"manifests": [pod, "no object", pod]}});
        assert_eq!(images_of_app(&spec(raw)), ["b", "d"]);
        assert!(images_of_app(&json!({"delivery": {"raw": {"manifests": 1}}})).is_empty());
    }
}
