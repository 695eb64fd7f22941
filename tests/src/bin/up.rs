//! Keeps a test cluster in the foreground until Ctrl-C.

use std::process::ExitCode;

use anyhow::Result;
use kubeop_tests::{Cluster, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match up().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn up() -> Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    println!("export KUBECONFIG={}", cluster.kubeconfig_path().display());
    eprintln!("the cluster runs until Ctrl-C");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
