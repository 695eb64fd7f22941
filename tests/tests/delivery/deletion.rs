//! The end of an App.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::support::{SOON, Stage, image_app};

const HOOK: &str = "  hooks:\n    pre:\n    - {name: migrate, image: 'ghcr.io/acme/migrate:1'}\n";

async fn nothing_left(stage: &Stage, ns: &str) {
    let kinds = "apps.platform.kubeop.io,deployments,replicasets,pods,services,ingresses,jobs,\
                 dnsrecords.platform.kubeop.io,certificates.platform.kubeop.io,configmaps";
    wait::until("nothing is left", SOON, || async {
        let left = stage.kubectl(&format!("get {kinds} -n {ns} -o name")).await?;
        let left: Vec<_> = left
            .lines()
            .filter(|line| !line.contains("kube-root-ca.crt"))
            .collect();
        ensure!(left.is_empty(), "{left:?}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_leaves_nothing() {
    let stage = Stage::shared().await;
    stage.project("leaving").await.unwrap();
    let ns = "kubeop-leaving";
    let ingress = "      ingress: {host: pay.example.com, dns: {target: 192.0.2.1}, tls: true}\n";
    let more = format!("{ingress}{HOOK}");
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    // The routes come last. The App does not become Ready: no resolver knows the host.
    wait::until("all is there", SOON, || async {
        let route = stage.get(ns, "certificates.platform.kubeop.io/pay").await?;
        ensure!(!route.is_null(), "no route yet");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
    nothing_left(stage, ns).await;
}

/// S62: whatever way it is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn s62_the_way_of_deleting_does_not_matter() {
    let stage = Stage::shared().await;
    stage.project("ways").await.unwrap();
    let ns = "kubeop-ways";
    for way in ["foreground", "orphan"] {
        stage
            .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK))
            .await
            .unwrap();
        stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        let delete = format!("delete apps.platform.kubeop.io/pay -n {ns} --cascade={way} --timeout=30s");
        stage.kubectl(&delete).await.unwrap();
        nothing_left(stage, ns).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_policy_orphan_everything_delivered_stays() {
    let stage = Stage::shared().await;
    stage.project("orphan").await.unwrap();
    let ns = "kubeop-orphan";
    stage
        .apply(&image_app(
            ns,
            "pay",
            "ghcr.io/acme/pay:1",
            "  deletionPolicy: Orphan\n",
        ))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    for what in ["deployments/pay", "services/pay"] {
        assert!(!stage.get(ns, what).await.unwrap().is_null(), "{what}");
    }
    assert!(
        stage
            .get(ns, "configmaps/kubeop-revision-pay")
            .await
            .unwrap()
            .is_null()
    );
}

/// An App that never got anywhere, too.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_a_project_can_be_deleted() {
    let stage = Stage::shared().await;
    stage.project("lonely").await.unwrap();
    let ns = "kubeop-lonely";
    let app =
        image_app(ns, "pay", "ghcr.io/acme/pay:1", "").replace("projectRef: lonely", "projectRef: nowhere");
    stage.apply(&app).await.unwrap();
    stage.app_is(ns, "pay", "False", "ProjectNotFound").await.unwrap();
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
    nothing_left(stage, ns).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_deleted_goes_with_its_apps() {
    let stage = Stage::shared().await;
    stage.project("going").await.unwrap();
    let ns = "kubeop-going";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage.kubectl("delete project/going --wait=false").await.unwrap();
    stage
        .kubectl(&format!("delete namespace/{ns} --timeout=60s"))
        .await
        .unwrap();
    stage
        .kubectl("wait project/going --for=delete --timeout=30s")
        .await
        .unwrap();
}
