//! A node without an agent: its Pods do what a test says, as if a kubelet had seen it.

use anyhow::{Context, Result, ensure};
use kubeop_tests::{Cluster, wait};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{Evening, SOON};

const NODE: &str = "by-hand";

/// Lines of an App's image that bring its Pods to this node, whatever the cluster thinks of it.
pub const HERE: &str = "      nodeSelector: {evenings: by-hand}\n      tolerations: [{operator: Exists}]\n";

/// Makes the node, once.
pub async fn node(cluster: &Cluster) {
    static NODE_MADE: OnceCell<()> = OnceCell::const_new();
    let make = || async {
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"evenings": NODE}},
            "spec": {"taints": [{"key": "evenings", "value": NODE, "effect": "NoSchedule"}]},
        });
        let text = node.to_string();
        cluster.apply(&text).await?;
        let room = json!({"cpu": "8", "memory": "8Gi", "pods": "100"});
        let ready = json!({"type": "Ready", "status": "True", "reason": "ByHand", "message": ""});
        let status = json!({"status": {"capacity": room, "allocatable": room, "conditions": [ready]}});
        let patch = format!("--patch={status}");
        let args = [
            "patch",
            "node",
            NODE,
            "--subresource=status",
            "--type=merge",
            &patch,
        ];
        cluster.kubectl(args).await?.success().map(drop)
    };
    NODE_MADE.get_or_init(|| async { make().await.unwrap() }).await;
}

/// The Pods of the App that are on the node, newest first.
pub async fn pods(evening: &Evening<'_>, count: usize) -> Vec<String> {
    wait::until(&format!("{count} Pods by hand"), SOON, || async {
        let list = evening.get("pods -l app.kubeop.io/app-id=pay").await?;
        let items = list["items"].as_array().context("no items")?;
        let here =
            |pod: &&Value| pod["spec"]["nodeName"] == NODE && pod["metadata"]["deletionTimestamp"].is_null();
        let mut found: Vec<(String, String)> = items
            .iter()
            .filter(here)
            .map(|pod| {
                let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
                (text("creationTimestamp"), text("name"))
            })
            .collect();
        found.sort();
        ensure!(found.len() >= count, "{found:?}");
        Ok::<_, anyhow::Error>(found.into_iter().rev().map(|(_, name)| name).collect())
    })
    .await
    .unwrap()
}

/// Writes the status of a Pod.
pub async fn plays(evening: &Evening<'_>, pod: &str, status: &Value) -> Result<()> {
    let patch = format!("--patch={}", json!({"status": status}));
    let ns = &evening.ns;
    let args = [
        "patch",
        "pod",
        pod,
        "-n",
        ns,
        "--subresource=status",
        "--type=merge",
        &patch,
    ];
    evening.kubeop.cluster().kubectl(args).await?.success().map(drop)
}

/// A Pod whose container `pay` is in this state.
pub fn container(phase: &str, container: Value) -> Value {
    let unready = |kind: &str| json!({"type": kind, "status": "False", "reason": "ContainersNotReady"});
    let mut container = container;
    for (field, value) in [
        ("name", json!("pay")),
        ("image", json!("x")),
        ("imageID", json!("")),
        ("ready", json!(false)),
    ] {
        container[field] = value;
    }
    if container["restartCount"].is_null() {
        container["restartCount"] = json!(0);
    }
    json!({"phase": phase, "conditions": [unready("Ready"), unready("ContainersReady")], "containerStatuses": [container]})
}

pub fn waiting(reason: &str, message: &str) -> Value {
    container(
        "Pending",
        json!({"state": {"waiting": {"reason": reason, "message": message}}}),
    )
}

/// A Pod that runs and is ready.
pub fn ready() -> Value {
    let ready =
        |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut status = container(
        "Running",
        json!({"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}),
    );
    status["conditions"] = json!([ready("Ready"), ready("ContainersReady")]);
    status["containerStatuses"][0]["ready"] = json!(true);
    status["containerStatuses"][0]["started"] = json!(true);
    status
}
