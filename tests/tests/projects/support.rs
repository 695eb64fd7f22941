//! kubeOP on a cluster, and what the tests ask of it.

use anyhow::Result;
pub use kubeop_tests::condition as said;
use kubeop_tests::kubectl::Output;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

pub const FINALIZER: &str = "platform.kubeop.io/finalizer";

/// The installed programs, with kubectl at hand.
pub struct Stage<'k> {
    pub kubeop: &'k KubeOp<'k>,
}

impl<'k> Stage<'k> {
    pub async fn shared() -> Stage<'static> {
        Stage {
            kubeop: KubeOp::shared().await,
        }
    }

    pub fn on(kubeop: &'k KubeOp<'k>) -> Self {
        Self { kubeop }
    }

    fn cluster(&self) -> &Cluster {
        self.kubeop.cluster()
    }

    /// kubectl with arguments separated by blanks.
    pub async fn kubectl(&self, args: &str) -> Output {
        self.cluster().kubectl(args.split_whitespace()).await.unwrap()
    }

    pub async fn done(&self, args: &str) -> String {
        self.kubectl(args).await.success().unwrap()
    }

    pub async fn refused(&self, args: &str) -> String {
        self.kubectl(args).await.failure().unwrap()
    }

    pub async fn paste(&self, line: &str) {
        self.cluster().paste(line).await.unwrap().success().unwrap();
    }

    pub async fn apply(&self, object: &Value) -> Output {
        self.send("apply -f -", object).await
    }

    pub async fn send(&self, args: &str, object: &Value) -> Output {
        let args = args.split_whitespace();
        let text = object.to_string();
        self.cluster().kubectl_with_input(args, &text).await.unwrap()
    }

    pub async fn applied(&self, object: &Value) {
        self.apply(object).await.success().unwrap();
    }

    /// An object as JSON; null if there is none. `what` may end in `-n <namespace>`.
    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster().find(what).await
    }

    /// Waits until `holds` of an object.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.cluster().until(what, SOON, holds).await.unwrap()
    }

    pub async fn gone(&self, what: &str) {
        self.until(what, Value::is_null).await;
    }

    /// Waits until a condition has this status and reason, and says these words.
    pub async fn says(&self, what: &str, condition: [&str; 3], words: &str) {
        let [kind, status, reason] = condition;
        self.until(what, |found| {
            let said = said(found, kind);
            let message = said["message"].as_str().unwrap_or_default();
            said["status"] == status && said["reason"] == reason && message.contains(words)
        })
        .await;
    }

    pub async fn ready(&self, what: &str) {
        self.says(what, ["Ready", "True", "Succeeded"], "").await;
    }

    /// A Tenant and a Project of this name, ready, whose spec says `more`.
    pub async fn project(&self, name: &str, more: Value) {
        self.tenant(name).await;
        self.applied(&project(name, more)).await;
        self.ready(&format!("project/{name}")).await;
    }

    pub async fn tenant(&self, name: &str) {
        self.applied(&owner(
            "Tenant",
            name,
            json!({"contact": "platform@acme.example"}),
        ))
        .await;
    }

    /// A namespace that agrees to be adopted.
    pub async fn namespace_for(&self, namespace: &str, project: &str) {
        self.done(&format!("create namespace {namespace}")).await;
        self.done(&format!(
            "annotate namespace {namespace} platform.kubeop.io/adopt={project}"
        ))
        .await;
    }
}

/// kubeOP on a cluster of its own, for what would spoil others' tests.
pub async fn alone(cluster: &Cluster) -> KubeOp<'_> {
    KubeOp::install(cluster, InstallOptions::default()).await.unwrap()
}

pub async fn cluster() -> Cluster {
    Cluster::start(Options::default()).await.unwrap()
}

pub fn owner(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Project of the Tenant of the same name.
pub fn project(name: &str, more: Value) -> Value {
    let mut project = owner("Project", name, more);
    project["spec"]["tenantRef"] = json!(name);
    project
}

/// An App of kind Image in the namespace that a Project makes.
pub fn app(project: &str, name: &str, image: &str) -> Value {
    let mut app = owner(
        "App",
        name,
        json!({"projectRef": project, "delivery": {"kind": "Image", "image": {"ref": image}}}),
    );
    app["metadata"]["namespace"] = json!(format!("kubeop-{project}"));
    app
}

pub fn pod(namespace: &str, name: &str, image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": image}]}})
}
