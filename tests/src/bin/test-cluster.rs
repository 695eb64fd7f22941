//! The keeper of a test cluster: [`kubeop_tests::keeper`]. Its one argument is the task, as JSON; without, a cluster.

use anyhow::{Context, Result};
use kubeop_tests::{Options, keeper};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let task = match std::env::args().nth(1) {
        Some(json) => serde_json::from_str(&json).context("the argument is not a keeper's task")?,
        None => keeper::Task::Cluster {
            options: Options::default(),
            images: Vec::new(),
        },
    };
    keeper::run(task).await
}
