//! containerd with folders and a socket of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::super::START_DEADLINE;
use super::network;
use crate::images::PAUSE;
use crate::wait;

/// containerd, configured.
pub(super) struct Containerd {
    config: PathBuf,
    socket: PathBuf,
}

/// Where containerd notes its running containers, below the cluster's folder.
pub(super) const STATE: &str = "containerd/state";

impl Containerd {
    pub fn configure(folder: &Path) -> Result<Self> {
        let own = folder.join("containerd");
        fs::create_dir_all(&own)?;
        let conf = network::configure(folder)?;
        let socket = own.join("containerd.sock");
        let cri = "plugins.\"io.containerd.grpc.v1.cri\"";
        let text = format!(
            r#"version = 2
root = {root:?}
state = {state:?}
[grpc]
address = {socket:?}
[plugins."io.containerd.internal.v1.opt"]
path = {opt:?}
[{cri}]
sandbox_image = {PAUSE:?}
restrict_oom_score_adj = true
disable_apparmor = true
netns_mounts_under_state_dir = true
[{cri}.cni]
bin_dir = {plugins:?}
conf_dir = {conf:?}
[{cri}.containerd]
snapshotter = "overlayfs"
[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
"#,
            root = own.join("root"),
            state = folder.join(STATE),
            opt = own.join("opt"),
            plugins = network::PLUGINS,
        );
        let config = own.join("config.toml");
        fs::write(&config, text).context("cannot write containerd's configuration")?;
        Ok(Containerd { config, socket })
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("containerd");
        command.arg("--config").arg(&self.config);
        command
    }

    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Waits for containerd and gives it the images.
    pub async fn import(&self, archives: &[PathBuf]) -> Result<()> {
        wait::until("containerd answers", START_DEADLINE, || async {
            self.ctr(&["version"])
        })
        .await?;
        for archive in archives {
            self.ctr(&[
                "--namespace",
                "k8s.io",
                "images",
                "import",
                &archive.display().to_string(),
            ])?;
        }
        Ok(())
    }

    fn ctr(&self, args: &[&str]) -> Result<()> {
        let output = Command::new("ctr")
            .arg("--address")
            .arg(&self.socket)
            .args(args)
            .output()?;
        ensure!(
            output.status.success(),
            "ctr {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
