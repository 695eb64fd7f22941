//! `/openapi.json`: an OpenAPI 3.1 document, made from the table of endpoints and from the types that are answered, so
//! that it cannot say anything else. Schemas of 3.1 are JSON Schema 2020-12, which `schemars` writes.

use super::analytics::Summary;
use super::apps::Rollback;
use super::endpoint::{Content, Endpoint, Who};
use super::problem::Problem;
use super::query::{CONTINUE, DRY_RUN, FORCE, LIMIT, LIMITS, NAMESPACE};
use super::revisions::RevisionList;
use super::warning::DryRun;
use kubeop_shared::api::crd::custom_resource_definitions;
use kubeop_shared::api::names;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The version of kubeOP.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Version {
    /// As in `0.1.0`.
    pub version: String,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The document of these endpoints.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            let method = endpoint.method.as_str().to_ascii_lowercase();
            methods.insert(method, operation(endpoint, &mut generator));
        }
    }
    let problem = generator.subschema_for::<Problem>();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("App".to_owned(), app());
    schemas.insert("AppList".to_owned(), app_list());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "kubeOP manager API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Apps of kubeOP, and what became of them. Whatever is asked is asked of the Kubernetes API \
                server as the caller: its RBAC and admission decide.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": "A token of the cluster: kubectl create token <service account> makes one.",
            }},
            "responses": {"Problem": {
                "description": "It was not done. 400: the request, or a rule of admission; 401: no token, or none that is \
                    good; 403: no right; 404: there is no such thing; 408, 413: the body; 409: somebody else's; 422: \
                    against the schema; 429, 5xx: not now.",
                "content": {"application/json": {"schema": problem}},
            }},
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let in_path = ["namespace", "name"]
        .into_iter()
        .filter(|name| endpoint.path.contains(&format!("{{{name}}}")))
        .map(in_path);
    let in_query = endpoint.parameters.iter().map(|name| in_query(name));
    let mut responses: Map<String, Value> = endpoint
        .answers
        .iter()
        .map(|(status, content, description)| {
            let content = media(*content, endpoint, generator);
            let answer = json!({"description": description, "content": content});
            (status.to_string(), answer)
        })
        .collect();
    responses.insert(
        "default".to_owned(),
        json!({"$ref": "#/components/responses/Problem"}),
    );
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses,
        "security": match endpoint.who {
            Who::Caller => json!([{"token": []}]),
            Who::Anyone => json!([]),
        },
    });
    if let Some(fields) = operation.as_object_mut() {
        if !endpoint.description.is_empty() {
            fields.insert("description".to_owned(), endpoint.description.into());
        }
        if let Some(body) = endpoint.body {
            let mut content = Map::new();
            for kind in sent_as(body) {
                content.insert((*kind).to_owned(), json!({"schema": schema(body, generator)}));
            }
            fields.insert(
                "requestBody".to_owned(),
                json!({"required": true, "content": content}),
            );
        }
    }
    operation
}

/// What an answer is, by media type. Where a dry run answers with its plan, both may come.
fn media(content: Content, endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let is_planned = content == Content::App && endpoint.parameters.contains(&DRY_RUN);
    let schema = if is_planned {
        json!({"anyOf": [schema(content, generator), schema(Content::Plan, generator)]})
    } else {
        schema(content, generator)
    };
    match content {
        Content::Page => json!({"text/html": {"schema": schema}}),
        _ => json!({"application/json": {"schema": schema}}),
    }
}

fn sent_as(body: Content) -> &'static [&'static str] {
    match body {
        Content::App => &["application/json", "application/yaml"],
        _ => &["application/json"],
    }
}

fn schema(content: Content, generator: &mut SchemaGenerator) -> Value {
    let of = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    match content {
        Content::App => of("App"),
        Content::AppList => of("AppList"),
        Content::Deleted | Content::Document => json!({"type": "object"}),
        Content::Plan => generator.subschema_for::<DryRun>().to_value(),
        Content::Rollback => generator.subschema_for::<Rollback>().to_value(),
        Content::Revisions => generator.subschema_for::<RevisionList>().to_value(),
        Content::Summary => generator.subschema_for::<Summary>().to_value(),
        Content::Version => generator.subschema_for::<Version>().to_value(),
        Content::Page => json!({"type": "string"}),
    }
}

fn in_path(name: &str) -> Value {
    let schema = json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63});
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

pub(super) fn in_query(name: &str) -> Value {
    let (usual, most) = LIMITS;
    let (schema, description) = match name {
        DRY_RUN => (
            json!({"type": "boolean", "default": false}),
            "Whether nothing is to be changed. The answer tells what would be.",
        ),
        FORCE => (
            json!({"type": "boolean", "default": false}),
            "Whether fields are taken over that another field manager owns.",
        ),
        LIMIT => (
            json!({"type": "integer", "minimum": 1, "maximum": most, "default": usual}),
            "How many come at once.",
        ),
        CONTINUE => (json!({"type": "string"}), "metadata.continue of the page before."),
        NAMESPACE => (
            json!({"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", "maxLength": 63}),
            "Only Apps of this namespace.",
        ),
        _ => (json!({"type": "string"}), ""),
    };
    json!({"name": name, "in": "query", "schema": schema, "description": description})
}

/// An App: its definition in the cluster, and of the metadata what a client needs.
fn app() -> Value {
    let definitions = custom_resource_definitions().into_iter();
    let definition = definitions.filter(|definition| definition.spec.names.kind == "App");
    let versions = definition.flat_map(|definition| definition.spec.versions);
    let mut schemas = versions.filter_map(|version| version.schema?.open_api_v3_schema);
    // A tree of texts can be written.
    let mut app = serde_json::to_value(schemas.next()).unwrap_or_default();
    let of_a_client = json!({
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": names::API_VERSION},
            "kind": {"const": "App"},
            "metadata": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 52},
                "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
            }},
        },
    });
    json_patch::merge(&mut app, &of_a_client);
    if let Some(spec) = app.pointer_mut("/properties/spec") {
        allow_null(spec);
    }
    app
}

/// Says of each field that may be left out that it may be null: the API server takes that for the same.
fn allow_null(schema: &mut Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        let names = required.as_array().into_iter().flatten();
        names.into_iter().any(|required| required == name)
    };
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        allow_null(field);
        if !is_required(name) {
            let known = field.take();
            *field = json!({"anyOf": [known, {"type": "null"}]});
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner).filter(|inner| inner.is_object()) {
            allow_null(inner);
        }
    }
}

fn app_list() -> Value {
    json!({
        "type": "object",
        "required": ["items", "metadata"],
        "properties": {
            "metadata": {"type": "object", "properties": {
                "continue": {"type": "string", "description": "Asks for the next page; empty or absent at the end."},
                "remainingItemCount": {"type": "integer"},
            }},
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/App"}},
        },
    })
}
