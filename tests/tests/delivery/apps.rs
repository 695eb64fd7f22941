//! Apps of kind Image: delivered, changed, scaled.

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::wait;
use serde_json::{Value, json};

use crate::support::{SOON, Stage, condition, image_app};

const HOOK: &str = "  hooks:\n    pre:\n    - {name: migrate, image: 'ghcr.io/acme/migrate:1'}\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_delivered_after_its_pre_hook() {
    let stage = Stage::shared().await;
    stage.project("first").await.unwrap();
    let ns = "kubeop-first";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK))
        .await
        .unwrap();
    let app = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(app["status"]["revision"].as_str().map(str::len), Some(12));
    assert_eq!(app["status"]["replicas"], 2);
    for kind in ["PreHooksSucceeded", "Applied", "Healthy", "PostHooksSucceeded"] {
        assert_eq!(condition(&app, kind)["status"], "True", "{kind}");
    }
    let job = stage.get(ns, "jobs").await.unwrap()["items"][0].clone();
    let deployment = stage.get(ns, "deployments/pay").await.unwrap();
    assert!(
        job["status"]["completionTime"].as_str() <= deployment["metadata"]["creationTimestamp"].as_str(),
        "the hook ends before the Deployment is made"
    );
    let record = stage.get(ns, "configmaps/kubeop-revision-pay").await.unwrap();
    let history = record["data"]["history"].as_str().unwrap();
    assert!(
        history.contains("outcome: Succeeded") && history.contains("ghcr.io/acme/pay:1"),
        "{history}"
    );
    let revision = app["status"]["revision"].as_str().unwrap();
    assert!(history.contains(&format!("hash: {revision}")), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivered_object_says_whose_it_is() {
    let stage = Stage::shared().await;
    stage.project("owned").await.unwrap();
    let ns = "kubeop-owned";
    let ingress = "      ingress: {host: pay.example.com, dns: {target: 192.0.2.1}, tls: true}\n";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", ingress))
        .await
        .unwrap();
    let kinds = [
        "deployments",
        "services",
        "ingresses",
        "dnsrecords.platform.kubeop.io",
        "certificates.platform.kubeop.io",
    ];
    wait::until("all are there", SOON, || async {
        for kind in kinds {
            ensure!(!stage.get(ns, &format!("{kind}/pay")).await?.is_null(), "{kind}");
        }
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    for kind in kinds {
        let object = stage.get(ns, &format!("{kind}/pay")).await.unwrap();
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubeop.io/app-id"], "pay", "{kind}");
        assert_eq!(labels["app.kubeop.io/project-id"], "owned", "{kind}");
        assert_eq!(labels["app.kubeop.io/tenant-id"], "acme", "{kind}");
        assert!(labels["app.kubeop.io/cluster-id"].is_string(), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_is_no_revision_and_runs_no_hook() {
    let stage = Stage::shared().await;
    stage.project("scaled").await.unwrap();
    let ns = "kubeop-scaled";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK))
        .await
        .unwrap();
    let before = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage
        .kubectl(&format!("scale apps.platform.kubeop.io/pay -n {ns} --replicas=4"))
        .await
        .unwrap();
    wait::until("four Pods", SOON, || async {
        let deployment = stage.get(ns, "deployments/pay").await?;
        ensure!(
            deployment["status"]["readyReplicas"] == 4,
            "{}",
            deployment["status"]
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    let after = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(before["status"]["revision"], after["status"]["revision"]);
    assert_eq!(jobs(stage, ns).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_replicas_the_number_is_left_to_whoever_scales() {
    let stage = Stage::shared().await;
    stage.project("free").await.unwrap();
    let ns = "kubeop-free";
    let app = image_app(ns, "pay", "ghcr.io/acme/pay:1", "").replace("      replicas: 2\n", "");
    stage.apply(&app).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage
        .kubectl(&format!("scale deployment/pay -n {ns} --replicas=3"))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    stage.apply(&app.replace("pay:1", "pay:2")).await.unwrap();
    wait::until("the new image", SOON, || async {
        let deployment = stage.get(ns, "deployments/pay").await?;
        ensure!(image_of(&deployment) == "ghcr.io/acme/pay:2", "{deployment}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    let deployment = stage.get(ns, "deployments/pay").await.unwrap();
    assert_eq!(deployment["spec"]["replicas"], 3);
}

/// The API server fills in `rollingUpdate`, and refuses it beside `Recreate`.
#[tokio::test(flavor = "multi_thread")]
async fn the_rollout_strategy_can_change_to_recreate_and_back() {
    let stage = Stage::shared().await;
    stage.project("strategy").await.unwrap();
    let ns = "kubeop-strategy";
    for rollout in [
        "",
        "      rollout: {strategy: Recreate}\n",
        "      rollout: {maxSurge: 1}\n",
    ] {
        stage
            .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", rollout))
            .await
            .unwrap();
        stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    }
}

/// Equal revisions are one: its hooks do not run again, and it gets the next number.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_comes_back_is_the_same_revision() {
    let stage = Stage::shared().await;
    stage.project("back").await.unwrap();
    let ns = "kubeop-back";
    let app = |image: &str| image_app(ns, "pay", image, HOOK);
    let mut revisions = Vec::new();
    for image in ["ghcr.io/acme/pay:1", "ghcr.io/acme/pay:2", "ghcr.io/acme/pay:1"] {
        stage.apply(&app(image)).await.unwrap();
        let app = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        revisions.push(app["status"]["revision"].clone());
    }
    assert_eq!(revisions[0], revisions[2]);
    assert_ne!(revisions[0], revisions[1]);
    assert_eq!(jobs(stage, ns).await, 2);
    let record = stage.get(ns, "configmaps/kubeop-revision-pay").await.unwrap();
    assert_eq!(record["data"]["delivered"], "3");
}

/// S49: read right after creation, it says that nobody has looked at it.
#[tokio::test(flavor = "multi_thread")]
async fn s49_a_new_app_is_not_taken_for_a_ready_one() {
    let stage = Stage::shared().await;
    stage.project("new").await.unwrap();
    let created = stage
        .cluster
        .kubectl_with_input(
            [
                "create",
                "-f",
                "-",
                "-o",
                "jsonpath={.status.observedGeneration} {.metadata.generation}",
            ],
            &image_app("kubeop-new", "pay", "ghcr.io/acme/pay:1", ""),
        )
        .await
        .unwrap();
    assert_eq!(created.success().unwrap(), "-1 1");
}

pub async fn jobs(stage: &Stage, ns: &str) -> usize {
    stage.get(ns, "jobs").await.unwrap()["items"]
        .as_array()
        .map_or(0, Vec::len)
}

pub fn image_of(deployment: &Value) -> Value {
    deployment
        .pointer("/spec/template/spec/containers/0/image")
        .cloned()
        .unwrap_or(json!(null))
}
