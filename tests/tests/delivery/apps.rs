//! An App of kind Image, from its first look to its end.

use crate::support::{Stage, condition, image_app};

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
    assert_eq!(condition(&app, "PreHooksSucceeded")["status"], "True");
    println!(
        "{}",
        stage
            .kubectl(&format!("get all,configmaps,events -n {ns}"))
            .await
            .unwrap()
    );
    println!(
        "{}",
        stage
            .kubectl(&format!("get configmap kubeop-revision-pay -o yaml -n {ns}"))
            .await
            .unwrap()
    );
    println!(
        "{}",
        stage.kubectl(&format!("describe apps -n {ns}")).await.unwrap()
    );
}
