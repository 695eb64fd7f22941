//! Many Apps at once: from the first apply until the last is Ready, beside a loop that applies their objects and
//! waits until the last Deployment is available.

use crate::objects::{self, name};
use crate::watching::{APP, DEPLOYMENT, Seen, is};
use crate::{judged, line};
use anyhow::{Context, Result};
use kubeop_tests::{KubeOp, usage};
use std::time::{Duration, Instant};

/// One apply after the other, as `kubectl apply -f` does it: both loops are the same.
const LANES: usize = 1;
/// The best of each counts: what else the machine does only adds.
const ROUNDS: usize = 3;
const LONGEST: Duration = Duration::from_secs(300);

struct Cost {
    seconds: f64,
    calls: f64,
    cpu_ms: f64,
}

/// Both in turns, each time in a namespace of its own.
pub async fn measure(kubeop: &KubeOp<'_>, apps: usize) -> Result<()> {
    let (mut bare, mut delivered) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(by_loop(kubeop, &format!("bare-{round}"), apps).await?);
        let project = format!("many-{round}");
        delivered.push(by_kubeop(kubeop, &project, apps).await?);
        // Those of the last round stay: the restart is measured over them.
        if round + 1 < ROUNDS {
            delete(kubeop, &project).await?;
        }
    }
    let least = |seconds: &mut dyn Iterator<Item = f64>| seconds.fold(f64::INFINITY, f64::min);
    let (of_bare, of_kubeop) = (
        least(&mut bare.iter().copied()),
        least(&mut delivered.iter().map(|cost| cost.seconds)),
    );
    let ratio = of_kubeop / of_bare;
    let what = format!("{apps} Apps of 3 objects, declared -> Ready, s");
    line(
        &what,
        &format!("{of_bare:.1}"),
        &format!("{of_kubeop:.1}"),
        Some(ratio),
        &judged(ratio, 1.6, " x"),
    );
    // Of calls the most counts.
    let calls = delivered.iter().map(|cost| cost.calls).fold(0.0, f64::max);
    let cpu_ms = least(&mut delivered.iter().map(|cost| cost.cpu_ms));
    line(
        "calls an App",
        "3",
        &format!("{calls:.1}"),
        None,
        &judged(calls, 12.0, ""),
    );
    line(
        "CPU an App, ms",
        "",
        &format!("{cpu_ms:.1}"),
        None,
        &judged(cpu_ms, 8.0, " ms"),
    );
    Ok(())
}

async fn by_loop(kubeop: &KubeOp<'_>, namespace: &str, apps: usize) -> Result<f64> {
    let cluster = kubeop.cluster();
    cluster
        .kubectl(["create", "namespace", namespace])
        .await?
        .success()?;
    let client = cluster.client().await?;
    let mut available = Seen::start(&client, DEPLOYMENT, Some(namespace), |object| {
        is(object, "Available")
    });
    let start = Instant::now();
    let lists = (0..apps).map(|index| objects::three(namespace, &name(index), 1).to_vec());
    objects::apply_all(&client, LANES, lists).await?;
    available.all(apps, LONGEST).await?;
    let took = start.elapsed().as_secs_f64();
    gone(kubeop, namespace).await?;
    Ok(took)
}

async fn by_kubeop(kubeop: &KubeOp<'_>, project: &str, apps: usize) -> Result<Cost> {
    let cluster = kubeop.cluster();
    objects::project(cluster, project).await?;
    let namespace = format!("kubeop-{project}");
    let client = cluster.client().await?;
    let lists = (0..apps)
        .map(|index| Ok(vec![objects::app(&namespace, &name(index), 1)?]))
        .collect::<Result<Vec<_>>>()?;
    let mut ready = Seen::start(&client, APP, Some(&namespace), |object| is(object, "Ready"));
    let log = cluster.audit_log().context("no audit log")?.from_now()?;
    let pid = kubeop.controller_pid();
    let (start, cpu) = (Instant::now(), usage::cpu_us(pid)?);
    objects::apply_all(&client, LANES, lists).await?;
    ready.all(apps, LONGEST).await?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_ms = (usage::cpu_us(pid)? - cpu) / 1e3;
    let calls = log.kubeop_calls()?;
    let calls = calls
        .iter()
        .filter(|call| call.namespace.as_deref() == Some(&namespace))
        .count();
    let each = |total: f64| total / apps as f64;
    let cost = Cost {
        seconds,
        calls: each(calls as f64),
        cpu_ms: each(cpu_ms),
    };
    Ok(cost)
}

async fn delete(kubeop: &KubeOp<'_>, project: &str) -> Result<()> {
    let (cluster, namespace) = (kubeop.cluster(), format!("kubeop-{project}"));
    let apps = ["delete", "apps.platform.kubeop.io", "--all", "-n", &namespace];
    cluster
        .kubectl(["delete", "project", project, "--wait=false"])
        .await?
        .success()?;
    cluster.kubectl(apps).await?.success().map(drop)
}

async fn gone(kubeop: &KubeOp<'_>, namespace: &str) -> Result<()> {
    let args = ["delete", "namespace", namespace, "--timeout=300s"];
    kubeop.cluster().kubectl(args).await?.success().map(drop)
}
