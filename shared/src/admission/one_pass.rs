//! One pass over an object for all that rules read of it: Pods and Deployments are most of what is reviewed.

use super::request::Metadata;
use crate::manifests::{FieldPath, Found, Place, image_finder};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Reads the metadata of an object, and reports every image in it, in one pass.
pub(super) fn metadata_and_images<F: FnMut(&FieldPath<'_>, Found<'_>)>(
    object: &RawValue,
    place: Option<Place>,
    mut found: F,
) -> Result<Metadata<'_>, serde_json::Error> {
    let mut source = serde_json::Deserializer::from_str(object.get());
    let found = &mut found;
    OnePass { place, found }.deserialize(&mut source)
}

struct OnePass<'w, F> {
    place: Option<Place>,
    found: &'w mut F,
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> DeserializeSeed<'de> for OnePass<'_, F> {
    type Value = Metadata<'de>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> Visitor<'de> for OnePass<'_, F> {
    type Value = Metadata<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metadata = None;
        while let Some(field) = map.next_key_seed(Key(self.place))? {
            match field {
                Field::Metadata if metadata.is_some() => return Err(A::Error::duplicate_field("metadata")),
                Field::Metadata => metadata = Some(map.next_value()?),
                Field::Leads(name, place) => {
                    let path = FieldPath::Root("");
                    map.next_value_seed(image_finder(place, &path.field(name), self.found))?;
                }
                Field::Other => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(metadata.unwrap_or_default())
    }
}

/// A field of an object's first level.
enum Field {
    Metadata,
    Leads(&'static str, Place),
    Other,
}

struct Key(Option<Place>);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Field, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok(match self.0.and_then(|place| place.field(name)) {
            Some((name, place)) => Field::Leads(name, place),
            None if name == "metadata" => Field::Metadata,
            None => Field::Other,
        })
    }
}
