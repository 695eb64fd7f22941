//! All that the manager API has, in one table: the router is made from it, and so is what `/openapi.json` tells.

use super::endpoint::{Content, Endpoint, Who};
use super::problem::Refusal;
use super::serving::Serving;
use super::{analytics, apps, openapi, page};
use crate::metrics::metrics;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, routing};
use std::sync::{Arc, LazyLock};

/// The table.
static ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/v1/apps",
        method: Method::GET,
        who: Who::Caller,
        id: "listApps",
        summary: "Lists Apps",
        description: "Of all namespaces, or of one. Who may not list those of all names one. A page ends with \
                      metadata.continue, which asks for the next.",
        parameters: &["namespace", "limit", "continue"],
        body: None,
        answers: &[(200, Content::AppList, "The Apps, as the API server has them.")],
        handler: || get(apps::list),
    },
    Endpoint {
        path: "/v1/apps",
        method: Method::POST,
        who: Who::Caller,
        id: "applyApp",
        summary: "Applies an App",
        description: "Makes an App what the body says, whether there is one or not, by server-side apply. To send the \
                      same again changes nothing. The namespace stands in metadata.namespace or in spec.namespace. Fields \
                      that nobody knows are refused. A dry run changes nothing, and answers with the plan.",
        parameters: &["dryRun", "force"],
        body: Some(Content::App),
        answers: &[
            (200, Content::App, "The App was there. Of a dry run: the plan."),
            (201, Content::App, "The App is new."),
        ],
        handler: || post(apps::apply),
    },
    Endpoint {
        path: "/v1/apps/{namespace}/{name}",
        method: Method::GET,
        who: Who::Caller,
        id: "getApp",
        summary: "Reads an App",
        description: "",
        parameters: &[],
        body: None,
        answers: &[(200, Content::App, "The App, as the API server has it.")],
        handler: || get(apps::get),
    },
    Endpoint {
        path: "/v1/apps/{namespace}/{name}",
        method: Method::DELETE,
        who: Who::Caller,
        id: "deleteApp",
        summary: "Deletes an App",
        description: "It is gone once what it delivered is gone, or let go, as spec.deletionPolicy says.",
        parameters: &["dryRun"],
        body: None,
        answers: &[(
            200,
            Content::Deleted,
            "The App, which is being deleted, or a Status.",
        )],
        handler: || routing::delete(apps::delete),
    },
    Endpoint {
        path: "/v1/apps/{namespace}/{name}/revisions",
        method: Method::GET,
        who: Who::Caller,
        id: "listRevisions",
        summary: "Tells the revisions of an App",
        description: "Those that are kept, newest first, with how they and their hooks went. Read from the record, so the \
                      caller must be allowed to read ConfigMaps.",
        parameters: &[],
        body: None,
        answers: &[(200, Content::Revisions, "The revisions.")],
        handler: || get(apps::revisions),
    },
    Endpoint {
        path: "/v1/apps/{namespace}/{name}/rollback",
        method: Method::POST,
        who: Who::Caller,
        id: "rollBackApp",
        summary: "Rolls an App back",
        description: "Writes the annotation platform.kubeop.io/rollback-to, as a person does. It holds until the spec says \
                      something new, or until it is rolled back to \"none\".",
        parameters: &["dryRun"],
        body: Some(Content::Rollback),
        answers: &[(
            200,
            Content::App,
            "The App, with what the wish resolves to. Of a dry run: the plan.",
        )],
        handler: || post(apps::rollback),
    },
    Endpoint {
        path: "/v1/analytics/summary",
        method: Method::GET,
        who: Who::Caller,
        id: "getSummary",
        summary: "Counts Apps, images, and what happened lately",
        description: "Only what the caller may list is counted; a right that is given or taken is heeded within 10 s.",
        parameters: &[],
        body: None,
        answers: &[(200, Content::Summary, "The numbers.")],
        handler: || get(analytics::summary),
    },
    Endpoint {
        path: "/version",
        method: Method::GET,
        who: Who::Anyone,
        id: "getVersion",
        summary: "Tells the version of kubeOP",
        description: "",
        parameters: &[],
        body: None,
        answers: &[(200, Content::Version, "The version.")],
        handler: || get(|| async { Json(openapi::Version::default()) }),
    },
    Endpoint {
        path: "/openapi.json",
        method: Method::GET,
        who: Who::Anyone,
        id: "getDocument",
        summary: "Tells what there is: this document",
        description: "",
        parameters: &[],
        body: None,
        answers: &[(200, Content::Document, "An OpenAPI 3.1 document.")],
        handler: || get(document),
    },
    Endpoint {
        path: "/",
        method: Method::GET,
        who: Who::Anyone,
        id: "getPage",
        summary: "Shows the summary to people",
        description: "",
        parameters: &[],
        body: None,
        answers: &[(200, Content::Page, "A page that asks for a token.")],
        handler: || get(page::serve),
    },
];

/// The router.
pub(super) fn router(serving: Arc<Serving>) -> Router {
    let all = ENDPOINTS.iter().fold(Router::new(), |router, endpoint| {
        router.route(endpoint.path, (endpoint.handler)())
    });
    all.merge(page::assets())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(count))
        .with_state(serving)
}

/// `GET /openapi.json`
async fn document() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(|| openapi::document(ENDPOINTS).to_string());
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str())
}

async fn count(response: Response) -> Response {
    let status = response.status();
    metrics().api_request(if status.is_server_error() {
        "5xx"
    } else if status.is_client_error() {
        "4xx"
    } else {
        "2xx"
    });
    response
}

async fn unknown(uri: Uri) -> Refusal {
    let error = format!(
        "there is no {} here. /openapi.json tells what there is.",
        uri.path()
    );
    Refusal::new(StatusCode::NOT_FOUND, error)
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let error = format!(
        "{method} is not what {} takes. The header Allow tells what it does.",
        uri.path()
    );
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error)
}

#[cfg(test)]
mod tests {
    use super::ENDPOINTS;
    use crate::manager_api::openapi;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.insert(reference.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn whatever_is_referred_to_is_there() {
        let document = openapi::document(ENDPOINTS);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() >= 8, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn an_app_is_what_its_definition_says() {
        let app = &openapi::document(ENDPOINTS)["components"]["schemas"]["App"];
        let image = app.pointer("/properties/spec/properties/delivery/properties/image/anyOf");
        let image = image.unwrap();
        assert_eq!(image[0]["properties"]["ref"]["type"], "string");
        assert_eq!(image[1]["type"], "null");
        assert_eq!(app["properties"]["kind"]["const"], "App");
        assert_eq!(app["properties"]["metadata"]["required"][0], "name");
    }

    #[test]
    fn whatever_needs_a_token_says_so_and_operations_have_names_of_their_own() {
        let document = openapi::document(ENDPOINTS);
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                assert!(ids.insert(operation["operationId"].to_string()), "{path}");
                let needs_token = !operation["security"].as_array().unwrap().is_empty();
                assert_eq!(needs_token, path.starts_with("/v1/"), "{path}");
            }
        }
        assert_eq!(ids.len(), 10);
    }

    #[test]
    fn a_parameter_of_the_table_is_one_that_is_known() {
        for endpoint in ENDPOINTS {
            for name in endpoint.parameters {
                assert_ne!(openapi::in_query(name)["description"], "", "{name}");
            }
        }
    }
}
