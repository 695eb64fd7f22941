//! The end of kubeOP itself.

use crate::support::{Stage, alone, app, cluster};
use serde_json::json;

/// S53: whoever deletes the definitions deletes all Projects with them, and meant none of their namespaces.
#[tokio::test(flavor = "multi_thread")]
async fn s53_definitions_that_are_deleted_take_no_namespace_along() {
    let cluster = cluster().await;
    let kubeop = alone(&cluster).await;
    let stage = Stage::on(&kubeop);
    stage.project("left", json!({"deletionPolicy": "Delete"})).await;
    stage.applied(&app("left", "pay", "ghcr.io/acme/pay:1")).await;
    stage.ready("apps.platform.kubeop.io/pay -n kubeop-left").await;
    let before = stage.get("deployment/pay -n kubeop-left").await.unwrap();
    stage
        .done(
            "delete crd tenants.platform.kubeop.io projects.platform.kubeop.io apps.platform.kubeop.io --timeout=60s",
        )
        .await;
    let after = stage.get("deployment/pay -n kubeop-left").await.unwrap();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
    let namespace = stage.get("namespace/kubeop-left").await.unwrap();
    assert!(
        namespace["metadata"]["deletionTimestamp"].is_null(),
        "{namespace}"
    );
    assert_eq!(
        namespace["metadata"]["labels"]["app.kubeop.io/project-id"],
        "left"
    );
}
