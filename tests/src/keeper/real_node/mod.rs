//! A node on which Pods really run: containerd, kubelet and kube-proxy on this machine, with a bridge of their own.
//! One at a time per machine, as root. Everything has its own folders, sockets and cgroup, so that a containerd or
//! kubelet that the machine already has is not touched.

mod cgroups;
mod clean;
mod network;
mod runtime;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

pub(crate) use clean::clean;
pub(super) use network::{HOST, prepare as prepare_network};

use super::START_DEADLINE;
use super::ledger::Ledger;
use crate::cache;
use crate::process::Process;
use crate::programs::Programs;

/// The node's name.
pub(super) const NAME: &str = "real-0";

/// Turns tests on a real node on.
pub const SWITCH: &str = "KUBEOP_TEST_REAL_NODE";

/// Whether this run asks for tests on a real node (`KUBEOP_TEST_REAL_NODE=1`).
pub fn asked_for() -> bool {
    std::env::var(SWITCH).as_deref() == Ok("1")
}

/// Fails with what this machine lacks, and how to get it.
pub(crate) fn check_machine() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "a real node needs root");
    let programs = ["containerd", "ctr", "runc", "ip", "nft", "conntrack", "iptables"];
    let plugins = ["bridge", "host-local", "loopback"].map(|name| format!("{}/{name}", network::PLUGINS));
    let missing: Vec<String> = programs
        .iter()
        .filter(|program| !on_path(program))
        .map(ToString::to_string)
        .chain(plugins.into_iter().filter(|path| !Path::new(path).exists()))
        .collect();
    ensure!(
        missing.is_empty(),
        "a real node needs {}: apt-get install -y --no-install-recommends containerd runc \
         containernetworking-plugins iptables nftables conntrack iproute2",
        missing.join(", ")
    );
    Ok(())
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// Takes the machine's one place for a real node; waits while another test run has it.
pub(super) async fn take_place() -> Result<File> {
    let file = cache::open_lock(&cache::folder()?.join("real-node.lock"))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < START_DEADLINE => {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            Err(TryLockError::WouldBlock) => bail!("another run holds this machine's one real node"),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// What the node needs from the control plane.
pub(super) struct Node<'a> {
    pub programs: &'a Programs,
    pub ca_file: PathBuf,
    pub kubelet_kubeconfig: PathBuf,
    pub proxy_kubeconfig: PathBuf,
    /// Ports of the kubelet and of kube-proxy's health and metrics.
    pub ports: [u16; 3],
}

impl Node<'_> {
    /// Starts the node's programs with these images there.
    pub async fn start(&self, images: &[PathBuf], ledger: &mut Ledger) -> Result<()> {
        cgroups::make()?;
        let logs = ledger.logs()?;
        let folder = ledger.folder().to_owned();
        let runtime = runtime::Containerd::configure(&folder)?;
        ledger.add(Process::start("containerd", &logs, &mut runtime.command())?)?;
        runtime.import(images).await?;
        ledger.add(Process::start(
            "kubelet",
            &logs,
            &mut self.kubelet(&folder, &runtime.endpoint())?,
        )?)?;
        ledger.add(Process::start("kube-proxy", &logs, &mut self.proxy())?)?;
        Ok(())
    }

    fn kubelet(&self, folder: &Path, endpoint: &str) -> Result<Command> {
        let root = folder.join("kubelet");
        fs::create_dir_all(&root)?;
        let full = json!({"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%"});
        let config = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": HOST,
            "port": self.ports[0],
            "healthzPort": 0,
            "readOnlyPort": 0,
            "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": false}, "x509": {"clientCAFile": self.ca_file}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": format!("/{}", cgroups::NAME),
            "failCgroupV1": false,
            "failSwapOn": false,
            "localStorageCapacityIsolation": false,
            "containerRuntimeEndpoint": endpoint,
            "podLogsDir": folder.join("pod-logs"),
            // A test is no place for evictions because the machine's disk is nearly full.
            "evictionHard": full,
            "imageGCHighThresholdPercent": 100,
            "resolvConf": "/etc/resolv.conf",
        });
        let config_file = root.join("config.json");
        fs::write(&config_file, config.to_string()).context("cannot write the kubelet's configuration")?;
        let mut command = Command::new(self.programs.path("kubelet"));
        command
            .arg(format!("--config={}", config_file.display()))
            .arg(format!("--kubeconfig={}", self.kubelet_kubeconfig.display()))
            .arg(format!("--root-dir={}", root.display()))
            .arg(format!("--cert-dir={}", root.join("pki").display()))
            .arg(format!("--hostname-override={NAME}"))
            .arg(format!("--node-ip={HOST}"));
        Ok(command)
    }

    fn proxy(&self) -> Command {
        let mut command = Command::new(self.programs.path("kube-proxy"));
        command
            .arg(format!("--kubeconfig={}", self.proxy_kubeconfig.display()))
            .arg(format!("--hostname-override={NAME}"))
            .arg(format!("--cluster-cidr={}", network::PODS))
            .arg(format!("--healthz-bind-address=127.0.0.1:{}", self.ports[1]))
            .arg(format!("--metrics-bind-address=127.0.0.1:{}", self.ports[2]))
            .args(["--proxy-mode=nftables", "--conntrack-max-per-core=0"]);
        command
    }
}
