//! All objects of a revision as they are delivered: those that are rendered, and those that were given, in the App's
//! namespace and with its labels. The one way there: what admission plans is what delivery does.

use super::{Declared, Ownership, Target, images, render};
use crate::manifests::Object;
use crate::revision::{ObjectKey, RevisionSpec};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The objects of a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Composed {
    /// What it says.
    pub revision: RevisionSpec,
    /// The objects, in the order in which they stand.
    pub objects: Vec<(ObjectKey, Value)>,
    /// All images.
    pub images: Vec<String>,
}

impl Composed {
    /// Renders and labels what an App declares.
    ///
    /// # Errors
    /// A sentence, where an object is of another namespace or has no metadata: admission refuses both.
    pub fn new(declared: Declared, target: &Target<'_>) -> Result<Self, String> {
        let Declared {
            revision, manifests, ..
        } = declared;
        let rendered = render(&revision, target);
        let images = images(&revision, rendered.iter().chain(&manifests));
        let mut objects: Vec<_> = rendered
            .into_iter()
            .map(|object| (ObjectKey::of(&object), object.value))
            .collect();
        for object in manifests {
            objects.push((ObjectKey::of(&object), owned(object, target.ownership)?));
        }
        Ok(Self {
            revision,
            objects,
            images,
        })
    }
}

impl ObjectKey {
    /// What identifies an object of an App.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self {
            group: object.gvk.group.clone(),
            version: object.gvk.version.clone(),
            kind: object.gvk.kind.clone(),
            name: object.name.clone(),
        }
    }
}

/// An object of a manifest with namespace and ownership labels, in its pod template too.
fn owned(object: Object, ownership: &Ownership) -> Result<Value, String> {
    let Object {
        path,
        namespace,
        mut value,
        ..
    } = object;
    if let Some(other) = namespace.filter(|namespace| *namespace != ownership.namespace) {
        return Err(format!("{path}: namespace {other:?} is not the App's"));
    }
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
    let metadata = metadata.ok_or_else(|| format!("{path}: metadata is missing"))?;
    metadata.insert("namespace".to_owned(), json!(ownership.namespace));
    label(metadata, &ownership.labels());
    for template in ["/spec/template", "/spec/jobTemplate/spec/template"] {
        if let Some(Value::Object(template)) = value.pointer_mut(template)
            && template.contains_key("spec")
            && let Some(metadata) = template.entry("metadata").or_insert(json!({})).as_object_mut()
        {
            label(metadata, &ownership.template_labels());
        }
    }
    Ok(value)
}

fn label(metadata: &mut Map<String, Value>, labels: &BTreeMap<&'static str, &str>) {
    if let Some(map) = metadata.entry("labels").or_insert(json!({})).as_object_mut() {
        map.extend(
            labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value))),
        );
    }
}
