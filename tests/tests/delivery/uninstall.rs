//! The end of kubeOP itself, or of a part of it.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::support::{SOON, Stage, image_app};

/// Whoever deletes the definition of Apps deletes all Apps with it, and meant none of their Pods.
#[tokio::test(flavor = "multi_thread")]
async fn s53_a_definition_that_is_deleted_takes_no_workload_along() {
    let stage = Stage::alone().await;
    stage.project("left").await.unwrap();
    let ns = "kubeop-left";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let before = stage.get(ns, "deployments/pay").await.unwrap();
    stage
        .kubectl("delete crd apps.platform.kubeop.io --timeout=60s")
        .await
        .unwrap();
    wait::until("the record is gone", SOON, || async {
        let record = stage.get(ns, "configmaps/kubeop-revision-pay").await?;
        ensure!(record.is_null(), "{record}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    for what in ["deployments/pay", "services/pay"] {
        let left = stage.get(ns, what).await.unwrap();
        assert!(
            left["metadata"]["uid"].is_string() && left["metadata"]["deletionTimestamp"].is_null(),
            "{what}: {left}"
        );
    }
    let after = stage.get(ns, "deployments/pay").await.unwrap();
    assert_eq!(before["metadata"]["generation"], after["metadata"]["generation"]);
}
