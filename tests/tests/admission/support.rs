//! kubeOP on a cluster with the fixture of the cases: project `web`, namespace `kubeop-web`, three registries.

use anyhow::Result;
use kubeop_tests::kubectl::Output;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard};

/// Tests share the webhook; the one that stops it takes this lock for itself.
static IN_USE: RwLock<()> = RwLock::const_new(());

/// 64 hexadecimal digits.
pub const D64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub const NAMESPACE: &str = "kubeop-web";

pub struct Web {
    pub kubeop: &'static KubeOp<'static>,
    _in_use: Option<RwLockReadGuard<'static, ()>>,
}

impl Web {
    /// The installed fixture, while no test has the webhook stopped.
    pub async fn shared() -> Web {
        let guard = IN_USE.read().await;
        Web {
            kubeop: installed().await,
            _in_use: Some(guard),
        }
    }

    /// The installed fixture for this test alone.
    pub async fn alone() -> (Web, tokio::sync::RwLockWriteGuard<'static, ()>) {
        let guard = IN_USE.write().await;
        let web = Web {
            kubeop: installed().await,
            _in_use: None,
        };
        (web, guard)
    }

    pub fn cluster(&self) -> &'static Cluster {
        self.kubeop.cluster()
    }

    /// kubectl with arguments separated by blanks.
    pub async fn kubectl(&self, args: &str) -> Output {
        self.cluster().kubectl(args.split_whitespace()).await.unwrap()
    }

    pub async fn apply(&self, object: &Value) -> Output {
        self.send("apply -f -", object).await
    }

    /// What the API server would answer to an apply: admission runs, nothing is written.
    pub async fn dry_run(&self, object: &Value) -> Output {
        self.send("apply --dry-run=server -f -", object).await
    }

    pub async fn send(&self, args: &str, object: &Value) -> Output {
        let args = args.split_whitespace();
        let text = object.to_string();
        self.cluster().kubectl_with_input(args, &text).await.unwrap()
    }

    /// The words of a refusal.
    pub async fn refused(&self, object: &Value) -> String {
        self.dry_run(object).await.failure().unwrap()
    }

    pub async fn allowed(&self, object: &Value) -> String {
        self.dry_run(object).await.success().unwrap()
    }

    pub async fn get(&self, what: &str) -> Value {
        let text = self.kubectl(&format!("get {what} -n {NAMESPACE} -o json")).await;
        serde_json::from_str(&text.success().unwrap()).unwrap()
    }
}

async fn installed() -> &'static KubeOp<'static> {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    static KUBEOP: OnceCell<KubeOp<'static>> = OnceCell::const_new();
    KUBEOP
        .get_or_init(|| async {
            let cluster = CLUSTER
                .get_or_init(|| async { Cluster::start(Options::default()).await.unwrap() })
                .await;
            let allowlist = ["ghcr.io/acme", "registry.example.com", "docker.io/library"];
            let options = InstallOptions {
                allowlist: allowlist.map(str::to_owned).to_vec(),
                ..InstallOptions::default()
            };
            let kubeop = KubeOp::install(cluster, options).await.unwrap();
            prepare(cluster).await.unwrap();
            kubeop
        })
        .await
}

async fn prepare(cluster: &Cluster) -> Result<()> {
    let tenant = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": "acme"}, "spec": {"contact": "platform@acme.example"}});
    let project = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
        "metadata": {"name": "web"}, "spec": {"tenantRef": "acme"}});
    for object in [tenant, project] {
        cluster.apply(&object.to_string()).await?;
    }
    let wait = "wait project/web --for=condition=Ready --timeout=60s";
    cluster.kubectl(wait.split_whitespace()).await?.success()?;
    Ok(())
}

/// A Pod that Pod security lets pass.
pub fn pod(name: &str, image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "a", "image": image}]}})
}

/// An App of kind Image.
pub fn app(name: &str, image: &str) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": image}}}})
}

/// An App of kind Raw.
pub fn raw(name: &str, manifests: &[Value]) -> Value {
    let mut app = app(name, "");
    app["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": manifests}});
    app
}
