//! Fields that change hands: from those who applied before us, to those who scale after us.

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::wait;

use crate::apps::image_of;
use crate::manifests::raw;
use crate::support::{SOON, Stage, condition, image_app};

fn deployment(image: &str, replicas: &str) -> String {
    format!(
        "      - {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{{replicas}selector: {{matchLabels: \
         {{web: main}}}}, template: {{metadata: {{labels: {{web: main}}}}, spec: {{containers: [{{name: main, image: {image}}}]}}}}}}}}\n"
    )
}

async fn replicas(stage: &Stage, ns: &str, name: &str) -> i64 {
    let deployment = stage.get(ns, &format!("deployments/{name}")).await.unwrap();
    deployment["spec"]["replicas"].as_i64().unwrap()
}

/// S24: a key that was applied by hand goes with the App's own, and another controller's stays.
#[tokio::test(flavor = "multi_thread")]
async fn s24_what_was_applied_by_hand_becomes_the_apps() {
    let stage = Stage::shared().await;
    stage.project("adopt").await.unwrap();
    let ns = "kubeop-adopt";
    stage
        .apply(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {ns}}}\ndata: {{a: '1', b: '2', d: '4'}}\n"
        ))
        .await
        .unwrap();
    let other = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {ns}}}\ndata: {{theirs: '3'}}\n"
    );
    let server_side = [
        "apply",
        "--server-side",
        "--field-manager=some-controller",
        "-f",
        "-",
    ];
    let applied = stage
        .cluster
        .kubectl_with_input(server_side, &other)
        .await
        .unwrap();
    applied.success().unwrap();
    let app = |data: &str| {
        raw(
            ns,
            &format!("      - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {data}}}\n"),
        )
    };
    // Another value than the one of kubectl is no conflict, and `d` goes at once.
    stage.apply(&app("{a: '1', b: 'new'}")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let data = stage.get(ns, "configmaps/c").await.unwrap()["data"].to_string();
    assert_eq!(data, r#"{"a":"1","b":"new","theirs":"3"}"#);
    stage.apply(&app("{a: '1'}")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let data = stage.get(ns, "configmaps/c").await.unwrap()["data"].to_string();
    assert_eq!(data, r#"{"a":"1","theirs":"3"}"#);
}

/// S54: a restart survives adoption, drift repair and the next revision, and causes no second one.
#[tokio::test(flavor = "multi_thread")]
async fn s54_a_restart_survives() {
    let stage = Stage::shared().await;
    stage.project("restart").await.unwrap();
    let ns = "kubeop-restart";
    let by_hand = deployment("ghcr.io/acme/web:1", "replicas: 1, ");
    let by_hand = by_hand
        .trim_start_matches("      - ")
        .replace("name: web", &format!("name: web, namespace: {ns}"));
    stage.apply(&by_hand).await.unwrap();
    let restarted = async || {
        let live = stage.get(ns, "deployments/web").await.unwrap();
        live["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone()
    };
    let restart = format!("rollout restart deployment/web -n {ns}");
    stage.kubectl(&restart).await.unwrap();
    let first = restarted().await;
    assert!(first.is_string());
    stage
        .apply(&raw(ns, &deployment("ghcr.io/acme/web:1", "replicas: 1, ")))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(restarted().await, first, "adoption");
    stage
        .kubectl(&format!(
            "set image deployment/web -n {ns} main=ghcr.io/acme/web:hand"
        ))
        .await
        .unwrap();
    wait::until("the image is back", SOON, || async {
        let live = stage.get(ns, "deployments/web").await?;
        ensure!(image_of(&live) == "ghcr.io/acme/web:1", "{live}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    assert_eq!(restarted().await, first, "drift repair");
    stage
        .apply(&raw(ns, &deployment("ghcr.io/acme/web:2", "replicas: 1, ")))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(restarted().await, first, "the next revision");
    let generation = stage.get(ns, "deployments/web").await.unwrap()["metadata"]["generation"].clone();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        stage.get(ns, "deployments/web").await.unwrap()["metadata"]["generation"],
        generation
    );
}

/// S64: the number stays when the App stops saying one, and later is taken up again.
#[tokio::test(flavor = "multi_thread")]
async fn s64_replicas_that_are_no_longer_said_stay() {
    let stage = Stage::shared().await;
    stage.project("unsaid").await.unwrap();
    let ns = "kubeop-unsaid";
    let app = |replicas: &str| {
        image_app(ns, "pay", "ghcr.io/acme/pay:1", "").replace("      replicas: 2\n", replicas)
    };
    stage.apply(&app("      replicas: 3\n")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage.apply(&app("")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    wait::until("replicas are handed over", SOON, || async {
        let fields = stage
            .kubectl(&format!(
                "get deployment/pay -n {ns} --show-managed-fields -o yaml"
            ))
            .await?;
        ensure!(fields.contains("kubeop-handover"), "{fields}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    assert_eq!(replicas(stage, ns, "pay").await, 3);
    stage
        .kubectl(&format!("scale deployment/pay -n {ns} --replicas=4"))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(replicas(stage, ns, "pay").await, 4, "whoever scales decides");
    stage.apply(&app("      replicas: 2\n")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(replicas(stage, ns, "pay").await, 2);
}

/// S30: an autoscaler's number is never set back, with or without `replicas` in the manifest.
#[tokio::test(flavor = "multi_thread")]
async fn s30_what_an_autoscaler_sets_is_left_alone() {
    let stage = Stage::shared().await;
    stage.project("scaler").await.unwrap();
    let ns = "kubeop-scaler";
    let scaler = "      - {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: \
                  {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}\n";
    let app = |image: &str, replicas: &str| raw(ns, &[&deployment(image, replicas), scaler].concat());
    stage
        .apply(&app("ghcr.io/acme/web:1", "replicas: 2, "))
        .await
        .unwrap();
    wait::until("the number is left to the autoscaler", SOON, || async {
        let app = stage.get(ns, "apps.platform.kubeop.io/pay").await?;
        let message = condition(&app, "Applied")["message"].to_string();
        ensure!(
            message.contains("spec.replicas of Deployment web is left to HorizontalPodAutoscaler web"),
            "{message}"
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    // As the autoscaler would, there are no metrics here.
    stage
        .kubectl(&format!("scale deployment/web -n {ns} --replicas=6"))
        .await
        .unwrap();
    for said in ["replicas: 2, ", ""] {
        let image = format!("ghcr.io/acme/web:next-{}", said.len());
        stage.apply(&app(&image, said)).await.unwrap();
        stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(replicas(stage, ns, "web").await, 6, "{said:?}");
        let live = stage.get(ns, "deployments/web").await.unwrap();
        assert_eq!(image_of(&live), image);
    }
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(!events.contains("DriftCorrected"), "{events}");
}
