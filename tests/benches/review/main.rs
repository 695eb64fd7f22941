//! What a review costs: the webhook against a server of the same stack that reads the review and allows it.
//!
//! Both run as processes of their own on the first core and are asked in turns, so that what else happens on
//! the machine meets both. The API server is a real one; the webhook knows its Tenant and its Project.
//! `-- cpu`, `-- latency` or `-- memory` measures only that.

mod floor;
mod latency;
mod load;
mod memory;
mod reviews;
mod server;

use anyhow::{Context, Result};
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::options::Audit;
use kubeop_tests::{Cluster, KubeOp, Options};
use load::{Cost, Load};
use server::Server;
use std::path::Path;

/// Times that each server is asked, in turns.
const ROUNDS: usize = 3;

/// Most that a review may cost, in costs of the floor.
const BUDGET: f64 = 1.5;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    // This program is its own floor server: `review floor <certificate> <key>`.
    match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, mode, certificate, key] if mode == "floor" => {
            runtime.block_on(floor::serve(Path::new(certificate), Path::new(key)))
        }
        _ => runtime.block_on(compare()),
    }
}

async fn compare() -> Result<()> {
    let cluster = Cluster::start(Options {
        audit: Audit::Off,
        ..Options::default()
    })
    .await?;
    let kubeop = KubeOp::install(&cluster, InstallOptions::default()).await?;
    reviews::prepare(&cluster).await?;
    // It would share the core.
    kubeop.stop_controller().await?;
    kubeop.stop_webhook().await?;
    let webhook = Server {
        pid: u32::try_from(kubeop.start_webhook().await?)?,
        url: kubeop.webhook_url(),
        ca_file: kubeop.webhook_ca(),
    };
    let floor = server::Floor::start(cluster.folder()).await?;
    let asked = |part: &str| {
        let mut named = std::env::args()
            .skip(1)
            .filter(|arg| !arg.starts_with('-'))
            .peekable();
        named.peek().is_none() || named.any(|arg| arg == part)
    };
    if asked("cpu") {
        cpu(&cluster, &floor, &webhook).await?;
    }
    if asked("latency") {
        latency::measure(&cluster, reviews::NAMESPACE, &floor.server).await?;
    }
    if asked("memory") {
        memory::measure(&kubeop).await?;
    }
    Ok(())
}

/// CPU per review, of both.
async fn cpu(cluster: &Cluster, floor: &server::Floor, webhook: &Server) -> Result<()> {
    let reviews = reviews::all(cluster).await?;
    let pinned = [webhook, &floor.server].map(Server::pin_to_first_core);
    server::keep_off_first_core();
    println!(
        "\nCPU per review over HTTPS, kept alive; {} requests a round, {ROUNDS} rounds each in turns; servers {}",
        load::REQUESTS,
        if pinned.iter().all(|pinned| *pinned) {
            "on one core"
        } else {
            "not pinned (no taskset)"
        },
    );
    println!(
        "{:<22} {:>6} {:>10} {:>10} {:>6} {:>7} {:>10} {:>10}",
        "review", "bytes", "floor us", "kubeop us", "ratio", "budget", "floor 1/s", "kubeop 1/s"
    );
    for review in reviews {
        let (mut of_floor, mut of_webhook) = (Vec::new(), Vec::new());
        for server in [&floor.server, webhook] {
            Load::new(server, &review).await?.warm_up().await?;
        }
        for _ in 0..ROUNDS {
            of_floor.push(Load::new(&floor.server, &review).await?.run().await?);
            of_webhook.push(Load::new(webhook, &review).await?.run().await?);
        }
        let floor = median(of_floor).context("no round")?;
        let kubeop = median(of_webhook).context("no round")?;
        let ratio = kubeop.cpu_us / floor.cpu_us;
        println!(
            "{:<22} {:>6} {:>10.1} {:>10.1} {:>6.2} {:>7} {:>10.0} {:>10.0}",
            review.name,
            review.bytes,
            floor.cpu_us,
            kubeop.cpu_us,
            ratio,
            if ratio <= BUDGET { "ok" } else { "over" },
            floor.per_second,
            kubeop.per_second,
        );
    }
    Ok(())
}

/// The round of middle cost.
fn median(mut rounds: Vec<Cost>) -> Option<Cost> {
    rounds.sort_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
    rounds.get(rounds.len() / 2).copied()
}
