//! Writes the snapshot of this version for the rehearsal of upgrades: `just snapshot`.

use anyhow::Result;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::upgrade::{APPS, CLUSTER_ID, NAMESPACE, OWNERS, present, take};
use kubeop_tests::{Cluster, KubeOp, Options};

const READY: &str = "condition=Ready";

#[tokio::main]
async fn main() -> Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let options = InstallOptions {
        webhook_args: vec![CLUSTER_ID.to_owned()],
        controller_args: vec![CLUSTER_ID.to_owned()],
        ..InstallOptions::default()
    };
    let _kubeop = KubeOp::install(&cluster, options).await?;
    apply(&cluster, OWNERS).await?;
    wait_for(&cluster, "project/web", READY).await?;
    apply(&cluster, APPS).await?;
    let apps = "apps.platform.kubeop.io --all";
    wait_for(&cluster, apps, READY).await?;
    apply(&cluster, &APPS.replace("acme/pay:1", "acme/pay:2")).await?;
    let pay = "apps.platform.kubeop.io/pay";
    wait_for(&cluster, pay, "jsonpath={.status.observedGeneration}=2").await?;
    wait_for(&cluster, apps, READY).await?;
    take(&cluster, &present()).await?;
    println!("{}", present().display());
    Ok(())
}

async fn apply(cluster: &Cluster, yaml: &str) -> Result<()> {
    let applied = cluster.kubectl_with_input(["apply", "-f", "-"], yaml);
    applied.await?.success().map(drop)
}

async fn wait_for(cluster: &Cluster, what: &str, condition: &str) -> Result<()> {
    let args = format!("wait {what} -n {NAMESPACE} --for={condition} --timeout=60s");
    cluster.kubectl(args.split(' ')).await?.success().map(drop)
}
