//! Images in custom resources, whose schema nobody here knows: what has the shape of core/v1 is taken for it,
//! at any depth, and nothing else.
//!
//! An object with an `image` that is a text is taken for a container where
//! - containers stand, in every kind that has some: it is an element of a list `containers`, `initContainers`,
//!   `ephemeralContainers`, `sidecars` or `steps`, or stands in a field `container`, `script` or `stepTemplate`; or
//! - it says what to run: it has a `command` that is a list.
//!
//! So pod specs and pod templates are found wherever they stand, and the steps of pipelines. The `reference` of an
//! `image` in a list `volumes` is an image, too.
//!
//! A field that is an image by its name only (`spec.image`, `dockerImage`, `spec.build.output.image`) is not looked
//! at: what its controller makes of it is judged when it makes a Pod. Neither is an empty text, which is left to
//! that controller.

use super::FieldPath;
use super::images::Found;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reports every image below a custom resource.
pub(super) fn walk<'de, A, F>(map: A, path: &FieldPath<'_>, found: &mut F) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    F: FnMut(&FieldPath<'_>, Found<'_>),
{
    let standing = Standing::Anywhere;
    Below {
        standing,
        path,
        found,
    }
    .visit_map(map)
    .map(drop)
}

/// What a value may be, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Anywhere,
    Containers,
    Container,
    Volumes,
    Volume,
    ImageVolume,
    /// The image of a container, or the reference of a volume.
    Image,
}

impl Standing {
    fn field(self, name: &str) -> Self {
        match (self, name) {
            (_, "containers" | "initContainers" | "ephemeralContainers" | "sidecars" | "steps") => {
                Self::Containers
            }
            (_, "container" | "script" | "stepTemplate") => Self::Container,
            (_, "volumes") => Self::Volumes,
            (Self::Volume, "image") => Self::ImageVolume,
            (_, "image") | (Self::ImageVolume, "reference") => Self::Image,
            _ => Self::Anywhere,
        }
    }

    fn element(self) -> Self {
        match self {
            Self::Containers => Self::Container,
            Self::Volumes => Self::Volume,
            _ => Self::Anywhere,
        }
    }
}

/// What a value turned out to be.
enum Was {
    /// A text where an image may stand.
    Text(String),
    List,
    Else,
}

struct Below<'w, 'p, F> {
    standing: Standing,
    path: &'p FieldPath<'p>,
    found: &'w mut F,
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> DeserializeSeed<'de> for Below<'_, '_, F> {
    type Value = Was;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Was, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&FieldPath<'_>, Found<'_>)> Visitor<'de> for Below<'_, '_, F> {
    type Value = Was;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Was, A::Error> {
        let mut image = None;
        let mut is_container = self.standing == Standing::Container;
        while let Some(name) = map.next_key::<String>()? {
            let path = self.path.field(&name);
            let was = map.next_value_seed(Below {
                standing: self.standing.field(&name),
                path: &path,
                found: &mut *self.found,
            })?;
            match (name.as_str(), was) {
                ("image", Was::Text(text)) => image = Some(text),
                ("reference", Was::Text(text)) => (self.found)(&path, Found::Text(&text)),
                ("command", Was::List) => is_container = true,
                _ => {}
            }
        }
        if let Some(text) = image.filter(|_| is_container) {
            (self.found)(&self.path.field("image"), Found::Text(&text));
        }
        Ok(Was::Else)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Was, A::Error> {
        let mut index = 0;
        while seq
            .next_element_seed(Below {
                standing: self.standing.element(),
                path: &self.path.index(index),
                found: &mut *self.found,
            })?
            .is_some()
        {
            index += 1;
        }
        Ok(Was::List)
    }

    fn visit_str<E>(self, text: &str) -> Result<Was, E> {
        Ok(if self.standing == Standing::Image && !text.is_empty() {
            Was::Text(text.to_owned())
        } else {
            Was::Else
        })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Was, E> {
        Ok(Was::Else)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Was, E> {
        Ok(Was::Else)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Was, E> {
        Ok(Was::Else)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Was, E> {
        Ok(Was::Else)
    }

    fn visit_unit<E>(self) -> Result<Was, E> {
        Ok(Was::Else)
    }
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
