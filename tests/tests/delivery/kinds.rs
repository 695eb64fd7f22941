//! Kinds that kubeOP does not know by heart: custom ones, ones that appear later, ones without a namespace.

use anyhow::ensure;
use kubeop_tests::wait;

use crate::manifests::raw;
use crate::support::{SOON, Stage, condition};

fn definition(group: &str, scope: &str, versions: &[&str]) -> String {
    let versions: Vec<_> = versions
        .iter()
        .enumerate()
        .map(|(index, version)| {
            format!(
                "{{name: {version}, served: true, storage: {}, subresources: {{status: {{}}}}, schema: {{openAPIV3Schema: {{type: \
                 object, x-kubernetes-preserve-unknown-fields: true}}}}}}",
                index == 0
            )
        })
        .collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec: {{group: \
         {group}, scope: {scope}, names: {{kind: Widget, plural: widgets, singular: widget}}, versions: [{}]}}\n",
        versions.join(", ")
    )
}

fn rights(group: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: deliver-{group}, labels: \
         {{platform.kubeop.io/aggregate-to-deployer: 'true'}}}}\nrules: [{{apiGroups: [{group}], resources: ['*'], verbs: ['*']}}]\n"
    )
}

/// S31: clear words first, then success without a restart and without a new spec.
#[tokio::test(flavor = "multi_thread")]
async fn s31_a_kind_that_appears_later_is_delivered_then() {
    let stage = Stage::shared().await;
    stage.project("later").await.unwrap();
    let (ns, group) = ("kubeop-later", "later.example.com");
    stage.apply(&rights(group)).await.unwrap();
    let widget = |version: &str| {
        format!(
            "      - {{apiVersion: {group}/{version}, kind: Widget, metadata: {{name: w}}, spec: {{size: 1}}}}\n"
        )
    };
    let deployment = "      - {apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: '0 0 1 1 *', \
                      jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: \
                      'ghcr.io/acme/c:1'}]}}}}}}\n";
    let app = |version: &str| raw(ns, &[&widget(version), deployment].concat());
    stage.apply(&app("v1")).await.unwrap();
    let waits = stage.app_is(ns, "pay", "False", "UnknownKind").await.unwrap();
    let message = condition(&waits, "Ready")["message"].to_string();
    assert!(
        message.contains("there is no kind Widget in later.example.com/v1"),
        "{message}"
    );
    // Nothing of the stage was applied.
    assert!(stage.get(ns, "cronjobs/c").await.unwrap().is_null());
    stage
        .apply(&definition(group, "Namespaced", &["v1"]))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let size = async |expected: i64| {
        wait::until(&format!("the size is {expected}"), SOON, || async {
            let widget = stage.get(ns, &format!("widgets.{group}/w")).await?;
            ensure!(widget["spec"]["size"] == expected, "{widget}");
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    };
    // Drift of a custom kind is put back as well.
    stage
        .kubectl(&format!(
            "patch widgets.{group}/w -n {ns} --type=merge -p {{\"spec\":{{\"size\":7}}}}"
        ))
        .await
        .unwrap();
    size(1).await;
    stage
        .kubectl(&format!("delete widgets.{group}/w -n {ns}"))
        .await
        .unwrap();
    size(1).await;
    // A version is added, and the App moves to it.
    let uid = stage.get(ns, &format!("widgets.{group}/w")).await.unwrap()["metadata"]["uid"].clone();
    stage
        .apply(&definition(group, "Namespaced", &["v1", "v2"]))
        .await
        .unwrap();
    stage.apply(&app("v2")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let widget = stage.get(ns, &format!("widgets.{group}/w")).await.unwrap();
    assert_eq!(widget["metadata"]["uid"], uid, "one object under two versions");
    // Its status says when it is ready.
    let ready = |state: &str| {
        format!(
            "patch widgets.{group}/w -n {ns} --subresource=status --type=merge -p \
             {{\"status\":{{\"conditions\":[{{\"type\":\"Ready\",\"status\":\"{state}\",\"message\":\"it-warms-up\"}}]}}}}"
        )
    };
    stage.kubectl(&ready("False")).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "Progressing").await.unwrap();
    assert!(
        condition(&app, "Ready")["message"]
            .to_string()
            .contains("it-warms-up")
    );
    stage.kubectl(&ready("True")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    // The kind goes, and all its objects: no reason to hold the App up when that is deleted.
    stage
        .kubectl(&format!("delete crd widgets.{group} --timeout=30s"))
        .await
        .unwrap();
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_a_custom_kind_without_a_namespace_is_refused() {
    let stage = Stage::shared().await;
    stage.project("scope").await.unwrap();
    let (ns, group) = ("kubeop-scope", "scope.example.com");
    stage.apply(&definition(group, "Cluster", &["v1"])).await.unwrap();
    let widget = format!("      - {{apiVersion: {group}/v1, kind: Widget, metadata: {{name: w}}}}\n");
    stage.apply(&raw(ns, &widget)).await.unwrap();
    wait::until("the scope is named", SOON, || async {
        let app = stage.get(ns, "apps.platform.kubeop.io/pay").await?;
        let message = condition(&app, "Ready")["message"].to_string();
        ensure!(message.contains("lives in no namespace"), "{message}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

/// Of Secrets only metadata are watched; that is enough to put them back.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_edited_or_deleted_comes_back() {
    let stage = Stage::shared().await;
    stage.project("secret").await.unwrap();
    let ns = "kubeop-secret";
    let secret = "      - {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}\n";
    stage.apply(&raw(ns, secret)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let is_back = async || {
        wait::until("the Secret is as the App says", SOON, || async {
            let secret = stage.get(ns, "secrets/s").await?;
            ensure!(secret["data"]["a"] == "Yg==", "{secret}");
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    };
    stage
        .kubectl(&format!(
            "patch secret/s -n {ns} --type=merge -p {{\"data\":{{\"a\":\"Yw==\"}}}}"
        ))
        .await
        .unwrap();
    is_back().await;
    stage.kubectl(&format!("delete secret/s -n {ns}")).await.unwrap();
    is_back().await;
}
