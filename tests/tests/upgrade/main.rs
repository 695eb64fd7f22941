//! The rehearsal of an upgrade: what the last version left, under the programs of today. Whoever changes a hash or what
//! is rendered learns here that it restarts every Pod of every user.

use std::time::Duration;

use anyhow::{Result, ensure};
use kubeop_tests::audit::Entry;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::upgrade::{APPS, CLUSTER_ID, NAMESPACE, load, newest};
use kubeop_tests::{Cluster, KubeOp, Options, page, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);

async fn get(cluster: &Cluster, what: &str) -> Result<Value> {
    let args = format!("get {what} -n {NAMESPACE} -o json");
    Ok(serde_json::from_str(
        &cluster.kubectl(args.split(' ')).await?.success()?,
    )?)
}

/// Something of each object, by kind and name.
async fn each(cluster: &Cluster, kinds: &str, pointer: &str) -> Vec<(String, Value)> {
    let list = get(cluster, kinds).await.unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let told = items.map(|item| {
        let name = format!("{} {}", item["kind"], item["metadata"]["name"]);
        (name, item.pointer(pointer).cloned().unwrap_or_default())
    });
    told.collect()
}

/// Waits until every App is Ready and as it is now.
async fn ready(cluster: &Cluster) {
    wait::until("all Apps are Ready", SOON, || async {
        for app in get(cluster, "apps.platform.kubeop.io").await?["items"]
            .as_array()
            .unwrap()
        {
            let status = &app["status"];
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let mut ready = conditions.filter(|c| c["type"] == "Ready" && c["status"] == "True");
            let current = status["observedGeneration"] == app["metadata"]["generation"];
            ensure!(
                current && ready.next().is_some(),
                "{}: {status}",
                app["metadata"]["name"]
            );
        }
        Ok(())
    })
    .await
    .unwrap();
}

/// Waits until the controller has looked at so many Apps.
async fn looked_at(kubeop: &KubeOp<'_>, apps: usize) {
    let url = format!("{}/metrics", kubeop.controller_url());
    wait::until("every App was looked at", SOON, || async {
        let page = page::get(&url, None).await?;
        let mut lines = page.lines();
        let count = lines.find_map(|line| line.strip_prefix("kubeop_controller_look_seconds_count "));
        let count: usize = count.unwrap_or("0").parse()?;
        ensure!(count >= apps, "{count} looks");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_finds_nothing_to_do() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    load(&cluster, &newest().unwrap()).await.unwrap();
    for workload in ["deployment/pay", "deployment/web", "statefulset/store"] {
        let args = format!("rollout status {workload} -n {NAMESPACE} --timeout=60s");
        cluster.kubectl(args.split(' ')).await.unwrap().success().unwrap();
    }
    let workloads = "deployments.apps,statefulsets.apps";
    let generations = each(&cluster, workloads, "/metadata/generation").await;
    let uids = each(&cluster, "pods", "/metadata/uid").await;
    let revisions = each(&cluster, "apps.platform.kubeop.io", "/status/revision").await;
    let histories = each(&cluster, "configmaps", "/data/history").await;
    assert!(
        revisions.iter().all(|(_, revision)| revision.is_string()),
        "{revisions:?}"
    );

    let log = cluster.audit_log().expect("an audit log").from_now().unwrap();
    let options = InstallOptions {
        webhook_args: vec![CLUSTER_ID.to_owned()],
        controller_args: vec![CLUSTER_ID.to_owned()],
        ..InstallOptions::default()
    };
    let kubeop = KubeOp::install(&cluster, options).await.unwrap();
    looked_at(&kubeop, revisions.len()).await;
    ready(&cluster).await;
    // Whatever a belated controller would still do.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let delivers = |entry: &Entry| {
        ["deployments", "statefulsets", "jobs", "services", "ingresses"].contains(&entry.resource.as_str())
    };
    let writes: Vec<String> = log
        .kubeop_writes()
        .unwrap()
        .iter()
        .filter(|entry| delivers(entry))
        .map(ToString::to_string)
        .collect();
    assert!(
        writes.is_empty(),
        "the upgrade would write these: {writes:#?}\nIf that is meant, and the version of the snapshot was never \
         released: `just snapshot`"
    );
    assert_eq!(
        each(&cluster, workloads, "/metadata/generation").await,
        generations
    );
    assert_eq!(each(&cluster, "pods", "/metadata/uid").await, uids);
    ready(&cluster).await;
    assert_eq!(
        each(&cluster, "apps.platform.kubeop.io", "/status/revision").await,
        revisions
    );
    assert_eq!(each(&cluster, "configmaps", "/data/history").await, histories);
    it_goes_on(&cluster).await;
}

/// That nothing was written shows only what it should if the controller holds what was loaded for its own.
async fn it_goes_on(cluster: &Cluster) {
    let delete = format!("delete configmap web -n {NAMESPACE}");
    cluster
        .kubectl(delete.split(' '))
        .await
        .unwrap()
        .success()
        .unwrap();
    wait::until("what was deleted is there again", SOON, || {
        get(cluster, "configmap/web")
    })
    .await
    .unwrap();
    let third = APPS.replace("acme/pay:1", "acme/pay:3");
    let applied = cluster.kubectl_with_input(["apply", "-f", "-"], &third);
    applied.await.unwrap().success().unwrap();
    ready(cluster).await;
    let record = get(cluster, "configmap/kubeop-revision-pay").await.unwrap();
    let history = record["data"]["history"].as_str().unwrap();
    for tag in 1..=3 {
        assert!(history.contains(&format!("acme/pay:{tag}")), "{history}");
    }
}
