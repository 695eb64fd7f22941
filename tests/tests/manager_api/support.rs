//! kubeOP with its manager API, and people who ask it.

use anyhow::Result;
pub use kubeop_tests::condition as said;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::manager_api::{Caller, address, ca, token};
use kubeop_tests::{Cluster, Identity, KubeOp, Options};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// An installation that the tests share.
pub struct Stage {
    pub cluster: &'static Cluster,
    pub kubeop: KubeOp<'static>,
    pub address: SocketAddr,
    /// CAs to trust, PEM.
    pub ca: String,
}

impl Stage {
    pub async fn shared() -> &'static Stage {
        static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
        static STAGE: OnceCell<Stage> = OnceCell::const_new();
        let start = || async {
            let start = || async { Cluster::start(Options::default()).await.unwrap() };
            let cluster = CLUSTER.get_or_init(start).await;
            let address = address().unwrap();
            let options = InstallOptions {
                controller_args: vec![format!("--api-listen={address}")],
                ..InstallOptions::default()
            };
            let kubeop = KubeOp::install(cluster, options).await.unwrap();
            let ca = ca(cluster).await.unwrap();
            Stage {
                cluster,
                kubeop,
                address,
                ca,
            }
        };
        STAGE.get_or_init(start).await
    }

    /// `https://<address>`
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Somebody with this token, or none.
    pub fn with(&self, token: Option<&str>) -> Caller {
        Caller::new(self.address, &self.ca, token).unwrap()
    }

    /// The administrator.
    pub fn admin(&self) -> Caller {
        self.with(Some(&token(self.cluster, &Identity::admin()).unwrap()))
    }

    /// A token of a service account of a namespace, which has this role there; `-` for none.
    pub async fn token_of(&self, namespace: &str, name: &str, role: &str) -> String {
        self.done(&format!("create serviceaccount {name} -n {namespace}"))
            .await;
        if role != "-" {
            let subject = format!("--serviceaccount={namespace}:{name}");
            self.done(&format!(
                "create rolebinding {name} --clusterrole={role} {subject} -n {namespace}"
            ))
            .await;
        }
        let token = self.done(&format!("create token {name} -n {namespace}")).await;
        token.trim().to_owned()
    }

    /// A Tenant and a Project of this name, ready.
    pub async fn project(&self, name: &str) {
        let owner = |kind: &str, spec: Value| json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        let tenant = owner("Tenant", json!({"contact": "platform@acme.example"}));
        self.cluster.apply(&tenant.to_string()).await.unwrap();
        let project = owner("Project", json!({"tenantRef": name}));
        self.cluster.apply(&project.to_string()).await.unwrap();
        self.until(&format!("project/{name}"), |found| {
            said(found, "Ready")["status"] == "True"
        })
        .await;
    }

    pub async fn done(&self, args: &str) -> String {
        let done = self.cluster.kubectl(args.split_whitespace()).await;
        done.unwrap().success().unwrap()
    }

    /// An object as JSON; null if there is none. `what` may end in `-n <namespace>`.
    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster.find(what).await
    }

    /// Waits until `holds` of an object.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.cluster.until(what, SOON, holds).await.unwrap()
    }
}

/// Whether an App of this generation is Ready.
pub fn is_ready(app: &Value) -> bool {
    let is_current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
    is_current && said(app, "Ready")["status"] == "True"
}

/// An App of kind Image in the namespace that a Project makes.
pub fn app(project: &str, name: &str, image: &str) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": name, "namespace": format!("kubeop-{project}")},
        "spec": {"projectRef": project, "delivery": {"kind": "Image", "image": {"ref": image}}}})
}
