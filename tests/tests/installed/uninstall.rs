//! The end of kubeOP, and not of what it delivered.

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

pub async fn s53_it_goes_and_leaves_everything_running(ground: &Ground) {
    for number in 0..20 {
        ground
            .apply(&format!(
                "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\n\
                 metadata: {{name: small-{number}, namespace: {WEB}}}\n\
                 spec:\n  projectRef: web\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n\
                 \x20     - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: small-{number}}}, data: {{a: b}}}}\n"
            ))
            .await
            .unwrap();
    }
    for number in 0..20 {
        ground.app_is_ready(&format!("small-{number}")).await;
    }
    let before = pods(ground).await;
    assert!(!before.is_empty());
    pages::follow(ground, "uninstall").await;
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
    assert_eq!(pods(ground).await, before);
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
    assert!(!left.contains("kubeop-revision"), "records are left:\n{left}");
}
