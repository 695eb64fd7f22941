//! What delivery costs: kubeOP beside a bare loop that applies the same objects, in one run.
//!
//! `delivery` measures 300 Apps of 3 objects; `delivery --apps 10000` what so many of them cost at rest, at a restart of the
//! controller, and when somebody asks for the summary.

mod at_rest;
mod declared;
mod lag;
mod objects;
mod summary;
mod watching;

use anyhow::{Context, Result, ensure};
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, manager_api};

/// Apps of the part that runs in minutes.
const APPS: usize = 300;

fn main() -> Result<()> {
    let apps = asked_for()?;
    tokio::runtime::Runtime::new()?.block_on(measure(apps))
}

/// `--apps N`; cargo adds `--bench`.
fn asked_for() -> Result<Option<usize>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let apps = match args.next().as_deref() {
        None => None,
        Some("--apps") => Some(args.next().context("--apps: how many?")?.parse()?),
        Some(other) => anyhow::bail!("unknown argument {other:?}; known: --apps <number>"),
    };
    ensure!(args.next().is_none(), "too many arguments");
    Ok(apps)
}

async fn measure(apps: Option<usize>) -> Result<()> {
    let cluster = Cluster::start(Options {
        fake_nodes: 8,
        ..Options::default()
    })
    .await?;
    let api = manager_api::address()?;
    let options = InstallOptions {
        controller_args: vec![format!("--api-listen={api}")],
        ..InstallOptions::default()
    };
    let kubeop = KubeOp::install(&cluster, options).await?;
    objects::tenant(&cluster).await?;
    println!(
        "\n{:<52} {:>12} {:>12} {:>8}  budget",
        "what", "baseline", "kubeop", "ratio"
    );
    if let Some(apps) = apps {
        return at_rest::measure(&kubeop, api, apps).await;
    }
    lag::measure(&kubeop).await?;
    declared::measure(&kubeop, APPS).await?;
    at_rest::measure(&kubeop, api, 0).await
}

/// One line of the table.
pub fn line(what: &str, baseline: &str, kubeop: &str, ratio: Option<f64>, budget: &str) {
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    println!("{what:<52} {baseline:>12} {kubeop:>12} {ratio:>8}  {budget}");
}

/// `ok` or `over`, with the budget.
pub fn judged(value: f64, most: f64, unit: &str) -> String {
    let verdict = if value <= most { "ok" } else { "OVER" };
    format!("{verdict} (at most {most}{unit})")
}
