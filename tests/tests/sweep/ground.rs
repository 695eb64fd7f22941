//! What all runs share: a cluster, and the controller's program.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use http::Request;
use kubeop_tests::kubeop::install_manifests;
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::{Cluster, Options};
use serde_json::{Value, json};

pub const CONTROLLER: &str = "kubeop-controller";

pub struct Ground {
    pub cluster: Cluster,
    pub program: PathBuf,
    client: kube::Client,
}

impl Ground {
    pub async fn start() -> Result<Ground> {
        let own = [OwnProgram {
            package: CONTROLLER,
            name: CONTROLLER,
        }];
        let built = tokio::task::spawn_blocking(move || programs::build_own(&own)).await??;
        let cluster = Cluster::start(Options::default()).await?;
        install_manifests(&cluster).await?;
        let ground = Ground {
            program: built.into_iter().next().context("no controller was built")?,
            client: cluster.client().await?,
            cluster,
        };
        let tenants = "/apis/platform.kubeop.io/v1alpha1/tenants";
        let tenant = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme"}, "spec": {}});
        ground.create(tenants, &tenant).await?;
        Ok(ground)
    }

    /// Reads a path as the administrator; none if there is nothing.
    pub async fn get(&self, path: &str) -> Result<Option<Value>> {
        match self.client.request(Request::get(path).body(Vec::new())?).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).context(path.to_owned()),
        }
    }

    pub async fn create(&self, path: &str, object: &Value) -> Result<()> {
        let request = Request::post(path).header("Content-Type", "application/json");
        self.send(request.body(object.to_string().into_bytes())?).await
    }

    /// Changes these fields, as `kubectl edit` does.
    pub async fn edit(&self, path: &str, fields: &Value) -> Result<()> {
        let request = Request::patch(format!("{path}?fieldManager=kubectl-edit"))
            .header("Content-Type", "application/merge-patch+json");
        self.send(request.body(fields.to_string().into_bytes())?).await
    }

    pub async fn delete(&self, path: &str) -> Result<()> {
        self.send(Request::delete(path).body(Vec::new())?).await
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<()> {
        let what = format!("{} {}", request.method(), request.uri());
        match self.client.request::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(error) => bail!("{what}: {error}"),
        }
    }
}
