//! Webhooks side by side that see to their own certificates, behind one Service, with project `web` to guard.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::https::Connection;
use crate::identity::Identity;
use crate::keeper::requests::{Ending, Program};
use crate::kubeop::{WEBHOOK, free_port, install_manifests, register};
use crate::process::tail;
use crate::programs::{self, OwnProgram};
use crate::service::Service;
use crate::wait;

/// The project namespace.
pub const NAMESPACE: &str = "kubeop-web";

/// How long a replica may take until it is ready.
const READY: Duration = Duration::from_secs(30);

/// Kinds of the registrations.
const KINDS: [&str; 2] = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];

/// Some webhooks, with the same arguments.
pub struct Replicas<'c> {
    /// What they run on.
    pub cluster: &'c Cluster,
    /// What the registrations name.
    pub service: Service,
    client: Client,
    program: PathBuf,
    args: Vec<String>,
    running: Mutex<HashMap<String, Replica>>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Replica {
    /// Names it and its log.
    pub name: String,
    port: u16,
    pid: i32,
}

impl Replica {
    /// `https://127.0.0.1:<port>` of this one.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

impl<'c> Replicas<'c> {
    /// Registers the webhook without a word about whom to trust; what another test has left of it is removed. No
    /// replica runs yet.
    pub async fn install(cluster: &'c Cluster, args: &[&str]) -> Result<Self> {
        let own = [OwnProgram {
            package: WEBHOOK,
            name: WEBHOOK,
        }];
        let mut built = tokio::task::spawn_blocking(move || programs::build_own(&own)).await??;
        let program = built.pop().context("no webhook was built")?;
        let replicas = Replicas {
            cluster,
            service: Service::start().await?,
            client: cluster.client().await?,
            program,
            args: args.iter().map(ToString::to_string).collect(),
            running: Mutex::default(),
        };
        install_manifests(cluster).await?;
        for kind in KINDS {
            replicas
                .kubectl(&format!("delete {kind} kubeop --ignore-not-found"))
                .await?;
        }
        replicas
            .kubectl("delete secret kubeop-webhook-ca -n kubeop-system --ignore-not-found")
            .await?;
        register(cluster, &replicas.service.url(), None).await?;
        Ok(replicas)
    }

    /// Runs kubectl with arguments separated by blanks.
    pub async fn kubectl(&self, args: &str) -> Result<String> {
        self.cluster.kubectl(args.split_whitespace()).await?.success()
    }

    /// An object as it is.
    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster.get(what).await
    }

    /// The Secret with the CA.
    pub async fn secret(&self) -> Result<Value> {
        self.get("secret kubeop-webhook-ca -n kubeop-system").await
    }

    /// What each webhook of the registrations trusts, PEM.
    pub async fn bundles(&self) -> Result<Vec<String>> {
        let mut bundles = Vec::new();
        for resource in [
            ApiResource::erase::<MutatingWebhookConfiguration>(&()),
            ApiResource::erase::<ValidatingWebhookConfiguration>(&()),
        ] {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
            let registration = api.get("kubeop").await?;
            let hooks = registration.data["webhooks"].as_array().context("no webhooks")?;
            for hook in hooks {
                let bundle: Option<ByteString> =
                    serde_json::from_value(hook["clientConfig"]["caBundle"].clone())?;
                bundles.push(String::from_utf8(bundle.unwrap_or_default().0)?);
            }
        }
        Ok(bundles)
    }

    /// Starts one, and waits for nothing.
    pub async fn begin(&self, name: &str) -> Result<Replica> {
        let port = free_port()?;
        let mut args = self.args.clone();
        args.push(format!("--listen=127.0.0.1:{port}"));
        let kubeconfig = self.cluster.kubeconfig_of(&Identity::webhook())?;
        let program = Program {
            name: name.to_owned(),
            path: self.program.clone(),
            args,
            env: vec![
                ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                ("KUBEOP_IMAGE_ALLOWLIST".to_owned(), "ghcr.io/acme".to_owned()),
            ],
        };
        let replica = Replica {
            name: name.to_owned(),
            port,
            pid: self.cluster.run(program).await?,
        };
        self.with_running(|running| running.insert(name.to_owned(), replica.clone()));
        Ok(replica)
    }

    /// Starts one. When it is ready, by a certificate that the registrations trust, it joins the Service.
    pub async fn start(&self, name: &str) -> Result<Replica> {
        let replica = self.begin(name).await?;
        self.ready(&replica).await?;
        self.service.add(replica.port);
        Ok(replica)
    }

    /// Waits until one is ready.
    pub async fn ready(&self, replica: &Replica) -> Result<()> {
        let ready = wait::until(&replica.name, READY, || async {
            if let Some(how) = self.cluster.ended(&replica.name).await? {
                return Ok(Err(how));
            }
            let bundle = self.bundles().await?.pop().unwrap_or_default();
            let mut connection = Connection::open_trusting(&replica.url(), bundle.as_bytes()).await?;
            connection
                .send(b"GET /readyz HTTP/1.1\r\nhost: webhook\r\n\r\n")
                .await?;
            let answer = connection.answer().await?;
            anyhow::ensure!(answer.status == 200, "{}", answer.text());
            Ok(Ok(()))
        });
        let log = || tail(&self.cluster.log_of(&replica.name), 30);
        match ready.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(how)) => bail!("{} ended with {how}:\n{}", replica.name, log()),
            Err(error) => Err(error.context(log())),
        }
    }

    /// Sends SIGTERM, and waits for nothing.
    pub fn ask_to_end(&self, replica: &Replica) -> Result<()> {
        let pid = Pid::from_raw(replica.pid).context("no process id")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    /// New connections no longer go to this one.
    pub fn leave_service(&self, replica: &Replica) {
        self.service.remove(replica.port);
    }

    /// Waits until it has ended by itself, and lets go of it; how it ended.
    pub async fn ended(&self, replica: &Replica, deadline: Duration) -> Result<String> {
        let how = wait::until(&replica.name, deadline, || async {
            self.cluster.ended(&replica.name).await?.context("it runs")
        })
        .await?;
        self.forget(&replica.name).await?;
        Ok(how)
    }

    /// Kills what runs, so that its names can be used again.
    pub async fn kill_all(&self) -> Result<()> {
        let names: Vec<String> = self.with_running(|running| running.keys().cloned().collect());
        for name in names {
            self.forget(&name).await?;
        }
        Ok(())
    }

    async fn forget(&self, name: &str) -> Result<()> {
        self.with_running(|running| running.remove(name));
        self.cluster.end(name, Ending::Killed).await
    }

    fn with_running<T>(&self, change: impl FnOnce(&mut HashMap<String, Replica>) -> T) -> T {
        change(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes project `web` and its namespace. A replica must be ready.
    pub async fn make_project(&self) -> Result<()> {
        let labels = json!({"app.kubeop.io/project-id": "web", "app.kubeop.io/tenant-id": "acme"});
        let objects = [
            json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
                "metadata": {"name": "acme"}, "spec": {"contact": "platform@acme.example"}}),
            json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
                "metadata": {"name": "web"}, "spec": {"tenantRef": "acme"}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}),
        ];
        for object in objects {
            self.cluster.apply(&object.to_string()).await?;
        }
        Ok(())
    }
}

impl Drop for Replicas<'_> {
    /// After a failed test: what it left running would write into the next one's registrations.
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        for replica in running.values() {
            if let Some(pid) = Pid::from_raw(replica.pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
