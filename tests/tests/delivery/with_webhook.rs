//! Both programs together: the gate is proven shut, and nothing is written without need.

use std::time::Duration;

use anyhow::{Result, ensure};
use kubeop_tests::{KubeOp, wait};
use serde_json::Value;

use crate::support::{SOON, condition, image_app};

async fn kubectl(kubeop: &KubeOp<'_>, args: &str) -> Result<String> {
    kubeop.cluster().kubectl(args.split_whitespace()).await?.success()
}

async fn apply(kubeop: &KubeOp<'_>, yaml: &str) -> Result<String> {
    kubeop.cluster().apply(yaml).await
}

async fn ready_of(kubeop: &KubeOp<'_>, what: &str) -> Result<Value> {
    let found: Value = serde_json::from_str(&kubectl(kubeop, &format!("get {what} -o json")).await?)?;
    Ok(condition(&found, "Ready"))
}

async fn is(kubeop: &KubeOp<'_>, what: &str, status: &str, message: &str) {
    wait::until(what, SOON, || async {
        let ready = ready_of(kubeop, what).await?;
        let says = ready["message"].to_string().contains(message);
        ensure!(ready["status"] == status && says, "{ready}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

fn project(name: &str) -> String {
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\nspec: {{tenantRef: acme}}\n"
    )
}

/// One test, since the programs are stopped in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_proven_shut_and_a_steady_cluster_is_not_written_to() {
    let kubeop = KubeOp::shared().await;
    let tenant = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n";
    apply(kubeop, tenant).await.unwrap();
    apply(kubeop, &project("web")).await.unwrap();
    is(kubeop, "project/web", "True", "a foreign image is refused").await;

    let app = image_app("kubeop-web", "pay", "ghcr.io/acme/pay:1", "");
    apply(kubeop, &app).await.unwrap();
    let pay = "apps.platform.kubeop.io/pay -n kubeop-web";
    is(kubeop, pay, "True", "").await;

    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = kubeop.cluster().audit_log().unwrap().from_now().unwrap();
    let answer = apply(kubeop, &app).await.unwrap();
    assert!(answer.contains("unchanged"), "{answer}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.kubeop_calls().unwrap(), [], "a steady cluster costs no call");
    kubeop.restart_controller().await.unwrap();
    kubeop.kill_controller().await.unwrap();
    kubeop.start_controller().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        log.kubeop_writes().unwrap(),
        [],
        "nor does a restart write anything"
    );

    // Without the webhook nothing is proven, and what was proven stays.
    kubeop.stop_webhook().await.unwrap();
    is(kubeop, pay, "True", "").await;
    is(kubeop, "project/web", "True", "").await;
    kubeop.start_webhook().await.unwrap();
    apply(kubeop, &project("late")).await.unwrap();
    is(kubeop, "project/late", "True", "a foreign image is refused").await;
}
