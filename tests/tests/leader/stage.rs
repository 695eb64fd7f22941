//! A project of its own, a Lease of its own, and controllers that want it, on a cluster that the tests share.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kubeop_tests::keeper::requests::Program;
use kubeop_tests::kubeop::install_manifests;
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::proxy::{Fault, Proxy, View};
use kubeop_tests::{Cluster, Identity, Options, wait};
use serde_json::Value;
use tokio::sync::OnceCell;

/// How long a takeover and a delivery may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);

pub struct Ground {
    pub cluster: Cluster,
    program: PathBuf,
}

/// The cluster that these tests share.
pub async fn ground() -> &'static Ground {
    static GROUND: OnceCell<Ground> = OnceCell::const_new();
    GROUND
        .get_or_init(|| async {
            let name = "kubeop-controller";
            let own = [OwnProgram { package: name, name }];
            let built = tokio::task::spawn_blocking(move || programs::build_own(&own));
            let program = built.await.unwrap().unwrap().remove(0);
            let cluster = Cluster::start(Options::default()).await.unwrap();
            install_manifests(&cluster).await.unwrap();
            let ground = Ground { cluster, program };
            let tenant =
                "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n";
            ground.apply(tenant).await.unwrap();
            ground
        })
        .await
}

impl Ground {
    pub async fn apply(&self, yaml: &str) -> Result<String> {
        self.cluster.apply(yaml).await
    }
}

/// One project, whose controllers see nothing else.
pub struct Stage {
    pub ground: &'static Ground,
    pub name: String,
    pub ns: String,
}

impl Stage {
    pub async fn new(name: &str) -> Stage {
        let stage = Stage {
            ground: ground().await,
            name: name.to_owned(),
            ns: format!("kubeop-{name}"),
        };
        // The Lease of this stage: the controller's account may have it there, too.
        let lease = stage.lease_namespace();
        let rights = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {lease}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: leases, namespace: {lease}}}\n\
             rules: [{{apiGroups: [coordination.k8s.io], resources: [leases], verbs: ['*']}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: leases, namespace: {lease}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: leases}}\n\
             subjects: [{{kind: ServiceAccount, name: kubeop-controller, namespace: kubeop-system}}]\n---\n\
             apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\n\
             spec: {{tenantRef: acme, enforcement: Audit}}\n"
        );
        stage.ground.apply(&rights).await.unwrap();
        stage
    }

    fn lease_namespace(&self) -> String {
        format!("lease-{}", self.name)
    }

    /// A controller, and the proxy that it works through.
    pub async fn controller(&self, name: &str, fault: Fault) -> Result<Controller> {
        let view = View::Project {
            project: self.name.clone(),
            namespace: self.ns.clone(),
        };
        let cluster = &self.ground.cluster;
        let proxy = Proxy::start(cluster, &Identity::controller(), view, fault).await?;
        let name = format!("{}-{name}", self.name);
        let kubeconfig = cluster.folder().join(format!("{name}.kubeconfig"));
        proxy.write_kubeconfig(&kubeconfig)?;
        let namespace = format!("--namespace={}", self.lease_namespace());
        let pid = cluster
            .run(Program {
                name: name.clone(),
                path: self.ground.program.clone(),
                args: vec!["--listen=127.0.0.1:0".to_owned(), namespace],
                env: vec![
                    ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                    // The first part of its identity.
                    ("HOSTNAME".to_owned(), name.clone()),
                ],
            })
            .await?;
        Ok(Controller { name, proxy, pid })
    }

    /// Who has the Lease.
    pub async fn leader(&self) -> Result<String> {
        let args = format!(
            "get lease kubeop-controller -n {} -o jsonpath={{.spec.holderIdentity}}",
            self.lease_namespace()
        );
        self.kubectl(&args).await
    }

    /// Waits until a controller has the Lease.
    pub async fn leads(&self, controller: &Controller) {
        wait::until(&format!("{} leads", controller.name), SOON, || async {
            let leader = self.leader().await?;
            ensure!(
                leader.starts_with(&format!("{}_", controller.name)),
                "{leader:?} leads"
            );
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }

    /// Applies the App `pay` with this tag and a pre hook.
    pub async fn write_app(&self, tag: &str) {
        let app = format!(
            "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {}}}\n\
             spec:\n  projectRef: {}\n  delivery:\n    kind: Image\n    image:\n      ref: ghcr.io/acme/pay:{tag}\n\
             \x20     ports: [{{name: http, containerPort: 8080}}]\n\
             \x20 hooks: {{pre: [{{name: migrate, image: 'ghcr.io/acme/migrate:{tag}'}}]}}\n",
            self.ns, self.name
        );
        wait::until("the App is written", SOON, || self.ground.apply(&app))
            .await
            .unwrap();
    }

    /// Waits until the App is Ready with this tag.
    pub async fn delivers(&self, tag: &str) {
        wait::until(&format!("{tag} is delivered"), SOON, || async {
            let app = self.get("apps.platform.kubeop.io/pay").await?;
            let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
            let conditions = app["status"]["conditions"].as_array();
            let ready = conditions
                .is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
            let image = self.image().await?;
            ensure!(
                current && ready && image == format!("ghcr.io/acme/pay:{tag}"),
                "{image}: {}",
                app["status"]
            );
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }

    /// Image of the Deployment.
    pub async fn image(&self) -> Result<String> {
        let deployment = self.get("deployments/pay").await?;
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
        Ok(image.context("no image")?.to_owned())
    }

    /// An object of the project's namespace.
    pub async fn get(&self, what: &str) -> Result<Value> {
        self.ground.cluster.get(&format!("{what} -n {}", self.ns)).await
    }

    async fn kubectl(&self, args: &str) -> Result<String> {
        self.ground
            .cluster
            .kubectl(args.split_whitespace())
            .await?
            .success()
    }
}

/// A running controller.
pub struct Controller {
    pub name: String,
    pub proxy: Proxy,
    pub pid: i32,
}
