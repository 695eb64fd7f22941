//! Before kubeOP is uninstalled: what is kept for Certificates no longer goes with them, since programs serve it.

use super::external::REQUESTS;
use crate::kube_io::{CallError, Whole, api_resource};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client, ResourceExt};
use kubeop_shared::api::names;
use serde_json::json;

/// How many objects are read at once.
const PAGE: u32 = 500;

/// Lets all of it stay; of how many Secrets that is.
pub async fn release(client: &Client) -> Result<usize, CallError> {
    let (group, version, kind) = REQUESTS;
    let requests = api_resource(group, version, kind);
    for asked in list(client, &requests, names::LABEL_CERTIFICATE).await? {
        let (namespace, name) = (asked.namespace().unwrap_or_default(), asked.name_any());
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &requests);
        let fields = json!({"metadata": {"ownerReferences": null}});
        match api
            .patch(&name, &PatchParams::default(), &Patch::Merge(&fields))
            .await
        {
            Err(error) if !is_gone(&error) => {
                return Err(CallError::new(
                    format!("release {kind} {name} of cert-manager"),
                    &error,
                ));
            }
            _ => {}
        }
    }
    let mut count = 0;
    for secret in list(
        client,
        &api_resource("", "v1", "Secret"),
        names::LABEL_CERTIFICATE,
    )
    .await?
    {
        let api: Api<Secret> = Api::namespaced(client.clone(), &secret.namespace().unwrap_or_default());
        count += usize::from(release_one(&api, &secret.name_any()).await?);
    }
    Ok(count)
}

/// Lets one stay. Whether there was anything to do.
async fn release_one(api: &Api<Secret>, name: &str) -> Result<bool, CallError> {
    let failed = |error: &kube::Error| CallError::new(format!("release Secret {name}"), error);
    loop {
        let mut secret = match api.get_opt(name).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Ok(false),
            Err(error) => return Err(failed(&error)),
        };
        let owners = secret.metadata.owner_references.get_or_insert_default();
        let before = owners.len();
        owners.retain(|owner| !is_certificate(owner));
        if owners.len() == before {
            return Ok(false);
        }
        match api.replace(name, &PostParams::default(), &secret).await {
            Ok(_) => return Ok(true),
            Err(error) if is_gone(&error) => return Ok(false),
            // Somebody wrote meanwhile.
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// All objects of a kind; none where it is not installed.
async fn list(
    client: &Client,
    resource: &ApiResource,
    labels: &str,
) -> Result<Vec<DynamicObject>, CallError> {
    let api: Api<Whole> = Api::all_with(client.clone(), resource);
    let mut page = ListParams::default().limit(PAGE).labels(labels);
    let mut all = Vec::new();
    loop {
        let list = match api.list(&page).await {
            Ok(list) => list,
            Err(error) if is_gone(&error) => return Ok(all),
            Err(error) => return Err(CallError::new(format!("list {}", resource.plural), &error)),
        };
        all.extend(list.items.into_iter().map(|Whole(object)| object));
        match list.metadata.continue_ {
            Some(next) if !next.is_empty() => page = page.continue_token(&next),
            _ => return Ok(all),
        }
    }
}

fn is_certificate(owner: &OwnerReference) -> bool {
    owner.kind == "Certificate" && owner.api_version.starts_with(names::GROUP)
}

fn is_gone(error: &kube::Error) -> bool {
    // That of a kind that is not installed has no reason.
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
