//! An object as bytes: what is kept of those that are kept whole and looked at now and then.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use kube::core::TypeMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// What nearly every App and record says. It lives as long as the program, so any release may change it.
static TYPICAL: &[u8] = include_bytes!("typical.txt");

/// A value as compressed JSON: about a tenth of what its tree takes in memory. LZ4, since it costs a few
/// microseconds and an App is packed at each of its changes; what is typical of it is not stored again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Arc<[u8]>);

impl Packed {
    /// Packs a value.
    pub fn of(value: &impl Serialize) -> Self {
        // Trees of JSON can be written.
        let json = serde_json::to_vec(value).unwrap_or_default();
        Self(lz4_flex::block::compress_prepend_size_with_dict(&json, TYPICAL).into())
    }

    /// Packs an object, without the list of who wrote its fields.
    pub fn of_object(object: &DynamicObject) -> Self {
        #[derive(Serialize)]
        struct Lean<'a> {
            #[serde(flatten)]
            types: &'a Option<TypeMeta>,
            metadata: ObjectMeta,
            #[serde(flatten)]
            data: &'a Value,
        }
        let mut metadata = object.metadata.clone();
        metadata.managed_fields = None;
        Self::of(&Lean {
            types: &object.types,
            metadata,
            data: &object.data,
        })
    }

    /// The value. None: it was packed as another type.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        let json = lz4_flex::block::decompress_size_prepended_with_dict(&self.0, TYPICAL).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Packed;
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    #[test]
    fn what_is_packed_is_read_back() {
        let value =
            json!({"apiVersion": "v1", "kind": "App", "metadata": {"name": "pay"}, "spec": [1, 2.5, null]});
        assert_eq!(Packed::of(&value).read(), Some(value));
    }

    #[test]
    fn an_answer_and_the_news_of_it_are_packed_alike() {
        let object = |managed: Value| -> DynamicObject {
            let metadata = json!({"name": "pay", "resourceVersion": "7", "managedFields": managed});
            serde_json::from_value(json!({"apiVersion": "v1", "kind": "App", "metadata": metadata})).unwrap()
        };
        let (answer, news) = (object(json!([{"manager": "kubeop"}])), object(json!([])));
        assert_eq!(Packed::of_object(&answer), Packed::of_object(&news));
    }
}
