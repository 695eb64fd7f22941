//! The `CustomResourceDefinition`s of the five kinds: what the derives make, completed.

use super::{App, Certificate, DnsRecord, Project, Tenant};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

/// The definitions of all kinds, in the order of their names.
pub fn custom_resource_definitions() -> Vec<CustomResourceDefinition> {
    [
        App::crd(),
        Certificate::crd(),
        DnsRecord::crd(),
        Project::crd(),
        Tenant::crd(),
    ]
    .into_iter()
    .map(completed)
    .collect()
}

/// Adds what the derives cannot say.
fn completed(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let Some(root) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        forbid_null(root);
        let properties = root.properties.get_or_insert_default();
        properties.insert("metadata".to_owned(), metadata_with_name());
        if let Some(status) = properties.get_mut("status") {
            never_observed_by_default(status);
            merge_conditions_by_type(status);
        }
    }
    crd
}

/// Optional fields are left out, never null: a rule would take a null for a value.
fn forbid_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|properties| properties.values_mut())
    {
        forbid_null(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        forbid_null(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        forbid_null(values);
    }
}

/// A rule can only point at a field that the schema names; and it has to be cheap for the longest name.
fn metadata_with_name() -> JSONSchemaProps {
    let of_type = |r#type: &str| JSONSchemaProps {
        type_: Some(r#type.to_owned()),
        ..JSONSchemaProps::default()
    };
    let name = JSONSchemaProps {
        max_length: Some(253),
        ..of_type("string")
    };
    JSONSchemaProps {
        properties: Some([("name".to_owned(), name)].into()),
        ..of_type("object")
    }
}

/// kstatus takes an object without status for a ready one; a generation that never was says otherwise.
fn never_observed_by_default(status: &mut JSONSchemaProps) {
    status.default = Some(JSON(json!({"observedGeneration": -1})));
}

/// Conditions are a map by type, as in all of Kubernetes.
fn merge_conditions_by_type(status: &mut JSONSchemaProps) {
    if let Some(conditions) = status.properties.get_or_insert_default().get_mut("conditions") {
        conditions.x_kubernetes_list_type = Some("map".to_owned());
        conditions.x_kubernetes_list_map_keys = Some(vec!["type".to_owned()]);
    }
}
