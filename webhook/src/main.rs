//! The program.

use clap::Parser;
use kubeop_webhook::check::{self, CheckArgs};
use kubeop_webhook::{config::Config, server};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "kubeop-webhook", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Config,
}

/// What can be done instead of serving.
#[derive(clap::Subcommand)]
enum Command {
    Check(Box<CheckArgs>),
}

/// The C library's allocator keeps what the first listings took.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Check(args)) = cli.command {
        return check::run(&args).await;
    }
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .init();
    match server::run(cli.serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_flags_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let cli = Cli::parse_from(["kubeop-webhook", "--drain=1s"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.drain, std::time::Duration::from_secs(1));
        // As a hook of a version control system calls it: the names of files at the end.
        let line = "kubeop-webhook check --project p.yaml t.yaml -n kubeop-web -f a.yaml b.yaml";
        let Some(Command::Check(args)) = Cli::parse_from(line.split(' ')).command else {
            panic!("no check")
        };
        assert_eq!((args.files.len(), args.project.len()), (2, 2));
    }
}
