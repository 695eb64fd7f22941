//! What all runs share: a cluster, and the controller's program.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use http::Request;
use kubeop_tests::keeper::requests::Program;
use kubeop_tests::kubeop::install_manifests;
use kubeop_tests::options::Audit;
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::proxy::Proxy;
use kubeop_tests::{Cluster, Options};
use serde_json::{Value, json};

use crate::story::Place;

pub const CONTROLLER: &str = "kubeop-controller";

pub struct Ground {
    pub cluster: Cluster,
    pub program: PathBuf,
    client: kube::Client,
}

impl Ground {
    pub async fn start(audit: Audit) -> Result<Ground> {
        let own = [OwnProgram {
            package: CONTROLLER,
            name: CONTROLLER,
        }];
        let built = tokio::task::spawn_blocking(move || programs::build_own(&own)).await??;
        let cluster = Cluster::start(Options {
            audit,
            ..Options::default()
        })
        .await?;
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

    /// Starts a controller that works through a proxy.
    pub async fn start_controller(&self, name: &str, proxy: &Proxy) -> Result<()> {
        let kubeconfig = self.cluster.folder().join(format!("{name}.kubeconfig"));
        proxy.write_kubeconfig(&kubeconfig)?;
        let program = Program {
            name: name.to_owned(),
            path: self.program.clone(),
            args: vec![
                "--listen=127.0.0.1:0".to_owned(),
                "--leader-elect=false".to_owned(),
            ],
            env: vec![
                ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                ("KUBEOP_LOG".to_owned(), "kubeop_controller=debug,info".to_owned()),
            ],
        };
        self.cluster.run(program).await.map(drop)
    }

    /// The last lines that a controller logged, each on a line of its own.
    pub fn last_words(&self, name: &str) -> String {
        let log = std::fs::read_to_string(self.cluster.log_of(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(15));
        last.map(|line| format!("\n  {line:.400}")).collect()
    }

    /// Makes room for the next run. No controller is left that would let go of what is deleted, and a namespace that
    /// never goes is tried again and again by the cluster: a thousand of them take all of its time.
    pub async fn clear(&self, place: &Place) -> Result<()> {
        self.delete(&place.project_path()).await?;
        self.delete(&format!("/api/v1/namespaces/{}", place.namespace))
            .await?;
        let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", place.namespace);
        let apps = place.app_path("");
        for list in [apps.trim_end_matches('/'), &place.core_path("configmaps"), &jobs] {
            let found = self.get(list).await?.unwrap_or_default();
            for item in found["items"].as_array().into_iter().flatten() {
                if let Some(name) = item["metadata"]["name"].as_str()
                    && item["metadata"]["finalizers"].is_array()
                {
                    self.let_go(&format!("{list}/{name}")).await?;
                }
            }
        }
        self.let_go(&place.project_path()).await
    }

    /// Takes all finalizers off, if it is still there.
    async fn let_go(&self, path: &str) -> Result<()> {
        let fields = json!({"metadata": {"finalizers": null}});
        match self.edit(path, &fields).await {
            Err(error) if error.to_string().contains("not found") => Ok(()),
            done => done,
        }
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
