//! Apps: listed, read, applied, deleted, rolled back. All of it is asked of the API server, as the caller.

use super::caller::{At, Caller};
use super::manifest;
use super::problem::Refusal;
use super::query::{CONTINUE, DRY_RUN, FORCE, LIMIT, NAMESPACE, Query};
use super::revisions::RevisionList;
use super::serving::Serving;
use super::upstream::Answer;
use super::warning::DryRun;
use crate::kube_io::{Address, Conflicts, Effect, Whole, address, api_resource};
use crate::world::{NamespacedName, digest_record};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kube::Resource;
use kube::api::{DeleteParams, DynamicObject, GetParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, Request as Requests};
use kubeop_shared::api::names;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Field manager of what is applied here.
pub(super) const FIELD_MANAGER: &str = "kubeop-manager-api";

/// The API server's reason where another field manager owns what would change.
const OF_ANOTHER_MANAGER: &str = "FieldManagerConflict";

/// Where to roll back to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// Number of a kept revision, the first digits of its hash, `previous`, or `none` for what the spec says.
    pub to: Target,
}

/// A revision, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Target {
    /// Its number.
    Number(u64),
    /// Anything else.
    Word(String),
}

type Answered = Result<Response, Refusal>;

/// `GET /v1/apps`
pub(super) async fn list(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answered {
    let query = Query::read(query.as_deref(), &[NAMESPACE, LIMIT, CONTINUE])?;
    let mut params = ListParams::default().limit(query.limit()?);
    params.continue_token = query.text(CONTINUE).map(str::to_owned);
    let namespace = query.text(NAMESPACE);
    if let Some(namespace) = namespace.filter(|namespace| !manifest::is_name(namespace)) {
        let error = format!("{NAMESPACE}={namespace:?} is no name of a namespace.");
        return Err(Refusal::bad_request(error));
    }
    let apps = api_resource(names::GROUP, names::VERSION, "App");
    let request = requests(&apps, namespace).list(&params);
    match serving.api_server.ask(&caller, request).await {
        Err(refusal) if refusal.status() == StatusCode::FORBIDDEN && namespace.is_none() => {
            Err(refusal.and("Name a namespace in which you may: /v1/apps?namespace=<namespace>."))
        }
        answer => Ok(answer?.pass_on()),
    }
}

/// `GET /v1/apps/{namespace}/{name}`
pub(super) async fn get(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    At(app): At,
    RawQuery(query): RawQuery,
) -> Answered {
    Query::read(query.as_deref(), &[])?;
    let answer = serving.api_server.ask(&caller, read(&app_at(&app))).await?;
    Ok(answer.pass_on())
}

/// `DELETE /v1/apps/{namespace}/{name}`
pub(super) async fn delete(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    At(app): At,
    RawQuery(query): RawQuery,
) -> Answered {
    let effect = Query::read(query.as_deref(), &[DRY_RUN])?.effect()?;
    let at = app_at(&app);
    let params = DeleteParams {
        dry_run: effect == Effect::DryRun,
        ..DeleteParams::background()
    };
    let request = requests(&at.resource, at.namespace.as_deref()).delete(&at.name, &params);
    Ok(serving.api_server.ask(&caller, request).await?.pass_on())
}

/// `POST /v1/apps`: makes an App what the body says, whether there is one or not.
pub(super) async fn apply(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answered {
    let query = Query::read(query.as_deref(), &[DRY_RUN, FORCE])?;
    let (effect, conflicts) = (query.effect()?, query.conflicts()?);
    let (head, body) = request.into_parts();
    let body = serving.bodies.read(&head.headers, body).await?;
    let text: Bytes = body.clone();
    // A megabyte of YAML takes its time, and others are served meanwhile.
    let given = tokio::task::spawn_blocking(move || manifest::read(&text)).await;
    let given = given.map_err(|_| {
        let error = "the body could not be read: a fault of kubeOP's. See the controller's log.";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    })??;
    let params = PatchParams {
        force: conflicts == Conflicts::Force,
        dry_run: effect == Effect::DryRun,
        ..PatchParams::apply(FIELD_MANAGER).validation_strict()
    };
    let at = app_at(&given.at);
    let request = requests(&at.resource, at.namespace.as_deref()).patch(
        &at.name,
        &params,
        &Patch::Apply(&given.object),
    );
    let answer = match serving.api_server.ask(&caller, request).await {
        Err(refusal) if refusal.is_about(OF_ANOTHER_MANAGER) => {
            return Err(refusal.and(&format!(
                "To take these fields over: POST /v1/apps?{FORCE}=true. To leave them, take them out of the App."
            )));
        }
        answer => answer?,
    };
    match effect {
        Effect::Real => Ok(answer.pass_on()),
        Effect::DryRun => planned(&serving, &given.at, answer).await,
    }
}

/// `POST /v1/apps/{namespace}/{name}/rollback`: writes the annotation by which a person asks.
pub(super) async fn rollback(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    At(app): At,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answered {
    let effect = Query::read(query.as_deref(), &[DRY_RUN])?.effect()?;
    let (head, body) = request.into_parts();
    let body = serving.bodies.read(&head.headers, body).await?;
    let to = target(&body)?;
    let annotations = json!({"metadata": {"annotations": {names::ANNOTATION_ROLLBACK_TO: to}}});
    let params = PatchParams {
        dry_run: effect == Effect::DryRun,
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let at = app_at(&app);
    let request =
        requests(&at.resource, at.namespace.as_deref()).patch(&at.name, &params, &Patch::Merge(&annotations));
    let answer = serving.api_server.ask(&caller, request).await?;
    match effect {
        Effect::Real => Ok(answer.pass_on()),
        Effect::DryRun => planned(&serving, &app, answer).await,
    }
}

/// `GET /v1/apps/{namespace}/{name}/revisions`
pub(super) async fn revisions(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    At(app): At,
    RawQuery(query): RawQuery,
) -> Answered {
    Query::read(query.as_deref(), &[])?;
    let record = names::record_name(&app.name);
    let at = address("", "v1", "ConfigMap", Some(&app.namespace), &record);
    let found = serving.api_server.ask_for::<Whole>(&caller, read(&at)).await;
    let Whole(object) = match found {
        Err(refusal) if refusal.status() == StatusCode::NOT_FOUND => {
            // Either nobody has looked at the App yet, or there is none.
            serving.api_server.ask(&caller, read(&app_at(&app))).await?;
            return Ok(Json(RevisionList::default()).into_response());
        }
        found => found?,
    };
    match digest_record(&object).read() {
        Ok(record) => Ok(Json(RevisionList::from(&record)).into_response()),
        Err(error) => {
            let error = format!("ConfigMap {}/{record} {error}", app.namespace);
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error))
        }
    }
}

/// What a dry run tells.
async fn planned(serving: &Serving, app: &NamespacedName, answer: Answer) -> Answered {
    let (object, warnings) = serving.api_server.read_with_warnings(answer).await?;
    Ok(Json(DryRun::new(&app.name, warnings, object)).into_response())
}

/// The value of the annotation that asks for a rollback.
fn target(body: &[u8]) -> Result<String, Refusal> {
    let example =
        r#"Send {"to": "previous"}, or the number or the first digits of the hash of a kept revision."#;
    let asked: Rollback = serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_request(format!("the body is no request to roll back: {error}. {example}"))
    })?;
    let word = match asked.to {
        Target::Number(number) => number.to_string(),
        Target::Word(word) => word.trim().to_owned(),
    };
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word {
        return Ok(word);
    }
    Err(Refusal::bad_request(format!(
        "to: {word:?} is no revision. {example}"
    )))
}

fn app_at(app: &NamespacedName) -> Address {
    address(
        names::GROUP,
        names::VERSION,
        "App",
        Some(&app.namespace),
        &app.name,
    )
}

fn requests(resource: &ApiResource, namespace: Option<&str>) -> Requests {
    Requests::new(DynamicObject::url_path(resource, namespace))
}

fn read(at: &Address) -> Result<axum::http::Request<Vec<u8>>, kube::core::request::Error> {
    requests(&at.resource, at.namespace.as_deref()).get(&at.name, &GetParams::default())
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_revision_is_named_by_number_hash_or_word() {
        for (body, wanted) in [
            (r#"{"to": 3}"#, "3"),
            (r#"{"to": "3"}"#, "3"),
            (r#"{"to": " previous"}"#, "previous"),
            (r#"{"to": "4f1c02ab12cd"}"#, "4f1c02ab12cd"),
        ] {
            assert_eq!(target(body.as_bytes()), Ok(wanted.to_owned()), "{body}");
        }
    }

    #[test]
    fn what_names_no_revision_is_refused_with_an_example() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"to": ""}"#,
            r#"{"to": null}"#,
            r#"{"to": -1}"#,
            r#"{"to": 1.5}"#,
            r#"{"to": "3 by root"}"#,
            r#"{"to": "3", "by": "root"}"#,
        ] {
            let refusal = target(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.status().as_u16(), 400, "{body}");
            assert!(format!("{refusal:?}").contains("previous"), "{body}: {refusal:?}");
        }
    }
}
