//! The program.

use clap::Parser;
use kubeop_controller::config::Config;
use kubeop_controller::run::{self, RunError};
use std::process::ExitCode;

/// A third of the time went into the C library's allocator, which also keeps what a burst of work took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run::run(Config::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody typed this and waits for the answer.
        Err(error @ RunError::Command(_)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            tracing::error!(%error, "the controller ends");
            ExitCode::FAILURE
        }
    }
}
