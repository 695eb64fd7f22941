//! Schemas of the core/v1 (and rbac/v1) fields that kubeOP carries as opaque JSON, taken from
//! k8s-openapi, so that the API server checks them as it would in a Pod.
//!
//! Descriptions are cut to their first sentence, and left out further down: a CRD has to fit into an
//! annotation of `kubectl apply`.

use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, ExecAction, GRPCAction, HTTPGetAction, LimitRangeItem, ResourceRequirements,
    SecurityContext, TCPSocketAction, Toleration, Volume, VolumeMount,
};
use k8s_openapi::api::rbac::v1::Subject;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// Quantities as the API server takes them, in the words of `controller-gen`, which all CRDs use.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
/// Numbers of Pods or their share: core/v1 `IntOrString` where it counts Pods.
const COUNT_OR_PERCENTAGE_PATTERN: &str = "^(100|[0-9]{1,2})%$";
/// The longest description that is kept.
const MAX_DESCRIPTION: usize = 90;
/// Descriptions of a type, and of its fields.
const TYPE_AND_FIELDS: u8 = 2;
/// Descriptions of a type alone.
const TYPE: u8 = 1;

/// `env` of a container.
pub(super) fn env(generator: &mut SchemaGenerator) -> Schema {
    list::<EnvVar>(generator, TYPE_AND_FIELDS)
}

/// `envFrom` of a container.
pub(super) fn env_from(generator: &mut SchemaGenerator) -> Schema {
    list::<EnvFromSource>(generator, TYPE_AND_FIELDS)
}

/// `volumes` of a Pod.
pub(super) fn volumes(generator: &mut SchemaGenerator) -> Schema {
    list::<Volume>(generator, TYPE)
}

/// `volumeMounts` of a container.
pub(super) fn volume_mounts(generator: &mut SchemaGenerator) -> Schema {
    list::<VolumeMount>(generator, TYPE_AND_FIELDS)
}

/// `tolerations` of a Pod.
pub(super) fn tolerations(generator: &mut SchemaGenerator) -> Schema {
    list::<Toleration>(generator, TYPE_AND_FIELDS)
}

/// `resources` of a container.
pub(super) fn resource_requirements(generator: &mut SchemaGenerator) -> Schema {
    one::<ResourceRequirements>(generator, TYPE_AND_FIELDS)
}

/// `securityContext` of a container.
pub(super) fn security_context(generator: &mut SchemaGenerator) -> Schema {
    one::<SecurityContext>(generator, TYPE_AND_FIELDS)
}

/// `httpGet` of a probe.
pub(super) fn http_get(generator: &mut SchemaGenerator) -> Schema {
    one::<HTTPGetAction>(generator, TYPE_AND_FIELDS)
}

/// `tcpSocket` of a probe.
pub(super) fn tcp_socket(generator: &mut SchemaGenerator) -> Schema {
    one::<TCPSocketAction>(generator, TYPE_AND_FIELDS)
}

/// `exec` of a probe.
pub(super) fn exec(generator: &mut SchemaGenerator) -> Schema {
    one::<ExecAction>(generator, TYPE_AND_FIELDS)
}

/// `grpc` of a probe.
pub(super) fn grpc(generator: &mut SchemaGenerator) -> Schema {
    one::<GRPCAction>(generator, TYPE_AND_FIELDS)
}

/// `subjects` of a rbac/v1 `RoleBinding`.
pub(super) fn subjects(generator: &mut SchemaGenerator) -> Schema {
    list::<Subject>(generator, TYPE_AND_FIELDS)
}

/// `spec.hard` of a `ResourceQuota`, in an object of its own.
pub(super) fn quota(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {"hard": quantities_by_name()},
        "required": ["hard"],
    })
}

/// `spec.limits` of a `LimitRange`, in an object of its own.
pub(super) fn limit_range(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {"limits": list::<LimitRangeItem>(generator, TYPE_AND_FIELDS)},
        "required": ["limits"],
    })
}

/// Quantities by the name of a resource.
pub(super) fn resource_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": quantity()})
}

/// A number of Pods, or a percentage of them.
pub(super) fn count_or_percentage(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "minimum": 0,
        "pattern": COUNT_OR_PERCENTAGE_PATTERN,
    })
}

fn quantities_by_name() -> Value {
    json!({"type": "object", "additionalProperties": quantity()})
}

fn quantity() -> Value {
    json!({"x-kubernetes-int-or-string": true, "pattern": QUANTITY_PATTERN})
}

fn list<T: JsonSchema>(generator: &mut SchemaGenerator, described_levels: u8) -> Schema {
    json_schema!({"type": "array", "maxItems": 256, "items": one::<T>(generator, described_levels)})
}

/// The schema of a type, references inlined: the generator of a CRD is set to that.
fn one<T: JsonSchema>(generator: &mut SchemaGenerator, described_levels: u8) -> Schema {
    let mut schema = T::json_schema(generator);
    if let Some(object) = schema.as_object_mut() {
        tidy(object, described_levels);
    }
    schema
}

/// Cuts descriptions, gives quantities their pattern, and leaves of embedded metadata what has an effect.
fn tidy(schema: &mut Map<String, Value>, described_levels: u8) {
    let description = schema.remove("description");
    let description = description.as_ref().and_then(Value::as_str).unwrap_or_default();
    if description.starts_with("Quantity ") {
        schema.insert("pattern".to_owned(), QUANTITY_PATTERN.into());
    } else if described_levels > 0
        && let Some(sentence) = first_sentence(description)
    {
        schema.insert("description".to_owned(), sentence.into());
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        if properties.contains_key("managedFields") {
            properties.retain(|name, _| matches!(name.as_str(), "labels" | "annotations"));
        }
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            tidy(property, described_levels.saturating_sub(1));
        }
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(nested) = schema.get_mut(nested).and_then(Value::as_object_mut) {
            tidy(nested, described_levels);
        }
    }
}

/// The first sentence, where it is short and says something.
fn first_sentence(description: &str) -> Option<String> {
    let line = description.lines().next()?;
    let sentence = line.split(". ").next()?.trim_end_matches('.');
    (sentence.len() <= MAX_DESCRIPTION).then(|| format!("{sentence}."))
}
