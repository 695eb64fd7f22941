//! The first delivery, told with real commands and their real output. Every step is checked: the demo ends with a
//! table of what was shown, and with status 1 if anything did not show what it should.

mod acts;
mod order;
mod over_https;
mod rollback;
mod teller;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, manager_api};

use teller::Teller;

/// Shows what kubeOP does, on a real API server that runs on this machine.
#[derive(Parser)]
struct Args {
    /// Keep the cluster afterwards, and print its KUBECONFIG line, until Ctrl-C.
    #[arg(long)]
    stay: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match demo(&Args::parse()).await {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(args: &Args) -> Result<ExitCode> {
    let begun = std::time::Instant::now();
    println!("Starting a Kubernetes control plane on this machine; the first time it is built from source.");
    let cluster = Cluster::start(Options::default()).await?;
    println!(
        "Ready after {:.1} s. Installing kubeOP: its resources, its rights, its two programs.",
        begun.elapsed().as_secs_f64()
    );
    let api = manager_api::address()?;
    let options = InstallOptions {
        controller_args: vec![format!("--api-listen={api}")],
        ..InstallOptions::default()
    };
    let kubeop = KubeOp::install(&cluster, options).await?;
    let mut teller = Teller::new(&cluster)?;
    if let Err(error) = acts::play(&mut teller, &kubeop, api).await {
        teller.fail("the demo goes through", &format!("{error:#}"));
    }
    let all_shown = teller.summary(begun.elapsed());
    if !all_shown {
        teller.print_logs(&kubeop);
    }
    if args.stay {
        println!(
            "\nThe cluster runs until Ctrl-C:\n\nexport KUBECONFIG={}\n\n\
             The manager API and its page are at https://{api}/ (docs/manager-api.md).",
            cluster.kubeconfig_path().display()
        );
        tokio::signal::ctrl_c().await?;
    }
    Ok(if all_shown {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
