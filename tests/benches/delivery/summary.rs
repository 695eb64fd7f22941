//! The summary of the manager API: what one more look at it costs the controller.

use crate::{judged, line};
use anyhow::Result;
use kubeop_tests::manager_api::{Caller, ca, token};
use kubeop_tests::{Identity, KubeOp, usage};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Looks that are measured, after one that learns what may be listed.
const LOOKS: u32 = 200;
/// The same time without a look: what the controller does by itself.
const IDLE: Duration = Duration::from_secs(5);

/// Looks again and again, on one connection.
pub async fn measure(kubeop: &KubeOp<'_>, api: SocketAddr, apps: usize) -> Result<()> {
    let cluster = kubeop.cluster();
    let admin = token(cluster, &Identity::admin())?;
    let caller = Caller::new(api, &ca(cluster).await?, Some(&admin))?;
    let look = async || -> Result<usize> {
        let answer = caller.get("/v1/analytics/summary").await?;
        answer.expect(200)?;
        Ok(answer.text.len())
    };
    let length = look().await?;
    let pid = kubeop.controller_pid();
    let start = usage::cpu_us(pid)?;
    tokio::time::sleep(IDLE).await;
    let idle = (usage::cpu_us(pid)? - start) / IDLE.as_secs_f64();
    let (start, since) = (usage::cpu_us(pid)?, Instant::now());
    for _ in 0..LOOKS {
        look().await?;
    }
    let took = since.elapsed().as_secs_f64();
    let cpu = (usage::cpu_us(pid)? - start - idle * took) / f64::from(LOOKS) / 1000.0;
    let budget = if apps >= 10_000 {
        judged(cpu, 5.0, " ms")
    } else {
        String::new()
    };
    line(
        &format!("summary of {apps} Apps, {} KB, CPU, ms", length / 1000),
        "",
        &format!("{cpu:.2}"),
        None,
        &budget,
    );
    line(
        "  until it is answered, ms",
        "",
        &format!("{:.2}", took * 1000.0 / f64::from(LOOKS)),
        None,
        "",
    );
    Ok(())
}
