//! A cluster as a test holds it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use kube::Client;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::audit::AuditLog;
use crate::identity::Identity;
use crate::images;
use crate::keeper::link::Link;
use crate::keeper::requests::{Answer, Ending, Program, Request};
use crate::keeper::{ClusterInfo, Report, Task, real_node};
use crate::kubectl::{Kubectl, Output, client_config};
use crate::options::{Options, RealNode};
use crate::programs::Programs;
use crate::wait;

/// Names an existing cluster to use instead of starting one.
pub const EXISTING: &str = "KUBEOP_TEST_KUBECONFIG";

/// A running cluster. Dropping it ends it.
///
/// One takes 3 to 7 s and about 600 MB; most tests want [`Cluster::shared`] or
/// [`KubeOp::shared`](crate::KubeOp::shared) and names of their own.
pub struct Cluster {
    link: Arc<Mutex<Link>>,
    folder: PathBuf,
    logs: PathBuf,
    kubectl: PathBuf,
    admin: PathBuf,
    info: Option<ClusterInfo>,
    borrowed: Mutex<HashMap<Identity, PathBuf>>,
}

impl Cluster {
    /// Starts a cluster, or takes the one that `KUBEOP_TEST_KUBECONFIG` names.
    pub async fn start(options: Options) -> Result<Cluster> {
        tokio::task::spawn_blocking(move || Cluster::start_blocking(options)).await?
    }

    /// The cluster that the tests of this program share, with nothing installed. It ends with the program.
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

    fn start_blocking(options: Options) -> Result<Cluster> {
        let programs = Programs::ensure(options.level())?;
        let existing = std::env::var_os(EXISTING);
        // Outlives the start: the archives are imported by then.
        let archives = tempfile::tempdir()?;
        let task = match (&existing, &options.real_node) {
            (Some(_), _) => Task::Programs,
            (None, RealNode::None) => Task::Cluster {
                options,
                images: Vec::new(),
            },
            (None, RealNode::One { more_images }) => {
                real_node::check_machine()?;
                let images = images::write_all(archives.path(), more_images)?;
                Task::Cluster { options, images }
            }
        };
        let (link, report) = Link::start(&task)?;
        let (folder, logs, info) = match report {
            Report::Ready {
                folder,
                logs,
                cluster,
            } => (folder, logs, cluster),
            Report::Failed(reason) => bail!("the test cluster did not start: {reason}"),
        };
        let admin = match (&info, existing) {
            (Some(info), _) => info.admin_kubeconfig.clone(),
            (None, Some(path)) => std::path::absolute(path)?,
            (None, None) => bail!("the keeper has started no cluster"),
        };
        Ok(Cluster {
            link: Arc::new(Mutex::new(link)),
            folder,
            logs,
            kubectl: programs.path("kubectl"),
            admin,
            info,
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

    /// Runs a line as the administrator pastes it into a shell.
    pub async fn paste(&self, line: &str) -> Result<Output> {
        self.kubectl_with(&self.admin).paste(line).await
    }

    /// Runs kubectl as the administrator with this text on stdin.
    pub async fn kubectl_with_input<S: AsRef<str>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Output> {
        self.kubectl_with(&self.admin).run_with_input(args, input).await
    }

    /// Applies objects as the administrator; what kubectl said.
    pub async fn apply(&self, objects: &str) -> Result<String> {
        self.kubectl_with_input(["apply", "-f", "-"], objects)
            .await?
            .success()
    }

    /// Reads an object, or a list, as the administrator: `what` are the arguments of `kubectl get`, separated by
    /// blanks.
    pub async fn get(&self, what: &str) -> Result<Value> {
        let args = ["get", "-o", "json"].into_iter().chain(what.split_whitespace());
        Ok(serde_json::from_str(&self.kubectl(args).await?.success()?)?)
    }

    /// The same, with managed fields, of an object that may not be there: then null.
    pub async fn find(&self, what: &str) -> Result<Value> {
        let args = ["get", "-o", "json", "--show-managed-fields", "--ignore-not-found"];
        let args = args.into_iter().chain(what.split_whitespace());
        let text = self.kubectl(args).await?.success()?;
        Ok(if text.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        })
    }

    /// Waits until `holds` of such an object; what it is then.
    pub async fn until(
        &self,
        what: &str,
        deadline: Duration,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        wait::until(what, deadline, || async {
            let found = self.find(what).await?;
            ensure!(holds(&found), "{found:#}");
            anyhow::Ok(found)
        })
        .await
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
            folder: None,
        }
    }

    /// The audit log; none on an existing cluster, or if the options said so.
    pub fn audit_log(&self) -> Option<AuditLog> {
        let info = self.info()?;
        info.audit_log.as_deref().map(AuditLog::whole)
    }

    /// Where a cluster of ours has its parts; none for an existing one.
    pub fn info(&self) -> Option<&ClusterInfo> {
        self.info.as_ref()
    }

    /// The keeper's process id.
    pub fn keeper_pid(&self) -> u32 {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).pid()
    }

    /// A folder for a test's files that ends with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The log of a program: `kube-apiserver`, or one started by [`Self::run`].
    pub fn log_of(&self, program: &str) -> PathBuf {
        self.logs.join(format!("{program}.log"))
    }

    /// Starts a program that ends with the cluster; its process id.
    pub async fn run(&self, program: Program) -> Result<i32> {
        match self.ask(Request::Start(program)).await? {
            Answer::Runs(pid) => Ok(pid),
            other => bail!("the keeper answered {other:?}"),
        }
    }

    /// Ends a program that [`Self::run`] started, and returns when it is gone.
    pub async fn end(&self, program: &str, how: Ending) -> Result<()> {
        self.ask(Request::End(program.to_owned(), how)).await?;
        Ok(())
    }

    /// Ends a program of the cluster (`kube-apiserver`) and starts it again as it was started.
    pub async fn restart(&self, program: &str) -> Result<()> {
        let Answer::Runs(pid) = self.ask(Request::State(program.to_owned())).await? else {
            bail!("{program} does not run");
        };
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
        let mut words = command.split_terminator('\0').map(str::to_owned);
        let path = PathBuf::from(words.next().unwrap_or_default());
        self.end(program, Ending::Asked).await?;
        let again = Program {
            name: program.to_owned(),
            path,
            args: words.collect(),
            env: Vec::new(),
        };
        self.run(again).await.map(drop)
    }

    /// How a program that [`Self::run`] started has ended by itself; none if it runs.
    pub async fn ended(&self, program: &str) -> Result<Option<String>> {
        match self.ask(Request::State(program.to_owned())).await? {
            Answer::Ended(how) => Ok(how),
            _ => Ok(None),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer> {
        let link = self.link.clone();
        let ask = move || link.lock().unwrap_or_else(PoisonError::into_inner).ask(&request);
        tokio::task::spawn_blocking(ask).await?
    }
}
