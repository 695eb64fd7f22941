//! An object of any kind, read in one pass.
//!
//! [`DynamicObject`] reads its fields through `serde(flatten)`, which first keeps all of an object in a form of its
//! own: with spec and status that is about half of what reading costs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::DynamicObject;
use kube::core::{ApiResource, DynamicResourceScope, TypeMeta};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// A [`DynamicObject`] that reads faster.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole(pub DynamicObject);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Whole;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of the Kubernetes API")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Whole, A::Error> {
                let (mut api_version, mut kind, mut metadata) = (None, None, ObjectMeta::default());
                let mut data = Map::new();
                while let Some(field) = fields.next_key::<String>()? {
                    match field.as_str() {
                        "apiVersion" => api_version = Some(fields.next_value()?),
                        "kind" => kind = Some(fields.next_value()?),
                        "metadata" => metadata = fields.next_value()?,
                        _ => drop(data.insert(field, fields.next_value()?)),
                    }
                }
                let types = api_version.zip(kind);
                Ok(Whole(DynamicObject {
                    types: types.map(|(api_version, kind)| TypeMeta { api_version, kind }),
                    metadata,
                    data: Value::Object(data),
                }))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Resource for Whole {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(of)
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(of)
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(of)
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::whole(r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","labels":{"b":"c"}},"data":{"x":"eA=="}}"#)]
    #[case::of_a_listing(r#"{"metadata":{"name":"a","managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]},"spec":{"a":[1,null,{"b":1.5}]},"status":{}}"#)]
    #[case::without_metadata(r#"{"kind":"Status","apiVersion":"v1","code":404}"#)]
    fn it_reads_as_the_slower_one_does(#[case] text: &str) {
        let Whole(whole) = serde_json::from_str(text).unwrap();
        assert_eq!(whole, serde_json::from_str::<DynamicObject>(text).unwrap());
    }

    #[rstest]
    #[case("[]")]
    #[case(r#"{"metadata":1}"#)]
    #[case(r#"{"metadata":{"name":"a"}"#)]
    fn what_is_no_object_is_an_error(#[case] text: &str) {
        assert!(serde_json::from_str::<Whole>(text).is_err());
    }
}
