//! Annotations of an object, as they stand in its text: the one that `kubectl apply` keeps is as long as the object.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Metadata, as far as annotations go.
#[derive(Default, Deserialize)]
pub(super) struct Annotated<'a> {
    #[serde(borrow, default)]
    pub annotations: Option<Annotations<'a>>,
}

/// Values by name.
#[derive(Deserialize)]
pub(super) struct Annotations<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

impl Annotations<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Annotated<'_> {
    /// A value.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.annotations.as_ref()?.0.get(name)?;
        serde_json::from_str(value.get()).ok()
    }
}
