//! A server under load: where it is, and what it has used.

use anyhow::{Context, Result, ensure};
use kubeop_certs::Authority;
use kubeop_tests::usage;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use time::{Duration, OffsetDateTime};

/// A running server.
pub struct Server {
    pub pid: u32,
    pub url: String,
    pub ca_file: PathBuf,
}

impl Server {
    /// CPU time that all its threads have used, in microseconds.
    pub fn cpu_us(&self) -> Result<f64> {
        usage::cpu_us(self.pid)
    }

    /// Whether it could be done.
    pub fn pin_to_first_core(&self) -> bool {
        taskset("0", self.pid)
    }
}

/// Leaves the first core to the servers.
pub fn keep_off_first_core() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 1 {
        taskset(&format!("1-{}", cores - 1), std::process::id());
    }
}

fn taskset(cores: &str, pid: u32) -> bool {
    Command::new("taskset")
        .args(["-a", "-c", "-p", cores, &pid.to_string()])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The floor server, ended when dropped.
pub struct Floor {
    pub server: Server,
    process: Child,
}

impl Floor {
    /// Starts this program as a floor server, with a certificate of the kind that the webhook makes.
    pub async fn start(folder: &Path) -> Result<Self> {
        let (now, life) = (OffsetDateTime::now_utc(), Duration::days(1));
        let authority = Authority::new("floor", now, life)?;
        let pair = authority.server(&["127.0.0.1".to_owned()], now, life)?;
        let path = |name: &str| folder.join(format!("floor-{name}"));
        std::fs::write(path("ca.crt"), authority.certificate())?;
        std::fs::write(path("tls.crt"), &pair.certificate)?;
        std::fs::write(path("tls.key"), &pair.key)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("floor")
            .args([path("tls.crt"), path("tls.key")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        let stdout = process.stdout.take().context("no stdout")?;
        BufReader::new(stdout).read_line(&mut port)?;
        let floor = Floor {
            server: Server {
                pid: process.id(),
                url: format!("https://127.0.0.1:{}", port.trim()),
                ca_file: path("ca.crt"),
            },
            process,
        };
        ensure!(!port.is_empty(), "the floor server did not start");
        Ok(floor)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
