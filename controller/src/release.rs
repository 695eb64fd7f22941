//! `kubeop-controller release --all`: takes away what would hold kubeOP's objects, or take others along with them, so that
//! it can be uninstalled and everything that it delivered goes on. Only metadata are read and written.

use crate::certificate::REQUESTS;
use crate::kube_io::{CallError, api_resource, finalizer};
use crate::leader;
use crate::project::freed;
use crate::watches::LABEL_RECORD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::ApiResource;
use kubeop_shared::api::names;
use serde_json::{Value, json};

/// How many objects are read at once.
const PAGE: u32 = 500;

/// Objects of a kind, and what is written into each; nothing, where there is nothing to write.
struct Kept {
    kind: (&'static str, &'static str, &'static str),
    labels: &'static str,
    change: fn(&ObjectMeta) -> Option<Value>,
    /// What they are, for people, where the kind does not say it.
    what: Option<&'static str>,
}

/// All that is kept, in this order: what is released of an App must not come back, and what goes with an owner must be
/// free before that may go.
const KEPT: [Kept; 9] = [
    Kept::without_owner(REQUESTS, None),
    Kept::without_owner(("", "v1", "Secret"), Some("secrets of Certificates: they stay")),
    Kept {
        kind: ("", "v1", "Secret"),
        labels: names::LABEL_MIRROR_OF,
        change: |mirror| Some(freed(mirror)),
        what: Some("mirrored secrets: they stay, as Secrets of their namespaces"),
    },
    Kept::held((names::GROUP, names::VERSION, "App"), ""),
    Kept::held((names::GROUP, names::VERSION, "DNSRecord"), ""),
    Kept::held((names::GROUP, names::VERSION, "Project"), ""),
    Kept::held((names::GROUP, names::VERSION, "Tenant"), ""),
    Kept::held(("", "v1", "ConfigMap"), LABEL_RECORD),
    Kept::held(("batch", "v1", "Job"), names::LABEL_HOOK_OF),
];

impl Kept {
    /// Held by our finalizer.
    const fn held(kind: (&'static str, &'static str, &'static str), labels: &'static str) -> Self {
        Self {
            kind,
            labels,
            change: let_go,
            what: None,
        }
    }

    /// Kept for a Certificate, with which it would go, although programs serve it.
    const fn without_owner(
        kind: (&'static str, &'static str, &'static str),
        what: Option<&'static str>,
    ) -> Self {
        Self {
            kind,
            labels: names::LABEL_CERTIFICATE,
            change: without_certificate,
            what,
        }
    }
}

/// Stops the controllers and releases everything. Says on the way what it does.
pub async fn release_all(
    client: &Client,
    namespace: &str,
    mut say: impl FnMut(&str),
) -> Result<(), CallError> {
    say("stopping the controllers: this takes some seconds");
    let deposed = leader::depose(client.clone(), namespace).await;
    deposed.map_err(|error| CallError::new(format!("take the Lease {}", leader::LEASE), &error))?;
    let mut released = 0;
    for kept in KEPT {
        let (group, version, kind) = kept.kind;
        let resource = api_resource(group, version, kind);
        let count = release(client, &resource, &kept).await?;
        if count > 0 {
            let what = kept.what.unwrap_or(&resource.plural);
            say(&format!("released {count} {what}"));
        }
        released += count;
    }
    say(&format!(
        "{released} objects are released. Nothing is delivered any more, and what was delivered stays.\n\
         To uninstall: kubectl delete -k manifests && kubectl delete -k manifests/crds\n\
         To go on instead: kubectl -n {namespace} delete lease {} && kubectl -n {namespace} rollout restart \
         deploy/kubeop-controller",
        leader::LEASE
    ));
    Ok(())
}

/// Releases the objects of one kind; of how many there was something to release. None where the kind is not installed.
async fn release(client: &Client, resource: &ApiResource, kept: &Kept) -> Result<usize, CallError> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let mut page = ListParams::default().limit(PAGE).labels(kept.labels);
    let mut count = 0;
    loop {
        let list = match all.list_metadata(&page).await {
            Ok(list) => list,
            Err(error) if is_gone(&error) => return Ok(count),
            Err(error) => return Err(CallError::new(format!("list {}", resource.plural), &error)),
        };
        for object in list.items {
            if release_one(client, resource, kept.change, object.metadata).await? {
                count += 1;
            }
        }
        match list.metadata.continue_ {
            Some(next) if !next.is_empty() => page = page.continue_token(&next),
            _ => return Ok(count),
        }
    }
}

/// Releases one. Whether there was anything to release.
async fn release_one(
    client: &Client,
    resource: &ApiResource,
    change: fn(&ObjectMeta) -> Option<Value>,
    mut metadata: ObjectMeta,
) -> Result<bool, CallError> {
    let name = metadata.name.clone().unwrap_or_default();
    let api: Api<DynamicObject> = match &metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    };
    let failed = |error: &kube::Error| CallError::new(format!("release {} {name}", resource.kind), error);
    while let Some(fields) = change(&metadata) {
        let params = PatchParams::default();
        match api.patch_metadata(&name, &params, &Patch::Merge(&fields)).await {
            Ok(_) => return Ok(true),
            Err(error) if is_gone(&error) => return Ok(false),
            // Somebody wrote meanwhile.
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => return Err(failed(&error)),
        }
        match api.get_metadata_opt(&name).await {
            Ok(Some(now)) => metadata = now.metadata,
            Ok(None) => return Ok(false),
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(false)
}

fn let_go(metadata: &ObjectMeta) -> Option<Value> {
    let finalizers = metadata.finalizers.as_deref().unwrap_or_default();
    finalizer::is_held(finalizers)
        .then(|| finalizer::let_go(metadata.resource_version.as_deref(), finalizers))
}

fn without_certificate(metadata: &ObjectMeta) -> Option<Value> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let others: Vec<_> = owners
        .iter()
        .filter(|owner| owner.kind != "Certificate" || !owner.api_version.starts_with(names::GROUP))
        .collect();
    (others.len() < owners.len()).then(
        || json!({"metadata": {"resourceVersion": metadata.resource_version, "ownerReferences": others}}),
    )
}

/// Of an object, or of its kind: the answer of a kind that is not installed has no reason.
fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use super::{let_go, without_certificate};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
    use serde_json::json;

    #[test]
    fn what_is_free_is_not_written() {
        let owner = |api_version: &str, kind: &str| OwnerReference {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: "web".to_owned(),
            uid: "u1".to_owned(),
            ..OwnerReference::default()
        };
        let theirs = owner("cert-manager.io/v1", "Certificate");
        let free = ObjectMeta {
            owner_references: Some(vec![theirs.clone()]),
            finalizers: Some(vec!["other".to_owned()]),
            ..ObjectMeta::default()
        };
        assert_eq!((let_go(&free), without_certificate(&free)), (None, None));
        let ours = ObjectMeta {
            owner_references: Some(vec![
                theirs.clone(),
                owner("platform.kubeop.io/v1alpha1", "Certificate"),
            ]),
            resource_version: Some("7".to_owned()),
            ..ObjectMeta::default()
        };
        let wanted = json!({"metadata": {"resourceVersion": "7", "ownerReferences": [theirs]}});
        assert_eq!(without_certificate(&ours), Some(wanted));
    }
}
