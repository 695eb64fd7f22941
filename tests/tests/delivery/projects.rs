//! Projects and their namespaces.

use anyhow::ensure;
use kubeop_tests::wait;
use serde_json::Value;

use crate::support::{SOON, Stage, condition};

fn project(name: &str, more: &str) -> String {
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\n\
         spec: {{tenantRef: acme, enforcement: Audit{more}}}\n"
    )
}

async fn is(stage: &Stage, name: &str, status: &str, reason: &str) -> Value {
    wait::until(&format!("Project {name} is {status} {reason}"), SOON, || async {
        let text = stage.kubectl(&format!("get project {name} -o json")).await?;
        let found: Value = serde_json::from_str(&text)?;
        let ready = condition(&found, "Ready");
        ensure!(
            ready["status"] == status && ready["reason"] == reason,
            "{}",
            found["status"]
        );
        Ok::<_, anyhow::Error>(ready)
    })
    .await
    .unwrap()
}

async fn namespace(stage: &Stage, name: &str) -> Value {
    serde_json::from_str(
        &stage
            .kubectl(&format!("get namespace {name} -o json"))
            .await
            .unwrap(),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_makes_its_namespace_and_what_delivery_needs_there() {
    let stage = Stage::shared().await;
    stage.project("made").await.unwrap();
    let labels = namespace(stage, "kubeop-made").await["metadata"]["labels"].clone();
    assert_eq!(labels["app.kubeop.io/project-id"], "made");
    assert_eq!(labels["app.kubeop.io/tenant-id"], "acme");
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
    for what in [
        "serviceaccounts/kubeop-deployer",
        "rolebindings/kubeop-deployer",
        "rolebindings/kubeop-impersonate-deployer",
    ] {
        assert!(!stage.get("kubeop-made", what).await.unwrap().is_null(), "{what}");
    }
    stage
        .kubectl("label namespace kubeop-made app.kubeop.io/tenant-id=other --overwrite")
        .await
        .unwrap();
    wait::until("the label is back", SOON, || async {
        let labels = namespace(stage, "kubeop-made").await["metadata"]["labels"].clone();
        ensure!(labels["app.kubeop.io/tenant-id"] == "acme", "{labels}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

/// S57: what the schema lets through is refused by a condition, and nothing is labelled.
#[tokio::test(flavor = "multi_thread")]
async fn s57_a_namespace_that_is_not_free_is_refused() {
    let stage = Stage::shared().await;
    stage.project("holder").await.unwrap();
    stage.kubectl("create namespace somebodys").await.unwrap();
    for (name, taken) in [("thief", "kubeop-holder"), ("taker", "somebodys")] {
        let before = namespace(stage, taken).await["metadata"]["resourceVersion"].clone();
        stage
            .apply(&project(name, &format!(", namespace: {taken}")))
            .await
            .unwrap();
        let ready = is(stage, name, "False", "NamespaceRefused").await;
        println!("{}", ready["message"]);
        assert_eq!(
            namespace(stage, taken).await["metadata"]["resourceVersion"],
            before
        );
    }
    for never in ["default", "kube-system", "kubeop-system"] {
        let before = namespace(stage, never).await["metadata"]["labels"].clone();
        let yaml = project(&format!("never-{never}"), &format!(", namespace: {never}"));
        if stage.apply(&yaml).await.is_ok() {
            is(stage, &format!("never-{never}"), "False", "NamespaceRefused").await;
        }
        assert_eq!(
            namespace(stage, never).await["metadata"]["labels"],
            before,
            "{never}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_adopted_when_both_agree() {
    let stage = Stage::shared().await;
    // What is remembered of a look is lost with the program.
    let _running = stage.running.read().await;
    stage.kubectl("create namespace old").await.unwrap();
    stage
        .apply(&project("young", ", namespace: old, adopt: true"))
        .await
        .unwrap();
    let message = is(stage, "young", "False", "NamespaceRefused").await["message"].to_string();
    assert!(message.contains("kubectl annotate namespace old"), "{message}");
    stage
        .kubectl("annotate namespace old platform.kubeop.io/adopt=young")
        .await
        .unwrap();
    is(stage, "young", "True", "Succeeded").await;
}

/// Without the webhook there is no proof that a foreign image is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_a_gate_is_not_ready() {
    let stage = Stage::shared().await;
    let yaml = project("open", "").replace(", enforcement: Audit", "");
    stage.apply(&yaml).await.unwrap();
    // At first the rights to ask may be new to the API server.
    wait::until("the gate is said to be open", SOON, || async {
        let message = is(stage, "open", "False", "GateOpen").await["message"].to_string();
        ensure!(message.contains("kubeop.invalid"), "{message}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}
