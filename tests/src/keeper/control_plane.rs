//! Starts etcd, the API server, the controller manager, the scheduler, and the nodes, in this order, and waits for
//! them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::ledger::Ledger;
use super::plan::Plan;
use super::{ClusterInfo, START_DEADLINE, real_node};
use crate::kubectl::client_config;
use crate::options::Options;
use crate::process::Process;
use crate::programs::{Level, Programs};
use crate::wait;

/// Marks the nodes that kwok plays.
pub(super) const FAKE_NODE: &str = "kwok.x-k8s.io/node";

/// Starts everything and returns when a Pod could run.
pub(super) async fn start(
    options: &Options,
    images: &[PathBuf],
    programs: &Programs,
    ledger: &mut Ledger,
) -> Result<ClusterInfo> {
    if options.level() == Level::RealNode {
        real_node::prepare_network(ledger.folder())?;
    }
    let plan = Plan::new(options, programs, ledger)?;
    start_program(ledger, "etcd", plan.etcd())?;
    start_program(ledger, "kube-apiserver", plan.api_server()?)?;
    let client = Client::try_from(client_config(&plan.admin).await?)?;
    await_api(&client, ledger).await?;
    start_program(ledger, "kube-controller-manager", plan.controller_manager())?;
    start_program(ledger, "kube-scheduler", plan.scheduler())?;
    let mut nodes = options.fake_nodes;
    if options.fake_nodes > 0 {
        start_program(ledger, "kwok", plan.kwok())?;
        make_fake_nodes(&client, options.fake_nodes).await?;
    }
    if options.level() == Level::RealNode {
        plan.real_node().start(images, ledger).await?;
        nodes += 1;
    }
    await_nodes(&client, nodes, ledger).await?;
    Ok(plan.info(ledger))
}

fn start_program(ledger: &mut Ledger, name: &str, mut command: Command) -> Result<()> {
    let process = Process::start(name, &ledger.logs()?, &mut command)?;
    ledger.add(process)
}

async fn make_fake_nodes(client: &Client, count: usize) -> Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    for number in 0..count {
        nodes
            .create(&PostParams::default(), &fake_node(number)?)
            .await
            .context("cannot make a fake node")?;
    }
    Ok(())
}

/// Waits for `/readyz`, or for a program that has given up.
async fn await_api(client: &Client, ledger: &mut Ledger) -> Result<()> {
    let ready = wait::until("the API server is ready", START_DEADLINE, || async {
        client
            .request_text(http::Request::get("/readyz").body(Vec::new())?)
            .await
            .map_err(anyhow::Error::from)
    });
    until_ended(ready, ledger).await?;
    Ok(())
}

/// Waits until the nodes are ready and a Pod could be made in `default`.
async fn await_nodes(client: &Client, count: usize, ledger: &mut Ledger) -> Result<()> {
    let ready = wait::until("nodes are ready", START_DEADLINE, || async {
        let nodes = Api::<Node>::all(client.clone()).list(&Default::default()).await?;
        let ready = nodes.iter().filter(|node| is_ready(node)).count();
        ensure!(ready >= count, "{ready} of {count} nodes are ready");
        Api::<ServiceAccount>::namespaced(client.clone(), "default")
            .get("default")
            .await?;
        Ok(())
    });
    until_ended(ready, ledger).await
}

/// Waits for this, but fails at once when one of the programs ends.
async fn until_ended<T>(ready: impl Future<Output = Result<T>>, ledger: &mut Ledger) -> Result<T> {
    let ended = async {
        loop {
            for process in ledger.processes() {
                if let Some(status) = process.ended()? {
                    bail!("{} ended with {status}:\n{}", process.id.name, process.log_tail());
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        ready = ready => ready,
        ended = ended => ended,
    }
}

fn is_ready(node: &Node) -> bool {
    node.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn fake_node(number: usize) -> Result<Node> {
    let name = format!("fake-{number}");
    Ok(serde_json::from_value(json!({
        "metadata": {
            "name": name,
            "annotations": {FAKE_NODE: "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
            },
        },
    }))?)
}
