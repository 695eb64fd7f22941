//! Two projects, people of one of them, and how an attempt is made.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use kubeop_tests::kubectl::Kubectl;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, Identity, KubeOp, Options, Output, fake, wait};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::attempt::{Attempt, What, Who};
use crate::objects::{DEPLOYER, HOME, app, pod, raw};

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);
/// Attempts that are made at once.
const AT_ONCE: usize = 4;

/// Projects `web` and `shop`, and people of `web`.
pub struct Ground {
    cluster: &'static Cluster,
    edit: Kubectl,
    debugs: Kubectl,
    admin: Kubectl,
    namespaces: Kubectl,
    /// A hook Job that runs.
    pub hook_job: String,
}

impl Ground {
    pub async fn shared() -> &'static Ground {
        static GROUND: OnceCell<Ground> = OnceCell::const_new();
        GROUND
            .get_or_init(|| async { Ground::prepare().await.unwrap() })
            .await
    }

    async fn prepare() -> Result<Ground> {
        static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
        static KUBEOP: OnceCell<KubeOp<'static>> = OnceCell::const_new();
        // With tokens of their own: who borrows the administrator's cannot be refused to impersonate others.
        let people = ["edith", "debra", "adam", "nadia"].map(|name| Identity::user(name, &[]));
        let start = || {
            Cluster::start(Options {
                identities: people.to_vec(),
                ..Options::default()
            })
        };
        let cluster = CLUSTER.get_or_try_init(start).await?;
        let options = InstallOptions {
            allowlist: vec!["ghcr.io/acme".to_owned(), "quay.io/acme".to_owned()],
            ..InstallOptions::default()
        };
        KUBEOP
            .get_or_try_init(|| KubeOp::install(cluster, options))
            .await?;
        let [edit, debugs, admin, namespaces] = &people;
        let mut ground = Ground {
            cluster,
            hook_job: String::new(),
            edit: cluster.kubectl_as(edit)?,
            debugs: cluster.kubectl_as(debugs)?,
            admin: cluster.kubectl_as(admin)?,
            namespaces: cluster.kubectl_as(namespaces)?,
        };
        let tenant = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme"}, "spec": {"contact": "platform@acme.example"}});
        ground.apply(&tenant).await?;
        for name in ["web", "shop"] {
            ground.project(name, &json!([])).await?;
        }
        for args in [
            "create rolebinding edith -n kubeop-web --clusterrole=edit --user=edith --user=debra",
            "create rolebinding adam -n kubeop-web --clusterrole=admin --user=adam",
            "create role debra -n kubeop-web --verb=get,patch --resource=pods/ephemeralcontainers",
            "create rolebinding debra -n kubeop-web --role=debra --user=debra",
            "create clusterrole nadia --verb=get,create,patch,update \
             --resource=namespaces,namespaces/status,namespaces/finalize",
            "create clusterrolebinding nadia --clusterrole=nadia --user=nadia",
            "create secret generic theirs -n kubeop-shop --from-literal=a=b",
        ] {
            ground.kubectl(args).await?;
        }
        ground.apps().await?;
        let hooks =
            "get jobs -n kubeop-web -l app.kubeop.io/app-id=hooked -o jsonpath={.items[0].metadata.name}";
        ground.hook_job = ground.kubectl(hooks).await?;
        Ok(ground)
    }

    /// Apps in every state that somebody may want to make use of.
    async fn apps(&self) -> Result<()> {
        let edit = |object: Value| async move {
            let args = ["apply", "-f", "-"];
            self.edit
                .run_with_input(args, &object.to_string())
                .await?
                .success()
        };
        edit(pod("ok", "ghcr.io/acme/ok")).await?;
        // Two revisions; the first is of a registry that is not allowed any more.
        for image in ["quay.io/acme/pay:1", "ghcr.io/acme/pay:2"] {
            edit(app("pay", image)).await?;
            self.is("pay", "Succeeded").await?;
        }
        self.project("web", &json!(["ghcr.io/acme"])).await?;
        let mut frozen = app("frozen", "ghcr.io/acme/pay:1");
        frozen["metadata"]["annotations"] = json!({"platform.kubeop.io/freeze": "audit"});
        edit(frozen).await?;
        let hook = |env: &str, value: &str| {
            json!({"pre": [{"name": "migrate", "image": "ghcr.io/acme/migrate",
                "env": [{"name": env, "value": value}]}]})
        };
        let mut failed = app("failed", "ghcr.io/acme/pay:1");
        failed["spec"]["hooks"] = hook(fake::EXIT_CODE, "3");
        edit(failed).await?;
        self.is("failed", "HookFailed").await?;
        let mut hooked = app("hooked", "ghcr.io/acme/pay:1");
        hooked["spec"]["hooks"] = hook(fake::RUN_FOR, "24h");
        edit(hooked).await?;
        self.is("hooked", "HookRunning").await
    }

    async fn is(&self, app: &str, reason: &str) -> Result<()> {
        wait::until(&format!("App {app} is {reason}"), SOON, || async {
            let ready = format!("get apps.platform.kubeop.io/{app} -n {HOME} -o json");
            let found: Value = serde_json::from_str(&self.kubectl(&ready).await?)?;
            let current = found["status"]["observedGeneration"] == found["metadata"]["generation"];
            let ready = condition(&found);
            ensure!(current && ready["reason"] == reason, "{ready}");
            Ok(())
        })
        .await
    }

    async fn project(&self, name: &str, allowlist: &Value) -> Result<()> {
        let project = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
            "metadata": {"name": name}, "spec": {"tenantRef": "acme", "imageAllowlist": allowlist}});
        self.apply(&project).await?;
        let ready = format!("wait project/{name} --for=condition=Ready --timeout=60s");
        self.kubectl(&ready).await.map(drop)
    }

    /// As the administrator.
    pub async fn kubectl(&self, args: &str) -> Result<String> {
        self.cluster.kubectl(args.split_whitespace()).await?.success()
    }

    async fn apply(&self, object: &Value) -> Result<()> {
        let object = object.to_string();
        let applied = self.cluster.kubectl_with_input(["apply", "-f", "-"], &object);
        applied.await?.success().map(drop)
    }

    /// Makes all attempts, and says of each whether it was refused as it should be.
    pub async fn make_all<'t>(&'static self, table: &'t [Attempt]) -> Vec<(&'t Attempt, Result<()>)> {
        let attempts = table.iter().enumerate();
        let made = attempts.map(|(index, attempt)| async move { (attempt, self.make(index, attempt).await) });
        futures::stream::iter(made).buffered(AT_ONCE).collect().await
    }

    async fn make(&self, index: usize, attempt: &Attempt) -> Result<()> {
        let said = match &attempt.what {
            What::Run(args) => self.as_who(attempt.who, args, "").await?.failure()?,
            What::Send(args, object) => {
                let output = self.as_who(attempt.who, args, &object.to_string()).await?;
                output.failure()?
            }
            What::Deliver(manifests) => {
                return self
                    .deliver(&format!("try-{index}"), manifests, attempt.refusal)
                    .await;
            }
        };
        ensure!(
            said.contains(attempt.refusal),
            "not {:?}, but: {said}",
            attempt.refusal
        );
        Ok(())
    }

    pub async fn as_who(&self, who: Who, args: &str, input: &str) -> Result<Output> {
        let mut args: Vec<&str> = args.split_whitespace().collect();
        let kubectl = match who {
            Who::Edit | Who::Deployer => &self.edit,
            Who::Debugs => &self.debugs,
            Who::Admin => &self.admin,
            Who::Namespaces => &self.namespaces,
        };
        let acting = format!("--as={DEPLOYER}");
        if who == Who::Deployer {
            // Before a `--`, behind which all belongs to the Pod.
            args.insert(0, &acting);
        }
        kubectl.run_with_input(args, input).await
    }

    async fn deliver(&self, name: &str, manifests: &[Value], refusal: &str) -> Result<()> {
        let object = raw(name, manifests).to_string();
        self.as_who(Who::Edit, "apply -f -", &object).await?.success()?;
        let told = wait::until(name, SOON, || async {
            let get = format!("get apps.platform.kubeop.io/{name} -n {HOME} -o json");
            let found: Value = serde_json::from_str(&self.kubectl(&get).await?)?;
            let ready = condition(&found);
            let said = ready["message"].as_str().unwrap_or_default();
            ensure!(
                ready["status"] != "True" || said.contains(refusal),
                "it was delivered"
            );
            ensure!(said.contains(refusal), "not {refusal:?}, but: {said}");
            Ok(())
        });
        told.await?;
        self.kubectl(&format!(
            "delete apps.platform.kubeop.io/{name} -n {HOME} --wait=false"
        ))
        .await
        .context("clear away")
        .map(drop)
    }
}

fn condition(app: &Value) -> Value {
    let conditions = app["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ready = conditions
        .into_iter()
        .find(|condition| condition["type"] == "Ready");
    ready.unwrap_or_default()
}
