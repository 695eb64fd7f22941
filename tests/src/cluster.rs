//! A cluster as a test holds it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::Client;
use tokio::sync::OnceCell;

use crate::audit::AuditLog;
use crate::identity::Identity;
use crate::keeper::{ClusterInfo, Report};
use crate::kubectl::{Kubectl, Output, client_config};
use crate::options::Options;
use crate::process::tail;
use crate::programs::{self, Level, Programs};

/// Names an existing cluster to use instead of starting one.
pub const EXISTING: &str = "KUBEOP_TEST_KUBECONFIG";

/// A running cluster. Dropping it ends it.
///
/// One that starts takes 3 to 7 s and about 600 MB; most tests want [`Cluster::shared`] and a namespace or a
/// project of their own.
pub struct Cluster {
    home: Home,
    folder: PathBuf,
    kubectl: PathBuf,
    admin: PathBuf,
    borrowed: Mutex<HashMap<Identity, PathBuf>>,
}

enum Home {
    /// Ours, held by a keeper.
    Kept { keeper: Child, info: ClusterInfo },
    /// Somebody else's.
    Existing { _folder: tempfile::TempDir },
}

impl Cluster {
    /// Starts a cluster, or takes the one that `KUBEOP_TEST_KUBECONFIG` names.
    pub async fn start(options: Options) -> Result<Cluster> {
        tokio::task::spawn_blocking(move || match std::env::var_os(EXISTING) {
            Some(kubeconfig) => Cluster::existing(Path::new(&kubeconfig)),
            None => Cluster::kept(&options),
        })
        .await?
    }

    /// The cluster that the tests of this program share. It ends with the program.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn shared() -> &'static Cluster {
        static SHARED: OnceCell<Result<Cluster, String>> = OnceCell::const_new();
        let start = || async {
            Cluster::start(Options::default())
                .await
                .map_err(|error| format!("{error:#}"))
        };
        match SHARED.get_or_init(start).await {
            Ok(cluster) => cluster,
            Err(error) => panic!("no test cluster: {error}"),
        }
    }

    fn kept(options: &Options) -> Result<Cluster> {
        let programs = Programs::ensure(Level::ControlPlane)?;
        let log = tempfile::NamedTempFile::new()?;
        let mut keeper = Command::new(programs::keeper()?)
            .arg(serde_json::to_string(options)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            .spawn()
            .context("cannot start the cluster's keeper")?;
        let mut line = String::new();
        let stdout = keeper.stdout.take().context("the keeper has no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Report::Ready(info)) => Ok(Cluster {
                folder: info.folder.clone(),
                kubectl: programs.path("kubectl"),
                admin: info.admin_kubeconfig.clone(),
                home: Home::Kept { keeper, info },
                borrowed: Mutex::default(),
            }),
            Ok(Report::Failed(reason)) => bail!("the test cluster did not start: {reason}"),
            Err(_) => bail!("the cluster's keeper gave up: {line}{}", tail(log.path(), 30)),
        }
    }

    fn existing(kubeconfig: &Path) -> Result<Cluster> {
        let folder = tempfile::tempdir()?;
        Ok(Cluster {
            folder: folder.path().to_owned(),
            kubectl: Programs::ensure(Level::ControlPlane)?.path("kubectl"),
            admin: kubeconfig.to_owned(),
            home: Home::Existing { _folder: folder },
            borrowed: Mutex::default(),
        })
    }

    /// A client of the administrator. It belongs to the runtime that asks: ask in each test.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::try_from(client_config(&self.admin).await?)?)
    }

    /// A client of this identity.
    pub async fn client_as(&self, identity: &Identity) -> Result<Client> {
        Ok(Client::try_from(
            client_config(&self.kubeconfig_of(identity)?).await?,
        )?)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig_path(&self) -> &Path {
        &self.admin
    }

    /// The kubeconfig of this identity: one of [`Identity::standard`] or of the options that the cluster was
    /// started with. Any other one is the administrator who impersonates it.
    pub fn kubeconfig_of(&self, identity: &Identity) -> Result<PathBuf> {
        let own = self
            .folder
            .join("kubeconfigs")
            .join(format!("{}.kubeconfig", identity.file_stem()));
        if own.exists() {
            return Ok(own);
        }
        let mut borrowed = self.borrowed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = borrowed.get(identity) {
            return Ok(path.clone());
        }
        let mut config = kube::config::Kubeconfig::read_from(&self.admin)?;
        for user in config
            .auth_infos
            .iter_mut()
            .filter_map(|user| user.auth_info.as_mut())
        {
            user.impersonate = Some(identity.user.clone());
            user.impersonate_groups = Some(identity.groups.clone());
        }
        let path = self.folder.join(format!(
            "as-{}-{}.kubeconfig",
            borrowed.len(),
            identity.file_stem()
        ));
        crate::identity::write_private(&path, &serde_json::to_string(&config)?)?;
        borrowed.insert(identity.clone(), path.clone());
        Ok(path)
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl<S: AsRef<str>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.kubectl_with(&self.admin).run(args).await
    }

    /// Runs kubectl as the administrator with this text on stdin.
    pub async fn kubectl_with_input<S: AsRef<str>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Output> {
        self.kubectl_with(&self.admin).run_with_input(args, input).await
    }

    /// A kubectl of this identity.
    pub fn kubectl_as(&self, identity: &Identity) -> Result<Kubectl> {
        Ok(self.kubectl_with(&self.kubeconfig_of(identity)?))
    }

    fn kubectl_with(&self, kubeconfig: &Path) -> Kubectl {
        Kubectl {
            program: self.kubectl.clone(),
            kubeconfig: kubeconfig.to_owned(),
            cache: self.folder.join("kubectl-cache"),
        }
    }

    /// The audit log; none on an existing cluster, or if the options said so.
    pub fn audit_log(&self) -> Option<AuditLog> {
        let info = self.info()?;
        info.audit_log.as_deref().map(AuditLog::whole)
    }

    /// Where a kept cluster has its parts; none for an existing one.
    pub fn info(&self) -> Option<&ClusterInfo> {
        match &self.home {
            Home::Kept { info, .. } => Some(info),
            Home::Existing { .. } => None,
        }
    }

    /// The keeper's process id.
    pub fn keeper_pid(&self) -> Option<u32> {
        match &self.home {
            Home::Kept { keeper, .. } => Some(keeper.id()),
            Home::Existing { .. } => None,
        }
    }

    /// A folder for a test's files that ends with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// How long the keeper may take to end its cluster.
const END: Duration = Duration::from_secs(20);

impl Drop for Cluster {
    fn drop(&mut self) {
        let Home::Kept { keeper, .. } = &mut self.home else {
            return;
        };
        drop(keeper.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < END {
            if !matches!(keeper.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // It is stuck; the next run cleans up after it.
        let _ = keeper.kill();
        let _ = keeper.wait();
    }
}
