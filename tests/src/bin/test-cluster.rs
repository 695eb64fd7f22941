//! The keeper of a test cluster: [`kubeop_tests::keeper`]. Its one argument is the options, as JSON.

use anyhow::{Context, Result};
use kubeop_tests::{Options, keeper};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options: Options = match std::env::args().nth(1) {
        Some(json) => serde_json::from_str(&json).context("the argument is not a cluster's options")?,
        None => Options::default(),
    };
    keeper::run(options).await
}
