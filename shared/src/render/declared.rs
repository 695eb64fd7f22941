//! From an App's spec to its revision: manifests read, canonical form, hash. The one way there: admission stamps
//! the hash of what delivery delivers.

use crate::api::AppSpec;
use crate::api::app::DeliveryKind;
use crate::manifests::{Object, duplicates, read_manifests};
use crate::revision::{RevisionHash, RevisionSpec};

/// What an App declares, before anything is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its revision, in canonical form.
    pub revision: RevisionSpec,
    /// Hash of that.
    pub hash: RevisionHash,
    /// The objects of `manifests[]`, in order; none for kind Image.
    pub manifests: Vec<Object>,
}

impl Declared {
    /// Reads what an App in the namespace `home` declares.
    ///
    /// # Errors
    /// Manifests of which nothing may be delivered: a sentence.
    pub fn read(spec: &AppSpec, home: &str) -> Result<Self, String> {
        let manifests = manifests(spec, home)?;
        let values = manifests.iter().map(|object| object.value.clone()).collect();
        let revision = RevisionSpec::new(spec, values);
        Ok(Self {
            hash: RevisionHash::of(&revision),
            revision,
            manifests,
        })
    }

    /// What a stored revision declares.
    #[must_use]
    pub fn stored(revision: RevisionSpec, hash: RevisionHash) -> Self {
        let given = revision.manifests().iter().enumerate();
        let manifests = given
            .filter_map(|(index, value)| Object::stored(index, value))
            .collect();
        Self {
            revision,
            hash,
            manifests,
        }
    }
}

/// The objects of `manifests[]`, for the kinds that have them.
fn manifests(spec: &AppSpec, home: &str) -> Result<Vec<Object>, String> {
    let delivery = &spec.delivery;
    let (field, given) = match delivery.kind {
        DeliveryKind::Image => return Ok(Vec::new()),
        DeliveryKind::Git => ("spec.delivery.git.manifests", &delivery.git),
        DeliveryKind::Helm => ("spec.delivery.helm.manifests", &delivery.helm),
        DeliveryKind::Raw => ("spec.delivery.raw.manifests", &delivery.raw),
    };
    let given = given.as_ref().ok_or_else(|| format!("{field} is missing"))?;
    let read = read_manifests(field, &given.manifests).map_err(|faulty| faulty.to_string())?;
    match duplicates(&read.objects, home).first() {
        Some((again, first)) => Err(format!(
            "{}: {} {} stands at {first}, too",
            again.path, again.gvk.kind, again.name
        )),
        None => Ok(read.objects),
    }
}
