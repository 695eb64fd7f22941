//! Running kubectl as a person would.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A kubectl that waits longer than this has hung.
const DEADLINE: Duration = Duration::from_secs(300);

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The command, for messages.
    pub command: String,
    /// Exit status; -1 for a process that a signal ended.
    pub status: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Output {
    /// Its stdout, if it succeeded.
    pub fn success(self) -> Result<String> {
        ensure!(
            self.status == 0,
            "`{}` ended with {}: {}{}",
            self.command,
            self.status,
            self.stdout,
            self.stderr
        );
        Ok(self.stdout)
    }

    /// Its stderr, if it failed.
    pub fn failure(self) -> Result<String> {
        ensure!(
            self.status != 0,
            "`{}` should have failed, but: {}{}",
            self.command,
            self.stdout,
            self.stderr
        );
        Ok(self.stderr)
    }
}

/// A kubectl that speaks to one cluster as one identity.
#[derive(Debug, Clone)]
pub struct Kubectl {
    pub(crate) program: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    /// Where it keeps what it discovered, apart from the user's own.
    pub(crate) cache: PathBuf,
    /// Where it runs; as this process if not said.
    pub(crate) folder: Option<PathBuf>,
}

impl Kubectl {
    /// The same, run in this folder.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Runs it.
    pub async fn run<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.run_with_input(args, "").await
    }

    /// Runs a line as a person pastes it into a shell, where `kubectl` is this one.
    pub async fn paste(&self, line: &str) -> Result<Output> {
        let folder = self.program.parent().context("kubectl stands in no folder")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .env("PATH", format!("{}:{path}", folder.display()));
        self.run_command(shell, line.to_owned(), "").await
    }

    /// Runs it with this text on stdin (`kubectl apply -f -`).
    pub async fn run_with_input<S: AsRef<str>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Output> {
        let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let mut kubectl = Command::new(&self.program);
        kubectl.args(&args);
        self.run_command(kubectl, format!("kubectl {}", args.join(" ")), input)
            .await
    }

    async fn run_command(&self, mut program: Command, command: String, input: &str) -> Result<Output> {
        let mut child = program
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", &self.cache)
            .current_dir(self.folder.as_deref().unwrap_or(Path::new(".")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run `{command}`"))?;
        let mut stdin = child.stdin.take().context("kubectl has no stdin")?;
        let input = input.to_owned();
        let feed = tokio::spawn(async move {
            // A command that does not read its input closes the pipe: no concern of ours.
            let _ = stdin.write_all(input.as_bytes()).await;
        });
        let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
            .await
            .with_context(|| format!("`{command}` did not end within {DEADLINE:?}"))??;
        feed.await?;
        Ok(Output {
            command,
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Reads a kubeconfig for kube's client.
pub(crate) async fn client_config(kubeconfig: &Path) -> Result<kube::Config> {
    install_crypto();
    let file = kube::config::Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("cannot read {}", kubeconfig.display()))?;
    Ok(kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?)
}

/// One provider per process; a second call finds it there.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
