//! The end of kubeOP, and not of what it delivered.

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::wait;
use serde_json::Value;

use crate::ground::{Ground, SOON, WEB};
use crate::pages;

/// Uids and restarts of the Pods that run.
async fn pods(ground: &Ground) -> Vec<(String, i64)> {
    let pods = ground
        .get(&format!("pods -n {WEB} --field-selector=status.phase=Running"))
        .await
        .unwrap();
    let pods = pods["items"].as_array().cloned().unwrap_or_default();
    let mut pods: Vec<_> = pods
        .iter()
        .map(|pod| {
            let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_i64();
            let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
            (uid.to_owned(), restarts.unwrap_or(-1))
        })
        .collect();
    pods.sort();
    pods
}

/// Twenty Apps, Ready.
async fn twenty_apps(ground: &Ground) {
    let app = |number: u32| {
        format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n\
             metadata: {{name: small-{number}, namespace: {WEB}}}\n\
             spec:\n  projectRef: web\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n\
             \x20     - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: small-{number}}}, data: {{a: b}}}}\n"
        )
    };
    let apps: Vec<String> = (0..20).map(app).collect();
    ground.apply(&apps.join("---\n")).await.unwrap();
    for number in 0..20 {
        ground.app_is_ready(&format!("small-{number}")).await;
    }
}

async fn nothing_is_terminating(ground: &Ground) {
    wait::until("nothing is Terminating", SOON, || async {
        let namespaces = ground.get("namespaces").await?;
        let ending = |object: &&Value| object["metadata"]["deletionTimestamp"].is_string();
        let items = namespaces["items"].as_array().cloned().unwrap_or_default();
        let ending: Vec<_> = items.iter().filter(ending).collect();
        ensure!(ending.is_empty(), "{ending:?}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

/// Everything that the Apps delivered is there.
async fn is_all_there(ground: &Ground) -> String {
    let left = ground
        .kubectl(&format!("-n {WEB} get configmaps,deployments,services -o name"))
        .await
        .unwrap();
    for wanted in [
        "configmap/small-0",
        "configmap/small-19",
        "deployment.apps/payments",
    ] {
        assert!(left.contains(wanted), "no {wanted} in:\n{left}");
    }
    left
}

pub async fn s53_it_goes_and_leaves_everything_running(ground: &Ground) {
    twenty_apps(ground).await;
    for line in [
        "-n kubeop-system annotate secret ghcr platform.kubeop.io/tenants-",
        "patch project web --type=merge -p {\"spec\":{\"registryCredentials\":[{\"name\":\"ghcr\"}]}}",
        "wait project/web --for=condition=CredentialsMirrored --timeout=30s",
    ] {
        ground.kubectl(line).await.unwrap();
    }
    let before = pods(ground).await;
    assert!(!before.is_empty());
    pages::follow(ground, "operation/uninstall").await;
    nothing_is_terminating(ground).await;
    assert_eq!(pods(ground).await, before);
    let mirror = ground.get(&format!("secret/ghcr -n {WEB}")).await.unwrap();
    let metadata = &mirror["metadata"];
    assert!(
        metadata["ownerReferences"].is_null() && metadata["labels"]["platform.kubeop.io/mirror-of"].is_null(),
        "Pods still pull with it, and nobody takes it away: {metadata}"
    );
    let left = is_all_there(ground).await;
    assert!(!left.contains("kubeop-revision"), "records are left:\n{left}");
}

/// Whoever forgets `release` finds kinds that cannot go, and nothing else gone. The way out is the one of the page.
pub async fn s53_it_goes_without_release_and_takes_nothing_along(ground: &Ground) {
    let install = "kubectl apply -k manifests/crds && kubectl apply -k manifests && \
        kubectl -n kubeop-system wait deploy --all --for=condition=Available --timeout=120s";
    ground.paste(install).await.unwrap();
    let owners = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n---\n\
        apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: web}\nspec: {tenantRef: acme}\n";
    // The API server learns of the new registrations' CA by a watch.
    wait::until("owners are admitted", SOON, || ground.apply(owners))
        .await
        .unwrap();
    ground
        .kubectl("wait project/web --for=condition=Ready --timeout=60s")
        .await
        .unwrap();
    twenty_apps(ground).await;
    let before = pods(ground).await;
    for line in [
        "kubectl delete -k manifests --timeout=120s",
        "kubectl delete -k manifests/crds --wait=false",
    ] {
        ground.paste(line).await.unwrap();
    }
    // Time for whoever would take something along.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(pods(ground).await, before);
    is_all_there(ground).await;
    let apps = ground
        .get(&format!("apps.platform.kubeop.io -n {WEB}"))
        .await
        .unwrap();
    assert_eq!(
        apps["items"].as_array().map(Vec::len),
        Some(20),
        "they wait: {apps}"
    );
    ground.paste(install).await.unwrap();
    wait::until("the kinds are gone", SOON, || async {
        let kinds = ground.kubectl("get crds -o name").await?;
        ensure!(!kinds.contains("apps.platform.kubeop.io"), "{kinds}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    assert_eq!(pods(ground).await, before);
    is_all_there(ground).await;
}
