//! The controller on a cluster, and what the tests ask of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kubeop_tests::audit::Entry;
use kubeop_tests::keeper::requests::{Ending, Program};
use kubeop_tests::kubeop::install_manifests;
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::{Cluster, Identity, page, wait};
use serde_json::Value;
use tokio::sync::{OnceCell, RwLock};

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

const CONTROLLER: &str = "kubeop-controller";

/// The controller without the webhook: what delivery does must not depend on admission.
pub struct Stage {
    pub cluster: &'static Cluster,
    /// Written while the controller is down; read by whoever measures a time.
    pub running: RwLock<()>,
    port: u16,
    program: std::path::PathBuf,
}

#[allow(dead_code, reason = "tests of deletion and restarts are on their way")]
impl Stage {
    pub async fn shared() -> &'static Stage {
        static STAGE: OnceCell<Stage> = OnceCell::const_new();
        STAGE
            .get_or_init(|| async { Stage::on(Cluster::shared().await).await.unwrap() })
            .await
    }

    /// On a cluster of its own, for what would spoil the others' tests.
    pub async fn alone() -> Stage {
        static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
        let start = || async { Cluster::start(kubeop_tests::Options::default()).await.unwrap() };
        Stage::on(CLUSTER.get_or_init(start).await).await.unwrap()
    }

    async fn on(cluster: &'static Cluster) -> Result<Stage> {
        let own = [OwnProgram {
            package: CONTROLLER,
            name: CONTROLLER,
        }];
        let built = tokio::task::spawn_blocking(move || programs::build_own(&own)).await??;
        install_manifests(cluster).await?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = built.into_iter().next().context("no controller was built")?;
        let stage = Stage {
            cluster,
            running: RwLock::new(()),
            port,
            program,
        };
        stage.start_controller().await?;
        stage
            .apply(
                "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n",
            )
            .await?;
        Ok(stage)
    }

    pub async fn start_controller(&self) -> Result<()> {
        let kubeconfig = self.cluster.kubeconfig_of(&Identity::controller())?;
        let env = vec![
            ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
            ("KUBEOP_LOG".to_owned(), "kubeop_controller=debug,info".to_owned()),
        ];
        let args = vec![
            format!("--listen=127.0.0.1:{}", self.port),
            "--leader-elect=false".to_owned(),
        ];
        let program = Program {
            name: CONTROLLER.to_owned(),
            path: self.program.clone(),
            args,
            env,
        };
        self.cluster.run(program).await?;
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        wait::until("the controller is ready", SOON, || page::get(&url, None))
            .await
            .map(drop)
    }

    pub async fn stop_controller(&self, how: Ending) -> Result<()> {
        self.cluster.end(CONTROLLER, how).await
    }

    pub async fn apply(&self, yaml: &str) -> Result<String> {
        self.cluster.apply(yaml).await
    }

    pub async fn kubectl(&self, args: &str) -> Result<String> {
        self.cluster.kubectl(args.split_whitespace()).await?.success()
    }

    /// A Project of this name, ready. Its violations are only warned of: there is no webhook here.
    pub async fn project(&self, name: &str) -> Result<()> {
        let yaml = format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\n\
             spec: {{tenantRef: acme, enforcement: Audit}}\n"
        );
        self.apply(&yaml).await?;
        self.kubectl(&format!(
            "wait project/{name} --for=condition=Ready --timeout=30s"
        ))
        .await
        .map(drop)
    }

    /// An object as JSON; null if there is none.
    pub async fn get(&self, namespace: &str, what: &str) -> Result<Value> {
        self.cluster.find(&format!("{what} -n {namespace}")).await
    }

    /// Waits until the Ready condition of an App has this status and reason.
    pub async fn app_is(&self, namespace: &str, app: &str, status: &str, reason: &str) -> Result<Value> {
        wait::until(&format!("App {app} is {status} {reason}"), SOON, || async {
            let found = self
                .get(namespace, &format!("apps.platform.kubeop.io/{app}"))
                .await?;
            let ready = condition(&found, "Ready");
            let current = found["status"]["observedGeneration"] == found["metadata"]["generation"];
            ensure!(
                current && ready["status"] == status && ready["reason"] == reason,
                "{}",
                found["status"]
            );
            Ok(found)
        })
        .await
    }

    /// What kubeOP wrote in a namespace since then.
    pub fn writes_in(&self, log: &kubeop_tests::AuditLog, namespace: &str) -> Result<Vec<Entry>> {
        let ours = |entry: &Entry| entry.namespace.as_deref() == Some(namespace);
        Ok(log.kubeop_writes()?.into_iter().filter(ours).collect())
    }

    pub fn calls_in(&self, log: &kubeop_tests::AuditLog, namespace: &str) -> Result<Vec<Entry>> {
        let ours = |entry: &Entry| entry.namespace.as_deref() == Some(namespace);
        Ok(log.kubeop_calls()?.into_iter().filter(ours).collect())
    }
}

/// A condition of an object.
pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions
        .into_iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or_default()
}

/// An App of kind Image; `more` are further lines of `spec`.
pub fn image_app(namespace: &str, name: &str, image: &str, more: &str) -> String {
    let project = namespace.trim_start_matches("kubeop-");
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec:\n  projectRef: {project}\n  delivery:\n    kind: Image\n    image:\n      ref: {image}\n      replicas: 2\n\
         \x20     ports: [{{name: http, containerPort: 8080}}]\n{more}"
    )
}
