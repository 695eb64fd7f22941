//! The images of a revision, for its history and for whoever asks later whether they are still allowed.

use crate::image::is_placeholder;
use crate::manifests::{FieldPath, Found, Object, Place, find_images};
use crate::revision::RevisionSpec;
use serde_json::Value;

/// Every image of the objects and hooks of a revision, each once, in the order in which they stand. Left out is what
/// cannot be one: a text with a blank, and in custom resources one that is filled in by another program.
#[must_use]
pub fn images<'o>(spec: &RevisionSpec, objects: impl IntoIterator<Item = &'o Object>) -> Vec<String> {
    let mut images = Vec::new();
    for Object { gvk, value, .. } in objects {
        if let Some(place) = Place::of_manifest(&gvk.group, &gvk.kind) {
            collect(place, value, &mut images);
        }
    }
    for hook in spec.pre_hooks().iter().chain(spec.post_hooks()) {
        add(Place::Hook, &hook.image, &mut images);
        if let Some(volumes) = &hook.volumes {
            collect(Place::Volumes, &Value::Array(volumes.clone()), &mut images);
        }
    }
    images
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
    use super::images;
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
}
