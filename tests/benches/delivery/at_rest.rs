//! Steady Apps: what the controller holds in memory, and what a restart costs, beside one bare listing of all Apps.

use crate::objects::{self, name};
use crate::watching::{APP, Seen, is};
use crate::{judged, line, summary};
use anyhow::{Context, Result};
use kube::api::ListParams;
use kubeop_tests::{KubeOp, usage};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Apps in a namespace.
const IN_ONE: usize = 100;
/// Applies in flight.
const LANES: usize = 8;
/// Until the API server has got over what made the Apps: they are steady then.
const STEADY: Duration = Duration::from_secs(60);
/// Until caches that are filled for a moment are empty again.
const QUIET: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_secs(3600);

/// Makes so many more Apps (without Pods), and restarts the controller over all there are.
pub async fn measure(kubeop: &KubeOp<'_>, api: SocketAddr, apps: usize) -> Result<()> {
    let client = kubeop.cluster().client().await?;
    if apps > 0 {
        let empty = usage::resident_bytes(kubeop.controller_pid())?;
        line("controller resident, no App, MB", "", &megabytes(empty), None, "");
        make(kubeop, apps).await?;
        tokio::time::sleep(STEADY).await;
    }
    kubeop.stop_controller().await?;
    let start = Instant::now();
    let listed = listed(&client).await?;
    let bare = start.elapsed().as_secs_f64();
    let log = kubeop.cluster().audit_log().context("no audit log")?.from_now()?;
    let start = Instant::now();
    kubeop.start_controller().await?;
    let took = start.elapsed().as_secs_f64();
    let pid = kubeop.controller_pid();
    tokio::time::sleep(QUIET).await;
    let cpu = usage::cpu_us(pid)? / 1e6;
    let writes = log.kubeop_writes()?.len();
    let calls = log.kubeop_calls()?;
    let reads = calls.iter().filter(|call| call.verb == "get").count();
    line(
        &format!("restart with {listed} Apps, ready after, s (baseline: to list them)"),
        &format!("{bare:.2}"),
        &format!("{took:.2}"),
        Some(took / bare),
        &judged(took, 10.0, " s"),
    );
    line(
        "  writes",
        "",
        &writes.to_string(),
        None,
        &judged(writes as f64, 0.0, ""),
    );
    line("  single reads", "", &reads.to_string(), None, "");
    line("  CPU in all, s", "", &format!("{cpu:.2}"), None, "");
    summary::measure(kubeop, api, listed).await?;
    let resident = usage::resident_bytes(pid)?;
    let budget = if listed >= 10_000 {
        judged(resident as f64 / 1e6, 64.0, " MB")
    } else {
        String::new()
    };
    line(
        "controller resident at rest, MB",
        "",
        &megabytes(resident),
        None,
        &budget,
    );
    Ok(())
}

async fn listed(client: &kube::Client) -> Result<usize> {
    let api = APP.api(client, None);
    let (mut count, mut params) = (0, ListParams::default().limit(500));
    loop {
        let page = api.list(&params).await?;
        count += page.items.len();
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(count),
        }
    }
}

async fn make(kubeop: &KubeOp<'_>, apps: usize) -> Result<()> {
    let client = kubeop.cluster().client().await?;
    let start = Instant::now();
    for first in (0..apps).step_by(IN_ONE) {
        let project = format!("rest-{}", first / IN_ONE);
        objects::project(kubeop.cluster(), &project).await?;
        let namespace = format!("kubeop-{project}");
        let last = apps.min(first + IN_ONE);
        let mut ready = Seen::start(&client, APP, Some(&namespace), |object| is(object, "Ready"));
        let lists = (first..last)
            .map(|index| Ok(vec![objects::app(&namespace, &name(index), 0)?]))
            .collect::<Result<Vec<_>>>()?;
        objects::apply_all(&client, LANES, lists).await?;
        ready.all(last - first, LONGEST).await?;
        if last.is_multiple_of(1000) {
            let rate = last as f64 / start.elapsed().as_secs_f64();
            println!("  {last} Apps are Ready, {rate:.1} a second");
        }
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
