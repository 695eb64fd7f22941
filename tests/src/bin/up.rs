//! Keeps a test cluster in the foreground until Ctrl-C.

use anyhow::Result;
use kubeop_tests::{Cluster, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    println!("export KUBECONFIG={}", cluster.kubeconfig_path().display());
    eprintln!("the cluster runs until Ctrl-C");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
