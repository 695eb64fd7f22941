//! The program.

use clap::Parser;
use kubeop_controller::{config::Config, run};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match run::run(Config::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the controller ends");
            ExitCode::FAILURE
        }
    }
}
