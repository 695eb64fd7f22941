//! What stays free of what kubeOP keeps: the cluster's own controllers do their work, and so do restorers.

use anyhow::ensure;
use kubeop_tests::{Identity, wait};
use serde_json::{Value, json};

use crate::support::{APP, NAMESPACE, SOON, Web, app};

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_not_kubeops_is_free() {
    let web = Web::shared().await;
    let job = web.hook_job(NAMESPACE).await.unwrap();
    for what in [
        format!("configmap/kubeop-revision-{APP}"),
        format!("secret/kubeop-revision-{APP}-1"),
        format!("job/{job}"),
    ] {
        let whole = web.get(&format!("{what} -n {NAMESPACE}")).await.unwrap();
        let mut finalizers = whole["metadata"]["finalizers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        finalizers.push(json!("example.com/mine"));
        for metadata in [
            json!({"labels": {"example.com/mine": "a"}}),
            json!({"annotations": {"example.com/mine": "a"}}),
            json!({"finalizers": finalizers}),
            // As the garbage collector does.
            json!({"ownerReferences": null}),
        ] {
            let fields = json!({"metadata": metadata});
            let patched = web
                .patch(&format!("{what} -n {NAMESPACE} --dry-run=server"), &fields)
                .await;
            patched.success().unwrap();
        }
        let deleted = web
            .write(
                &format!("delete {what} -n {NAMESPACE} --dry-run=server"),
                &Value::Null,
            )
            .await;
        deleted.success().unwrap();
    }
    let status = json!({"status": {"ready": 0}});
    let patched = web
        .patch(
            &format!("job/{job} -n {NAMESPACE} --subresource=status --dry-run=server"),
            &status,
        )
        .await;
    patched.success().unwrap();
}

/// kubeOP touches what is blocked as the deployer, and the deployer owns no project.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_hook_job_is_touched() {
    let web = Web::shared().await;
    let deployer = Identity::service_account(NAMESPACE, "kubeop-deployer");
    let deployer = web.cluster.kubectl_as(&deployer).unwrap();
    let job = web.hook_job(NAMESPACE).await.unwrap();
    let touch = format!("annotate job/{job} -n {NAMESPACE} platform.kubeop.io/touched=now");
    let touched = deployer.run(touch.split(' ')).await.unwrap();
    touched.success().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_ends_and_all_of_an_app_is_collected() {
    let web = Web::shared().await;
    web.project("collected").await.unwrap();
    let ns = "kubeop-collected";
    web.apply(&app(ns, "pay", "100ms")).await.unwrap();
    let ready = format!("wait apps.platform.kubeop.io/pay -n {ns} --for=condition=Ready --timeout=60s");
    web.kubectl(&ready).await.unwrap();
    let kinds = "configmaps,secrets,jobs,pods,deployments,replicasets";
    let delete = format!("delete apps.platform.kubeop.io/pay -n {ns} --cascade=foreground --timeout=60s");
    web.kubectl(&delete).await.unwrap();
    wait::until("nothing is left", SOON, || async {
        let left = format!("get {kinds} -n {ns} -o name");
        let left = web.kubectl(&left).await?;
        ensure!(left.trim() == "configmap/kube-root-ca.crt", "{left}");
        Ok(())
    })
    .await
    .unwrap();
}

/// Whoever restores backups needs no more than the ClusterRole that is there for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_restorer_writes_what_is_reserved() {
    let web = Web::shared().await;
    let restorer = web.cluster.kubectl_as(&Identity::user("rita", &[])).unwrap();
    for role in ["wendy", "kubeop-restorer"] {
        let bind = format!("create clusterrolebinding rita-{role} --clusterrole={role} --user=rita");
        web.kubectl(&bind).await.unwrap();
    }
    let record = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "kubeop-revision-saved", "namespace": NAMESPACE,
        "finalizers": ["platform.kubeop.io/finalizer"]}, "data": {"format": "1"}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "saved", "labels": {"app.kubeop.io/project-id": "web"}}});
    let create = ["create", "--dry-run=server", "-f", "-"];
    for object in [record, namespace] {
        let made = restorer
            .run_with_input(create, &object.to_string())
            .await
            .unwrap();
        made.success().unwrap();
    }
}
