//! A restore from a backup into a new cluster, as Velero does it: without owner references and status, by its account.

mod backup;

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, Identity, KubeOp, Options, wait};
use rstest::rstest;
use serde_json::Value;

use backup::{Backup, NS, Order};

const SOON: Duration = Duration::from_secs(90);

const OWNERS: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n---\n\
    apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: web}\nspec: {tenantRef: acme}\n";

/// An App with a hook before and one after.
fn pay(tag: u32) -> String {
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {NS}}}\n\
         spec:\n  projectRef: web\n  delivery:\n    kind: Image\n    image:\n      ref: ghcr.io/acme/pay:{tag}\n\
         \x20     replicas: 2\n      ports: [{{name: http, containerPort: 8080}}]\n\
         \x20 hooks:\n    pre: [{{name: migrate, image: 'ghcr.io/acme/migrate:{tag}'}}]\n\
         \x20   post: [{{name: tell, image: 'ghcr.io/acme/tell:{tag}'}}]\n"
    )
}

/// An App that brings a Secret and a claim of its own.
const RAW: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {name: store, namespace: kubeop-web}\n\
    spec:\n  projectRef: web\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n\
    \x20     - {apiVersion: v1, kind: Secret, metadata: {name: store}, stringData: {key: value}}\n\
    \x20     - {apiVersion: v1, kind: ConfigMap, metadata: {name: store}, data: {a: b}}\n";

async fn apply(cluster: &Cluster, yaml: &str) {
    cluster.apply(yaml).await.unwrap();
}

async fn get(cluster: &Cluster, what: &str) -> anyhow::Result<Value> {
    cluster.get(&format!("{what} -n {NS}")).await
}

async fn ready(cluster: &Cluster, app: &str) {
    wait::until(&format!("{app} is Ready"), SOON, || async {
        let app = get(cluster, &format!("apps.platform.kubeop.io/{app}")).await?;
        let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
        let conditions = app["status"]["conditions"].as_array();
        let ready =
            conditions.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
        ensure!(current && ready, "{}", app["status"]);
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    let mut names: Vec<_> = items
        .filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[rstest]
#[case::as_velero_orders_it(Order::Velero)]
#[case::apps_before_everything(Order::AppsFirst)]
#[tokio::test(flavor = "multi_thread")]
async fn s52_a_restore_runs_no_hook_and_restarts_no_pod(#[case] order: Order) {
    let old = Cluster::start(Options::default()).await.unwrap();
    let kubeop = KubeOp::install(&old, InstallOptions::default()).await.unwrap();
    apply(&old, OWNERS).await;
    let project_ready = ["wait", "project/web", "--for=condition=Ready", "--timeout=60s"];
    old.kubectl(project_ready).await.unwrap().success().unwrap();
    apply(&old, &pay(1)).await;
    ready(&old, "pay").await;
    apply(&old, &pay(2)).await;
    apply(&old, RAW).await;
    ready(&old, "pay").await;
    ready(&old, "store").await;
    let backup = Backup::of(&old).await;
    let history = |record: Value| record["data"]["history"].clone();
    let before = history(get(&old, "configmap/kubeop-revision-pay").await.unwrap());
    assert!(before.is_string(), "a record has a history");
    let cluster_id = |object: &Value| object["metadata"]["labels"]["app.kubeop.io/cluster-id"].clone();
    let old_id = cluster_id(&get(&old, "deployment/pay").await.unwrap());
    drop(kubeop);
    drop(old);

    let new = Cluster::start(Options::default()).await.unwrap();
    let _kubeop = KubeOp::install(&new, InstallOptions::default()).await.unwrap();
    let log = new.audit_log().expect("an audit log").from_now().unwrap();
    let velero = Identity::service_account("velero", "velero");
    backup.restore(&new, &velero, order).await;
    ready(&new, "pay").await;
    ready(&new, "store").await;
    // Whatever a belated controller would still do.
    tokio::time::sleep(Duration::from_secs(3)).await;
    ready(&new, "pay").await;

    let jobs: Vec<_> = log
        .entries()
        .unwrap()
        .into_iter()
        .filter(|entry| entry.resource == "jobs" && entry.verb == "create")
        .collect();
    assert!(jobs.is_empty(), "hooks ran again: {jobs:?}");
    assert_eq!(
        names(&get(&new, "pods").await.unwrap()),
        backup.names_of("Pod"),
        "the Pods are those of the backup"
    );
    assert_eq!(
        names(&get(&new, "replicasets").await.unwrap()),
        backup.names_of("ReplicaSet")
    );
    let record = get(&new, "configmap/kubeop-revision-pay").await.unwrap();
    let app = get(&new, "apps.platform.kubeop.io/pay").await.unwrap();
    assert_eq!(
        record["metadata"]["ownerReferences"][0]["uid"],
        app["metadata"]["uid"]
    );
    assert_eq!(history(record), before);
    let id = cluster_id(&get(&new, "deployment/pay").await.unwrap());
    assert!(id.is_string() && id != old_id, "{id}");
}
