//! kubeOP on a test cluster: its manifests applied, its two programs running as their own identities, its webhook
//! registered by URL.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::cluster::Cluster;
use crate::generated::repository;
use crate::identity::Identity;
use crate::keeper::requests::{Ending, Program};
use crate::options::Options;
use crate::process::tail;
use crate::programs::{self, OwnProgram};
use crate::{page, wait};

pub(crate) const WEBHOOK: &str = "kubeop-webhook";
const CONTROLLER: &str = "kubeop-controller";

/// How long a program may take until it is ready.
const READY: Duration = Duration::from_secs(30);

/// How kubeOP is installed.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// `KUBEOP_IMAGE_ALLOWLIST` of both programs.
    pub allowlist: Vec<String>,
    /// Whether there is an admission webhook at all.
    pub gate: Gate,
    /// Appended to the webhook's arguments.
    pub webhook_args: Vec<String>,
    /// Appended to the controller's arguments.
    pub controller_args: Vec<String>,
}

/// Whether there is an admission webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It runs and is registered.
    Registered,
    /// It neither runs nor is registered: what the controller does by itself.
    Absent,
}

impl Default for InstallOptions {
    fn default() -> Self {
        InstallOptions {
            allowlist: vec!["ghcr.io/acme".to_owned()],
            gate: Gate::Registered,
            webhook_args: Vec::new(),
            controller_args: Vec::new(),
        }
    }
}

/// kubeOP, installed and running. Its programs end with the cluster.
pub struct KubeOp<'a> {
    cluster: &'a Cluster,
    options: InstallOptions,
    webhook: PathBuf,
    controller: PathBuf,
    /// Kept over a restart, since the registrations name it.
    webhook_port: u16,
    controller_port: u16,
    controller_pid: AtomicI32,
}

impl<'a> KubeOp<'a> {
    /// Builds both programs, applies the manifests, starts the programs, registers the webhook, and returns when
    /// all of it is ready.
    pub async fn install(cluster: &'a Cluster, options: InstallOptions) -> Result<KubeOp<'a>> {
        let own = [WEBHOOK, CONTROLLER].map(|name| OwnProgram { package: name, name });
        let mut built = tokio::task::spawn_blocking(move || programs::build_own(&own))
            .await??
            .into_iter();
        let kubeop = KubeOp {
            cluster,
            options,
            webhook: built.next().context("no webhook was built")?,
            controller: built.next().context("no controller was built")?,
            webhook_port: free_port()?,
            controller_port: free_port()?,
            controller_pid: AtomicI32::default(),
        };
        install_manifests(cluster).await?;
        if kubeop.options.gate == Gate::Registered {
            kubeop.start_webhook().await?;
        }
        kubeop.start_controller().await?;
        Ok(kubeop)
    }

    /// kubeOP with default options on a cluster of its own, shared by the tests of this program. After a failed
    /// test the programs' last log lines are printed.
    ///
    /// # Panics
    /// When it cannot be installed.
    pub async fn shared() -> &'static KubeOp<'static> {
        static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
        static SHARED: OnceCell<Result<KubeOp<'static>, String>> = OnceCell::const_new();
        let install = || async {
            let cluster = CLUSTER
                .get_or_try_init(|| Cluster::start(Options::default()))
                .await?;
            let kubeop = KubeOp::install(cluster, InstallOptions::default()).await?;
            print_logs_on_panic([WEBHOOK, CONTROLLER].map(|name| cluster.log_of(name)));
            anyhow::Ok(kubeop)
        };
        let shared = SHARED.get_or_init(|| async { install().await.map_err(|error| format!("{error:#}")) });
        match shared.await {
            Ok(kubeop) => kubeop,
            Err(error) => panic!("kubeOP is not installed: {error}"),
        }
    }

    /// The cluster that it runs on.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// The webhook's log file.
    pub fn webhook_log(&self) -> PathBuf {
        self.cluster.log_of(WEBHOOK)
    }

    /// The controller's log file.
    pub fn controller_log(&self) -> PathBuf {
        self.cluster.log_of(CONTROLLER)
    }

    /// `https://127.0.0.1:<port>` of the webhook.
    pub fn webhook_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.webhook_port)
    }

    /// `http://127.0.0.1:<port>` of the controller's health and metrics.
    pub fn controller_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.controller_port)
    }

    /// The CA that signed the webhook's certificate.
    pub fn webhook_ca(&self) -> PathBuf {
        self.cluster.folder().join("webhook-ca.crt")
    }

    /// Starts the webhook, waits until it is ready, and registers it: each start makes a new CA.
    pub async fn start_webhook(&self) -> Result<i32> {
        let mut args = vec![
            format!("--listen=127.0.0.1:{}", self.webhook_port),
            format!("--ca-file-out={}", self.webhook_ca().display()),
            // Tests take it away, and want it to be gone.
            "--drain=0s".to_owned(),
        ];
        args.extend(self.options.webhook_args.iter().cloned());
        let pid = self
            .start(WEBHOOK, &self.webhook, args, &Identity::webhook())
            .await?;
        self.ready(WEBHOOK, &self.webhook_url(), Some(&self.webhook_ca()))
            .await?;
        self.register_webhook().await?;
        Ok(pid)
    }

    /// Asks the webhook to end. Its registrations stay: this is an outage.
    pub async fn stop_webhook(&self) -> Result<()> {
        self.cluster.end(WEBHOOK, Ending::Asked).await
    }

    /// Starts the controller and waits until it is ready.
    pub async fn start_controller(&self) -> Result<i32> {
        // One process only, which is killed and started again without waiting for its own lease to run out.
        let mut args = vec![
            format!("--listen=127.0.0.1:{}", self.controller_port),
            "--leader-elect=false".to_owned(),
        ];
        args.extend(self.options.controller_args.iter().cloned());
        let pid = self
            .start(CONTROLLER, &self.controller, args, &Identity::controller())
            .await?;
        self.controller_pid.store(pid, Ordering::Relaxed);
        self.ready(CONTROLLER, &self.controller_url(), None).await?;
        Ok(pid)
    }

    /// Process id of the controller that was started last.
    pub fn controller_pid(&self) -> u32 {
        self.controller_pid.load(Ordering::Relaxed).unsigned_abs()
    }

    /// Asks the controller to end.
    pub async fn stop_controller(&self) -> Result<()> {
        self.cluster.end(CONTROLLER, Ending::Asked).await
    }

    /// Kills the controller: SIGKILL, at once.
    pub async fn kill_controller(&self) -> Result<()> {
        self.cluster.end(CONTROLLER, Ending::Killed).await
    }

    /// Runs `release --all`, as a person does before kubeOP is uninstalled.
    pub async fn release(&self) -> Result<()> {
        let kubeconfig = self.cluster.kubeconfig_of(&Identity::controller())?;
        let released = tokio::process::Command::new(&self.controller)
            .args(["release", "--all"])
            .env("KUBECONFIG", kubeconfig)
            .kill_on_drop(true)
            .output();
        let released = tokio::time::timeout(READY, released).await??;
        let told = String::from_utf8_lossy(&released.stderr);
        ensure!(released.status.success(), "release --all: {told}");
        Ok(())
    }

    /// Asks the controller to end, starts it again, and waits until it is ready.
    pub async fn restart_controller(&self) -> Result<i32> {
        self.stop_controller().await?;
        self.start_controller().await
    }

    /// Both programs again with another list of registries, as a change of their configuration does it.
    pub async fn restart_with_allowlist(&mut self, allowlist: &[&str]) -> Result<()> {
        self.options.allowlist = allowlist.iter().map(ToString::to_string).collect();
        self.stop_webhook().await?;
        self.start_webhook().await?;
        self.restart_controller().await.map(drop)
    }

    /// The controller again with other arguments.
    pub async fn restart_controller_with(&mut self, args: Vec<String>) -> Result<()> {
        self.options.controller_args = args;
        self.restart_controller().await.map(drop)
    }

    async fn start(&self, name: &str, path: &Path, args: Vec<String>, identity: &Identity) -> Result<i32> {
        let kubeconfig = self.cluster.kubeconfig_of(identity)?;
        self.cluster
            .run(Program {
                name: name.to_owned(),
                path: path.to_owned(),
                args,
                env: vec![
                    ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                    (
                        "KUBEOP_IMAGE_ALLOWLIST".to_owned(),
                        self.options.allowlist.join(","),
                    ),
                ],
            })
            .await
    }

    /// Waits for `/readyz` of a program.
    async fn ready(&self, name: &str, url: &str, ca_file: Option<&Path>) -> Result<()> {
        let ready = wait::until(name, READY, || async {
            if let Some(how) = self.cluster.ended(name).await? {
                return Ok(Err(how));
            }
            page::get(&format!("{url}/readyz"), ca_file).await.map(|_| Ok(()))
        });
        let log = || tail(&self.cluster.log_of(name), 30);
        match ready.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(how)) => bail!("{name} ended with {how}:\n{}", log()),
            Err(error) => Err(error.context(log())),
        }
    }

    async fn register_webhook(&self) -> Result<()> {
        let ca = std::fs::read(self.webhook_ca()).context("the webhook wrote no CA")?;
        register(self.cluster, &self.webhook_url(), Some(&ByteString(ca))).await
    }
}

/// Registers the webhook as the manifests say, but by URL: the API server of a test cluster reaches no Service.
/// Without a bundle, the webhook must see to it that it is trusted.
pub async fn register(cluster: &Cluster, url: &str, bundle: Option<&ByteString>) -> Result<()> {
    let folder = repository().join("manifests/webhook").display().to_string();
    let rendered = cluster.kubectl(["kustomize", &folder]).await?.success()?;
    let mut registered = 0;
    for document in serde_saphyr::from_multiple::<Value>(&rendered)? {
        let mut configuration = document;
        let kind = configuration
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !kind.ends_with("WebhookConfiguration") {
            continue;
        }
        let hooks = configuration.get_mut("webhooks").and_then(Value::as_array_mut);
        for hook in hooks.context("a registration without webhooks")? {
            let path = hook
                .pointer("/clientConfig/service/path")
                .and_then(Value::as_str)
                .unwrap_or("/");
            let mut client = json!({"url": format!("{url}{path}")});
            if let Some(bundle) = bundle {
                client["caBundle"] = json!(bundle);
            }
            let hook = hook.as_object_mut().context("a webhook is an object")?;
            hook.insert("clientConfig".to_owned(), client);
        }
        let text = configuration.to_string();
        cluster.apply(&text).await?;
        registered += 1;
    }
    ensure!(registered > 0, "{folder} registers no webhook");
    Ok(())
}

/// Applies kinds, rights and policies: what every start of the programs needs. Returns when all of it holds.
pub async fn install_manifests(cluster: &Cluster) -> Result<()> {
    let folder = |name: &str| repository().join("manifests").join(name).display().to_string();
    let crds = folder("crds");
    cluster.kubectl(["apply", "-f", &crds]).await?.success()?;
    for name in ["rbac", "policies"] {
        let folder = folder(name);
        cluster.kubectl(["apply", "-k", &folder]).await?.success()?;
    }
    // `kubectl wait` gives up at once on an object that has no conditions yet.
    let established = ["wait", "--for=condition=Established", "--timeout=5s", "-f", &crds];
    wait::until("the kinds are there", READY, || async {
        cluster.kubectl(established).await?.success()
    })
    .await?;
    policies_hold(cluster).await
}

/// Waits until the API server asks the policies: nothing tells when it has read them. The one about Namespaces is the last
/// that kubectl applies (by name), and the garbage collector's account may write Namespaces without owning any.
async fn policies_hold(cluster: &Cluster) -> Result<()> {
    let probe = [
        "label",
        "namespace",
        "default",
        "app.kubeop.io/project-id=probe",
        "--dry-run=server",
        "--as=system:serviceaccount:kube-system:generic-garbage-collector",
    ];
    wait::until("the policies hold", READY, || async {
        let refused = cluster.kubectl(probe).await?.failure()?;
        ensure!(refused.contains("[Reserved]"), "{refused}");
        anyhow::Ok(())
    })
    .await
}

/// A port that nobody uses.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn print_logs_on_panic(logs: [PathBuf; 2]) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        for log in &logs {
            eprintln!("--- the last lines of {}:\n{}", log.display(), tail(log, 15));
        }
    }));
}
