//! The process that holds a cluster. It starts the programs, prints one line of JSON when they are ready, and ends
//! them when its stdin closes or it is told to stop. The test process holds the other end of that stdin, so the
//! cluster ends whenever the test process does: by return, panic or `kill -9`. If the keeper itself is killed, the
//! next one cleans up after it from its ledger.

mod control_plane;
mod ledger;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use ledger::Ledger;

use crate::options::Options;
use crate::programs::{Level, Programs};

/// What the keeper prints on stdout, once, as one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Report {
    /// The cluster is ready.
    Ready(ClusterInfo),
    /// It could not be started; the reason carries the programs' last words.
    Failed(String),
}

/// Where everything of a running cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// The cluster's folder; gone when the keeper ends.
    pub folder: PathBuf,
    /// `https://127.0.0.1:<port>`.
    pub server: String,
    /// The CA that signed the API server's certificate.
    pub ca_file: PathBuf,
    /// The administrator's kubeconfig.
    pub admin_kubeconfig: PathBuf,
    /// The API server's audit log, if it writes one.
    pub audit_log: Option<PathBuf>,
    /// Logs of the programs, `<program>.log`.
    pub logs: PathBuf,
    /// The kubectl of the cluster's version.
    pub kubectl: PathBuf,
    /// Process ids of the cluster's programs.
    pub pids: Vec<i32>,
}

/// How often a start is tried again because a port was taken between choosing and using it.
const ATTEMPTS: usize = 4;

/// Runs a keeper to its end: start, report, hold, stop.
pub async fn run(options: Options) -> Result<()> {
    ledger::clean_up_after_killed()?;
    // Built by the process that spawned this one, whose stderr a person sees; here it is only looked up.
    let programs = Programs::ensure(Level::ControlPlane)?;
    let mut stop = Stop::new()?;
    let mut ledger = Ledger::new()?;
    let started = tokio::select! {
        started = start(&options, &programs, &mut ledger) => started,
        () = stop.asked() => Err(anyhow::anyhow!("told to stop while starting")),
    };
    let report = match &started {
        Ok(info) => Report::Ready(info.clone()),
        Err(error) => Report::Failed(format!("{error:#}")),
    };
    println!("{}", serde_json::to_string(&report)?);
    if started.is_ok() {
        stop.asked().await;
    }
    ledger.end();
    started.map(|_| ())
}

async fn start(options: &Options, programs: &Programs, ledger: &mut Ledger) -> Result<ClusterInfo> {
    for attempt in 1.. {
        let begun = Instant::now();
        match control_plane::start(options, programs, ledger).await {
            Ok(info) => {
                eprintln!("ready after {:?}", begun.elapsed());
                return Ok(info);
            }
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                ledger.end_processes();
                ledger.empty_folder()?;
            }
            Err(error) => return Err(error),
        }
    }
    bail!("not reached: the loop ends by returning")
}

/// Tells when the keeper shall end.
struct Stop {
    stdin_closed: tokio::sync::oneshot::Receiver<()>,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        let (closed, stdin_closed) = tokio::sync::oneshot::channel();
        // A thread, since tokio's stdin cannot be cancelled and would hold up the runtime's end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = closed.send(());
        });
        Ok(Stop {
            stdin_closed,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = &mut self.stdin_closed => {}
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// How long a start may take before it counts as failed. The bound is wide: other builds may hold the machine.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(120);
