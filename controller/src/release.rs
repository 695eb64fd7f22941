//! `kubeop-controller release --all`: takes kubeOP's finalizers away, so that it can be uninstalled and everything that
//! it delivered goes on.

use crate::certificate;
use crate::kube_io::{CallError, Whole, api_resource};
use crate::leader;
use crate::project::freed;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Client, ResourceExt};
use kubeop_shared::api::names;
use serde_json::json;

/// How many objects are read at once.
const PAGE: u32 = 500;
/// Kinds of which an object may carry our finalizer, Apps first: what is released of an App must not come back.
const KINDS: [(&str, &str, &str); 6] = [
    (names::GROUP, names::VERSION, "App"),
    (names::GROUP, names::VERSION, "DNSRecord"),
    (names::GROUP, names::VERSION, "Project"),
    (names::GROUP, names::VERSION, "Tenant"),
    ("", "v1", "ConfigMap"),
    ("batch", "v1", "Job"),
];

/// Stops the controllers and strips our finalizer from everything. Says on the way what it does.
pub async fn release_all(
    client: &Client,
    namespace: &str,
    mut say: impl FnMut(&str),
) -> Result<(), CallError> {
    say("stopping the controllers: this takes some seconds");
    let deposed = leader::depose(client.clone(), namespace).await;
    deposed.map_err(|error| CallError::new(format!("take the Lease {}", leader::LEASE), &error))?;
    let mut released = certificate::release(client).await?;
    if released > 0 {
        say(&format!("released {released} secrets of Certificates"));
    }
    for (group, version, kind) in KINDS {
        let resource = api_resource(group, version, kind);
        let count = strip(client, &resource).await?;
        if count > 0 {
            say(&format!("released {count} {}", resource.plural));
        }
        released += count;
    }
    let mirrors = let_mirrors_stay(client).await?;
    if mirrors > 0 {
        say(&format!(
            "released {mirrors} mirrored secrets: they stay, as Secrets of their namespaces"
        ));
    }
    released += mirrors;
    say(&format!(
        "{released} objects are released. Nothing is delivered any more, and what was delivered stays.\n\
         To uninstall: kubectl delete -k manifests && kubectl delete -k manifests/crds\n\
         To go on instead: kubectl -n {namespace} delete lease {} && kubectl -n {namespace} rollout restart \
         deploy/kubeop-controller",
        leader::LEASE
    ));
    Ok(())
}

/// Mirrors would go with their Projects, and with them what Pods pull their images with. How many there were.
async fn let_mirrors_stay(client: &Client) -> Result<usize, CallError> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &api_resource("", "v1", "Secret"));
    let mirrors = ListParams::default().labels(names::LABEL_MIRROR_OF);
    let list = all.list_metadata(&mirrors).await;
    let list = list.map_err(|error| CallError::new("list mirrored secrets".to_owned(), &error))?;
    let mut count = 0;
    for mirror in list.items {
        let namespace = mirror.namespace().unwrap_or_default();
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &namespace, &api_resource("", "v1", "Secret"));
        let fields = freed(&mirror.metadata);
        match api
            .patch(
                &mirror.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&fields),
            )
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                return Err(CallError::new(
                    format!("release Secret {}", mirror.name_any()),
                    &error,
                ));
            }
            Ok(_) => count += 1,
        }
    }
    Ok(count)
}

/// Strips our finalizer from the objects of one kind; how many had it.
async fn strip(client: &Client, resource: &ApiResource) -> Result<usize, CallError> {
    let all: Api<Whole> = Api::all_with(client.clone(), resource);
    let mut page = ListParams::default().limit(PAGE);
    if resource.plural == "configmaps" {
        page = page.labels(crate::watches::LABEL_RECORD);
    }
    if resource.plural == "jobs" {
        page = page.labels(names::LABEL_HOOK_OF);
    }
    let mut count = 0;
    loop {
        let list = all.list(&page).await;
        let list = list.map_err(|error| CallError::new(format!("list {}", resource.plural), &error))?;
        for Whole(object) in list.items {
            if object.finalizers().iter().any(|name| name == names::FINALIZER) {
                strip_one(client, resource, object).await?;
                count += 1;
            }
        }
        match list.metadata.continue_ {
            Some(next) if !next.is_empty() => page = page.continue_token(&next),
            _ => return Ok(count),
        }
    }
}

async fn strip_one(client: &Client, resource: &ApiResource, object: DynamicObject) -> Result<(), CallError> {
    let name = object.name_any();
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, resource),
        None => Api::all_with(client.clone(), resource),
    };
    let doing = || format!("release {} {name}", resource.kind);
    let mut object = object;
    loop {
        let finalizers = object.finalizers().iter();
        let others: Vec<&String> = finalizers.filter(|name| *name != names::FINALIZER).collect();
        let fields =
            json!({"metadata": {"resourceVersion": object.resource_version(), "finalizers": others}});
        let params = PatchParams::default();
        match api.patch(&name, &params, &Patch::Merge(&fields)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            // Somebody wrote meanwhile.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(CallError::new(doing(), &error)),
        }
        match api.get_opt(&name).await {
            Ok(Some(now)) => object = now,
            Ok(None) => return Ok(()),
            Err(error) => return Err(CallError::new(doing(), &error)),
        }
    }
}
