//! An object as bytes: what is kept of those that are kept whole and looked at now and then.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use kube::core::TypeMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

/// What nearly every App and record says. It lives as long as the program, so any release may change it.
static TYPICAL: &[u8] = include_bytes!("typical.txt");

/// Where kubectl keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// As much as pays: higher levels take longer and save little.
const LEVEL: i32 = 3;

/// A value as compressed JSON: about a tenth of what its tree takes in memory. Zstandard (RFC 8878) with a dictionary, so that
/// what is typical is not stored again: a third smaller than LZ4 with the same one, at some ten microseconds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Arc<[u8]>);

/// What packs and unpacks: made once, since that costs more than to use it.
struct Press {
    packs: Mutex<Compressor<'static>>,
    unpacks: Mutex<Decompressor<'static>>,
}

/// None: there was no memory for it. Then values are kept as they are.
static PRESS: LazyLock<Option<Press>> = LazyLock::new(|| {
    let packs = Compressor::with_dictionary(LEVEL, TYPICAL).ok()?;
    let unpacks = Decompressor::with_dictionary(TYPICAL).ok()?;
    Some(Press {
        packs: Mutex::new(packs),
        unpacks: Mutex::new(unpacks),
    })
});

impl Packed {
    /// Packs a value.
    pub fn of(value: &impl Serialize) -> Self {
        // Trees of JSON can be written.
        let json = serde_json::to_vec(value).unwrap_or_default();
        let packed = PRESS.as_ref().and_then(|press| {
            let mut packs = press.packs.lock().unwrap_or_else(PoisonError::into_inner);
            packs.compress(&json).ok()
        });
        Self(packed.unwrap_or(json).into())
    }

    /// Packs an object, without the list of who wrote its fields and without what kubectl applied.
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
        // What kubectl applied the last time: for kubectl, and as long as all the rest.
        metadata.annotations.as_mut().map(|all| all.remove(LAST_APPLIED));
        Self::of(&Lean {
            types: &object.types,
            metadata,
            data: &object.data,
        })
    }

    /// The value. None: it was packed as another type.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        // JSON begins with no such number.
        let Ok(Some(length)) = get_frame_content_size(&self.0) else {
            return serde_json::from_slice(&self.0).ok();
        };
        let mut unpacks = PRESS
            .as_ref()?
            .unpacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let json = unpacks.decompress(&self.0, usize::try_from(length).ok()?).ok()?;
        drop(unpacks);
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
    fn what_is_typical_takes_little_and_what_kubectl_applied_nothing() {
        let object = |annotations: Value| -> DynamicObject {
            let metadata = json!({"name": "pay", "annotations": annotations});
            serde_json::from_value(json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
                "metadata": metadata, "spec": {"projectRef": "web"}}))
            .unwrap()
        };
        let plain = Packed::of_object(&object(json!({"a": "b"})));
        assert!(plain.0.len() < 80, "{}", plain.0.len());
        let applied = json!({"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "{...}"});
        assert_eq!(Packed::of_object(&object(applied)), plain);
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
