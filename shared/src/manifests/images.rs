//! Every place where an image stands: one finder for the bytes of a request and for trees.
//!
//! The finder is a small automaton over places. It allocates nothing, steps over everything that leads to no
//! image, and says what it found with the path at which it stands.

use super::{FieldPath, custom, kinds};
use crate::api::names::GROUP;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What stands where an image belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'t> {
    /// A text, readable as a reference or not.
    Text(&'t str),
    /// A number, a truth value, a list or an object.
    NotText,
}

/// Something that has images in places known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An object with a pod spec in `spec`: a Pod, a pod template.
    PodObject,
    /// An object with a pod template in `spec.template`.
    Workload,
    /// An object with a pod template in `template`: a workload's spec, a `PodTemplate`.
    WithTemplate,
    /// A `CronJob`.
    CronJob,
    /// The spec of a `CronJob`.
    CronJobSpec,
    /// core/v1 PodSpec.
    PodSpec,
    /// A list of containers.
    Containers,
    /// core/v1 Container.
    Container,
    /// A list of volumes.
    Volumes,
    /// core/v1 Volume.
    Volume,
    /// core/v1 `ImageVolumeSource`.
    ImageVolume,
    /// An App.
    App,
    /// `spec` of an App.
    AppSpec,
    /// `spec.delivery` of an App.
    Delivery,
    /// `spec.delivery.image` of an App.
    ImageDelivery,
    /// `spec.hooks` of an App.
    Hooks,
    /// A list of hooks.
    HookList,
    /// One hook.
    Hook,
    /// The image itself.
    Image,
    /// A custom resource, or anything below one. What counts there is said in `custom.rs`.
    Custom,
}

impl Place {
    /// The root of a built-in kind that runs Pods, or of an App; none for all other kinds.
    pub fn of_kind(group: &str, kind: &str) -> Option<Self> {
        Some(match (group, kind) {
            ("", "Pod") => Self::PodObject,
            ("", "PodTemplate") => Self::WithTemplate,
            ("", "ReplicationController")
            | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job") => Self::Workload,
            ("batch", "CronJob") => Self::CronJob,
            (GROUP, "App") => Self::App,
            _ => return None,
        })
    }

    /// The root of a manifest: as [`Place::of_kind`], and every kind that is not Kubernetes' own may hold
    /// containers somewhere. None for kinds that run no Pods.
    pub fn of_manifest(group: &str, kind: &str) -> Option<Self> {
        let custom = !kinds::is_of_kubernetes(group) && group != GROUP;
        Self::of_kind(group, kind).or_else(|| custom.then_some(Self::Custom))
    }

    /// Where a field leads; none if no image stands below it.
    pub fn field(self, name: &str) -> Option<(&'static str, Self)> {
        Some(match (self, name) {
            (Self::PodObject, "spec") => ("spec", Self::PodSpec),
            (Self::Workload, "spec") => ("spec", Self::WithTemplate),
            (Self::WithTemplate, "template") => ("template", Self::PodObject),
            (Self::CronJob, "spec") => ("spec", Self::CronJobSpec),
            (Self::CronJobSpec, "jobTemplate") => ("jobTemplate", Self::Workload),
            (Self::PodSpec, "containers") => ("containers", Self::Containers),
            (Self::PodSpec, "initContainers") => ("initContainers", Self::Containers),
            (Self::PodSpec, "ephemeralContainers") => ("ephemeralContainers", Self::Containers),
            (Self::PodSpec | Self::ImageDelivery | Self::Hook, "volumes") => ("volumes", Self::Volumes),
            (Self::Container | Self::Hook, "image") => ("image", Self::Image),
            (Self::Volume, "image") => ("image", Self::ImageVolume),
            (Self::ImageVolume, "reference") => ("reference", Self::Image),
            (Self::App, "spec") => ("spec", Self::AppSpec),
            (Self::AppSpec, "delivery") => ("delivery", Self::Delivery),
            (Self::AppSpec, "hooks") => ("hooks", Self::Hooks),
            (Self::Delivery, "image") => ("image", Self::ImageDelivery),
            (Self::ImageDelivery, "ref") => ("ref", Self::Image),
            (Self::Hooks, "pre") => ("pre", Self::HookList),
            (Self::Hooks, "post") => ("post", Self::HookList),
            _ => return None,
        })
    }

    /// Where the elements of a list lead.
    fn element(self) -> Option<Self> {
        match self {
            Self::Containers => Some(Self::Container),
            Self::Volumes => Some(Self::Volume),
            Self::HookList => Some(Self::Hook),
            _ => None,
        }
    }
}

/// Finds every image below `path`, which is a `place`, and reports each with its path. Errors are those of
/// the deserializer: the text is no JSON, or nested too deeply.
pub fn find_images<'de, D, F>(
    place: Place,
    path: &FieldPath<'_>,
    source: D,
    mut found: F,
) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    F: FnMut(&FieldPath<'_>, Found<'_>),
{
    image_finder(place, path, &mut found).deserialize(source)
}

/// The same as a seed, for who reads other things in the same pass.
pub fn image_finder<'de, F: FnMut(&FieldPath<'_>, Found<'_>)>(
    place: Place,
    path: &FieldPath<'_>,
    found: &mut F,
) -> impl DeserializeSeed<'de, Value = ()> {
    At { place, path, found }
}

struct At<'w, 'p, F> {
    place: Place,
    path: &'p FieldPath<'p>,
    found: &'w mut F,
}

impl<F: FnMut(&FieldPath<'_>, Found<'_>)> At<'_, '_, F> {
    fn not_text(self) {
        if self.place == Place::Image {
            (self.found)(self.path, Found::NotText);
        }
    }
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> DeserializeSeed<'de> for At<'_, '_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> Visitor<'de> for At<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.place == Place::Custom {
            return custom::walk(map, self.path, self.found);
        }
        while let Some(step) = map.next_key_seed(Key(self.place))? {
            match step {
                Some((name, place)) => map.next_value_seed(At {
                    place,
                    path: &self.path.field(name),
                    found: &mut *self.found,
                })?,
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        self.not_text();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some(place) = self.place.element() else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            self.not_text();
            return Ok(());
        };
        let mut index = 0;
        while seq
            .next_element_seed(At {
                place,
                path: &self.path.index(index),
                found: &mut *self.found,
            })?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.place == Place::Image {
            (self.found)(self.path, Found::Text(text));
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.not_text();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.not_text();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.not_text();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.not_text();
        Ok(())
    }

    // Null is absent, as the API server has it.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

struct Key(Place);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<(&'static str, Place)>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<(&'static str, Place)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(name))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Every image as `path=what stands there`, the same from a tree and from bytes.
    pub fn images(group: &str, kind: &str, object: &Value) -> Vec<String> {
        let place = Place::of_manifest(group, kind).unwrap();
        let mut of_tree = Vec::new();
        find_images(place, &FieldPath::Root(""), object, |path, found| {
            of_tree.push(format!("{path}={found:?}"));
        })
        .unwrap();
        let text = object.to_string();
        let mut of_bytes = Vec::new();
        let mut source = serde_json::Deserializer::from_str(&text);
        find_images(place, &FieldPath::Root(""), &mut source, |path, found| {
            of_bytes.push(format!("{path}={found:?}"));
        })
        .unwrap();
        assert_eq!(of_tree, of_bytes, "bytes and trees agree");
        of_tree
    }

    fn pod_spec() -> Value {
        json!({
            "containers": [{"name": "a", "image": "a"}],
            "initContainers": [{"image": "b", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"image": "c"}],
            "volumes": [{"name": "image", "emptyDir": {}}, {"name": "m", "image": {"reference": "d"}}],
        })
    }

    const BELOW: [&str; 4] = [
        "containers[0].image=Text(\"a\")",
        "ephemeralContainers[0].image=Text(\"c\")",
        "initContainers[0].image=Text(\"b\")",
        "volumes[1].image.reference=Text(\"d\")",
    ];

    #[test]
    fn s08_s09_every_built_in_kind_and_every_place_in_it() {
        for (group, kind, prefix) in [
            ("", "Pod", "spec"),
            ("apps", "Deployment", "spec.template.spec"),
            ("apps", "StatefulSet", "spec.template.spec"),
            ("apps", "DaemonSet", "spec.template.spec"),
            ("apps", "ReplicaSet", "spec.template.spec"),
            ("", "ReplicationController", "spec.template.spec"),
            ("batch", "Job", "spec.template.spec"),
            ("batch", "CronJob", "spec.jobTemplate.spec.template.spec"),
            ("", "PodTemplate", "template.spec"),
        ] {
            let object = prefix
                .rsplit('.')
                .fold(pod_spec(), |inner, name| json!({ name: inner }));
            let wanted: Vec<String> = BELOW.iter().map(|path| format!("{prefix}.{path}")).collect();
            assert_eq!(images(group, kind, &object), wanted, "{kind}");
        }
    }

    #[test]
    fn an_app_has_images_in_delivery_hooks_and_volumes() {
        let app = json!({"spec": {
            "delivery": {"image": {"ref": "a", "volumes": [{"image": {"reference": "b"}}]}},
            "hooks": {"pre": [{"image": "c"}], "post": [{"image": "d", "volumes": [{"image": {"reference": "e"}}]}]},
        }});
        assert_eq!(images("platform.kubeop.io", "App", &app).len(), 5);
    }

    #[test]
    fn what_is_no_text_is_reported_and_null_is_absent() {
        for value in [json!(1), json!(true), json!(1.5), json!([]), json!({})] {
            let pod = json!({"spec": {"containers": [{"image": value}]}});
            assert_eq!(images("", "Pod", &pod), ["spec.containers[0].image=NotText"]);
        }
        assert!(
            images(
                "",
                "Pod",
                &json!({"spec": {"containers": [{"image": null}, null], "volumes": null}})
            )
            .is_empty()
        );
        assert!(images("", "Pod", &json!({"spec": [1], "x": {"image": "y"}})).is_empty());
    }
}
