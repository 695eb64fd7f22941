//! The process that holds a cluster. It starts the programs, prints one line of JSON when they are ready, and ends
//! them when its stdin closes or it is told to stop. The test process holds the other end of that stdin, so the
//! cluster ends whenever the test process does: by return, panic or `kill -9`. If the keeper itself is killed, the
//! next one cleans up after it from its ledger.

mod control_plane;
mod ledger;
pub(crate) mod link;
mod plan;
pub mod real_node;
pub mod requests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use ledger::Ledger;

use crate::options::Options;
use crate::programs::{Level, Programs};

/// What the keeper shall hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// A cluster, and programs beside it.
    Cluster {
        /// How it is started.
        options: Options,
        /// Archives of the images on its real node.
        images: Vec<PathBuf>,
    },
    /// Programs only: the cluster is somebody else's.
    Programs,
}

/// The first line that the keeper prints on stdout; the later ones are [`requests::Answer`]s.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Report {
    /// All is ready.
    Ready {
        /// Of everything; gone when the keeper ends.
        folder: PathBuf,
        /// Logs of all programs, `<program>.log`.
        logs: PathBuf,
        /// The cluster, if there is one.
        cluster: Option<ClusterInfo>,
    },
    /// It could not be started; the reason carries the programs' last words.
    Failed(String),
}

/// Where everything of a running cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// `https://127.0.0.1:<port>`.
    pub server: String,
    /// The CA that signed the API server's certificate.
    pub ca_file: PathBuf,
    /// The administrator's kubeconfig.
    pub admin_kubeconfig: PathBuf,
    /// The API server's audit log, if it writes one.
    pub audit_log: Option<PathBuf>,
    /// Process ids of the cluster's programs.
    pub pids: Vec<i32>,
}

/// How often a start is tried again because a port was taken between choosing and using it.
const ATTEMPTS: usize = 4;

/// Runs a keeper to its end: start, report, hold, stop.
pub async fn run(task: Task) -> Result<()> {
    ledger::clean_up_after_killed()?;
    let mut outside = Outside::new()?;
    let mut ledger = Ledger::new()?;
    let started = tokio::select! {
        started = start(&task, &mut ledger) => started,
        () = outside.stop() => Err(anyhow!("told to stop while starting")),
    };
    let outcome = match started {
        Ok(cluster) => {
            let logs = ledger.logs()?;
            let folder = ledger.folder().to_owned();
            tell(&Report::Ready {
                folder,
                logs: logs.clone(),
                cluster,
            })?;
            while let Some(line) = outside.request().await {
                tell(&requests::answer(&line, &logs, &mut ledger))?;
            }
            Ok(())
        }
        Err(error) => tell(&Report::Failed(format!("{error:#}"))),
    };
    ledger.end();
    outcome
}

fn tell(line: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

async fn start(task: &Task, ledger: &mut Ledger) -> Result<Option<ClusterInfo>> {
    let Task::Cluster { options, images } = task else {
        return Ok(None);
    };
    // Built by the process that spawned this one, whose stderr a person sees; here it is only looked up.
    let programs = Programs::ensure(options.level())?;
    if options.level() == Level::RealNode {
        ledger.hold(real_node::take_place().await?)?;
    }
    let mut attempt = 1;
    loop {
        let begun = Instant::now();
        match control_plane::start(options, images, &programs, ledger).await {
            Ok(info) => {
                eprintln!("ready after {:?}", begun.elapsed());
                return Ok(Some(info));
            }
            Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                attempt += 1;
                ledger.end_processes();
                ledger.empty_folder()?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// What reaches the keeper from outside: lines on stdin, its end, and signals.
struct Outside {
    lines: mpsc::UnboundedReceiver<String>,
    interrupt: Signal,
    terminate: Signal,
}

impl Outside {
    fn new() -> Result<Self> {
        let (sender, lines) = mpsc::unbounded_channel();
        // A thread, since tokio's stdin cannot be cancelled and would hold up the runtime's end.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Outside {
            lines,
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        })
    }

    /// The next request; none when it is time to end.
    async fn request(&mut self) -> Option<String> {
        tokio::select! {
            line = self.lines.recv() => line,
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
        }
    }

    /// Returns when it is time to end.
    async fn stop(&mut self) {
        // Nobody asks for anything before the cluster is ready.
        while self.request().await.is_some() {}
    }
}

/// How long a start may take before it counts as failed. The bound is wide: other builds may hold the machine.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(120);
