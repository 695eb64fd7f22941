//! The real API server.
//!
//! Two clients: one for watches, which may be silent for minutes, and one for everything else, with
//! short timeouts. Neither retries by itself: the loops do, and kube's default may last 160 s.

use super::{
    Address, Applying, CallError, CallKind, Cluster, Conflicts, Effect, Kind, Manager, Preconditions, Scope,
    Tenure, Who, Whole,
};
use crate::metrics::metrics;
use kube::api::{DeleteParams, DynamicObject, ListParams, ObjectList, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, Request, Resource};
use kube::{Client, Config};
use kubeop_shared::api::names;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Longer than the API server lets a watch last.
const WATCH_SILENCE: Duration = Duration::from_secs(360);
/// How many objects are read at once.
const PAGE: u32 = 100;
/// How long a call may take. Shorter than the time for which a lost lease is still believed.
pub const CALL: Duration = Duration::from_secs(10);

/// The clients.
#[derive(Clone)]
pub struct KubeCluster {
    config: Config,
    calls: Client,
    watches: Client,
    tenure: Tenure,
}

impl KubeCluster {
    /// Connects as KUBECONFIG or the environment of a Pod says. Calls are made while the tenure holds.
    pub async fn connect(tenure: Tenure) -> Result<Self, String> {
        let config = Config::infer()
            .await
            .map_err(|error| format!("no cluster is configured: {error}"))?;
        Ok(Self {
            calls: client(config.clone(), CALL)?,
            watches: client(config.clone(), WATCH_SILENCE)?,
            config,
            tenure,
        })
    }

    /// A client for watches in one project namespace, with the rights of its deployer.
    pub fn watches_as_deployer(&self, namespace: &str) -> Result<Client, String> {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(deployer(namespace));
        client(config, WATCH_SILENCE)
    }

    /// What the clients are made of, for one of another identity.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// The client for watches.
    pub fn watches(&self) -> Client {
        self.watches.clone()
    }

    /// A request that an object answers.
    async fn ask(
        &self,
        who: &Who,
        doing: impl FnOnce() -> String,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<DynamicObject, CallError> {
        let Whole(object) = self.send(who, doing, request).await?;
        Ok(object)
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        who: &Who,
        doing: impl FnOnce() -> String,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, CallError> {
        if !self.tenure.holds(Instant::now()) {
            let message = "this process does not lead any more";
            return Err(CallError::own(doing(), CallKind::Unavailable, message));
        }
        let verb = request
            .as_ref()
            .map_or("none", |request| verb_of(request.method()));
        let sent = async {
            let mut request = request.map_err(kube::Error::BuildRequest)?;
            if let Who::Deployer { namespace } = who {
                let value =
                    deployer(namespace)
                        .parse()
                        .map_err(|error: http::header::InvalidHeaderValue| {
                            kube::Error::HttpError(error.into())
                        })?;
                request.headers_mut().insert("Impersonate-User", value);
            }
            self.calls.request::<T>(request).await
        };
        let answer = match tokio::time::timeout(CALL, sent).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(CallError::new(doing(), &error)),
            Err(_) => {
                let message = format!("the API server did not answer within {} s", CALL.as_secs());
                Err(CallError::own(doing(), CallKind::Unavailable, message))
            }
        };
        let outcome = answer.as_ref().err().map_or("ok", |error| error.kind.name());
        metrics().call(verb, outcome);
        answer
    }
}

fn client(mut config: Config, silence: Duration) -> Result<Client, String> {
    config.default_retry = false;
    config.connect_timeout = Some(CALL);
    config.read_timeout = Some(silence);
    config.write_timeout = Some(CALL);
    Client::try_from(config).map_err(|error| format!("cannot make a client: {error}"))
}

/// User name of the account that delivers in a namespace.
fn deployer(namespace: &str) -> String {
    format!("system:serviceaccount:{namespace}:{}", names::DEPLOYER)
}

/// The API server's word for a method, for calls that are no watch.
fn verb_of(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "read",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "other",
    }
}

fn requests(resource: &ApiResource, namespace: Option<&str>) -> Request {
    Request::new(DynamicObject::url_path(resource, namespace))
}

fn requests_at(at: &Address) -> Request {
    requests(&at.resource, at.namespace.as_deref())
}

fn body(object: &Value) -> Vec<u8> {
    object.to_string().into_bytes()
}

impl Cluster for KubeCluster {
    async fn get(&self, who: &Who, at: &Address) -> Result<Option<DynamicObject>, CallError> {
        let request = requests_at(at).get(&at.name, &kube::api::GetParams::default());
        match self.ask(who, || format!("read {at}"), request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == CallKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list(
        &self,
        who: &Who,
        resource: &ApiResource,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<DynamicObject>, CallError> {
        let request = requests(resource, Some(namespace)).list(&ListParams::default().labels(selector));
        let doing = || format!("list {} in {namespace}", resource.plural);
        let list: ObjectList<Whole> = self.send(who, doing, request).await?;
        Ok(list.items.into_iter().map(|Whole(object)| object).collect())
    }

    async fn page(
        &self,
        who: &Who,
        resource: &ApiResource,
        namespace: Option<&str>,
        after: Option<&str>,
    ) -> Result<(Vec<DynamicObject>, Option<String>), CallError> {
        let mut params = ListParams::default().limit(PAGE);
        params.continue_token = after.map(str::to_owned);
        let request = requests(resource, namespace).list(&params);
        let doing = || format!("list {}", resource.plural);
        let list: ObjectList<Whole> = self.send(who, doing, request).await?;
        // The end is told by an empty one, too.
        let next = list.metadata.continue_.filter(|token| !token.is_empty());
        Ok((list.items.into_iter().map(|Whole(object)| object).collect(), next))
    }

    async fn apply(
        &self,
        who: &Who,
        at: &Address,
        object: &Value,
        how: Applying,
    ) -> Result<DynamicObject, CallError> {
        let manager = match how.manager {
            Manager::Delivery => names::FIELD_MANAGER,
            Manager::Handover => names::HANDOVER_MANAGER,
        };
        let params = PatchParams {
            force: how.conflicts == Conflicts::Force,
            dry_run: how.effect == Effect::DryRun,
            ..PatchParams::apply(manager)
        };
        let request = requests_at(at).patch(&at.name, &params, &Patch::Apply(object));
        self.ask(who, || format!("apply {at}"), request).await
    }

    async fn create(
        &self,
        who: &Who,
        at: &Address,
        object: &Value,
        effect: Effect,
    ) -> Result<DynamicObject, CallError> {
        let params = PostParams {
            dry_run: effect == Effect::DryRun,
            field_manager: Some(names::FIELD_MANAGER.to_owned()),
        };
        let request = requests_at(at).create(&params, body(object));
        self.ask(who, || format!("create {at}"), request).await
    }

    async fn replace(&self, who: &Who, at: &Address, object: &Value) -> Result<DynamicObject, CallError> {
        let params = PostParams {
            dry_run: false,
            field_manager: Some(names::FIELD_MANAGER.to_owned()),
        };
        let request = requests_at(at).replace(&at.name, &params, body(object));
        self.ask(who, || format!("write {at}"), request).await
    }

    async fn delete(
        &self,
        who: &Who,
        at: &Address,
        only: &Preconditions,
    ) -> Result<Option<DynamicObject>, CallError> {
        let params = DeleteParams {
            preconditions: Some(kube::api::Preconditions {
                uid: only.uid.clone(),
                resource_version: only.resource_version.clone(),
            }),
            ..DeleteParams::background()
        };
        let request = requests_at(at).delete(&at.name, &params);
        let answer = match self.send::<Value>(who, || format!("delete {at}"), request).await {
            Err(error) if error.kind == CallKind::NotFound => return Ok(None),
            answer => answer?,
        };
        // A Status, or the object as it was last, or as it is now.
        let still = serde_json::from_value::<DynamicObject>(answer).ok();
        Ok(still.filter(|object| object.metadata.deletion_timestamp.is_some()))
    }

    async fn patch(
        &self,
        who: &Who,
        at: &Address,
        subresource: Option<&str>,
        fields: &Value,
    ) -> Result<DynamicObject, CallError> {
        let params = PatchParams {
            field_manager: Some(names::FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let requests = requests_at(at);
        let request = match subresource {
            None => requests.patch(&at.name, &params, &Patch::Merge(fields)),
            Some(part) => requests.patch_subresource(part, &at.name, &params, &Patch::Merge(fields)),
        };
        self.ask(who, || format!("change {at}"), request).await
    }

    async fn discover(&self, api_version: &str, kind: &str) -> Result<Option<Kind>, CallError> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        match kube::discovery::pinned_kind(&self.calls, &gvk).await {
            Ok((resource, served)) => Ok(Some(Kind {
                resource,
                scope: match served.scope {
                    kube::discovery::Scope::Cluster => Scope::Cluster,
                    kube::discovery::Scope::Namespaced => Scope::Namespaced,
                },
            })),
            Err(kube::Error::Discovery(_)) => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(CallError::new(format!("look up {api_version} {kind}"), &error)),
        }
    }
}
