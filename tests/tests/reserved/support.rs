//! kubeOP with a project, and people who have every right that RBAC can give them, but do not own projects.

use std::time::Duration;

use anyhow::Result;
use kubeop_tests::kubectl::Kubectl;
use kubeop_tests::{Cluster, Identity, KubeOp, Output, fake, wait};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub const NAMESPACE: &str = "kubeop-web";
/// Of an App that has a record, a kept revision, and a hook Job that runs for ever.
pub const APP: &str = "pay";
/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// The fixture.
pub struct Web {
    pub cluster: &'static Cluster,
    /// A person with all rights of Kubernetes on what the policies are about, and on its subresources.
    writer: Kubectl,
}

impl Web {
    pub async fn shared() -> &'static Web {
        static WEB: OnceCell<Web> = OnceCell::const_new();
        WEB.get_or_init(|| async { Web::install().await.unwrap() }).await
    }

    async fn install() -> Result<Web> {
        let cluster = KubeOp::shared().await.cluster();
        let web = Web {
            cluster,
            writer: cluster.kubectl_as(&Identity::user("wendy", &[]))?,
        };
        let writer = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "wendy"},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "namespaces/status", "namespaces/finalize",
                "configmaps", "secrets", "serviceaccounts", "serviceaccounts/token"], "verbs": ["*"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["*"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"]},
            {"apiGroups": ["batch"], "resources": ["jobs", "jobs/status"], "verbs": ["*"]},
        ]});
        let bound = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "wendy"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "wendy"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "wendy"}]});
        let tenant = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme"}, "spec": {"contact": "platform@acme.example"}});
        for object in [writer, bound, tenant] {
            web.apply(&object).await?;
        }
        web.project("web").await?;
        web.apply(&app(NAMESPACE, APP, "24h")).await?;
        wait::until("the hook runs", SOON, || async {
            web.hook_job(NAMESPACE).await?;
            anyhow::Ok(())
        })
        .await?;
        Ok(web)
    }

    pub async fn apply(&self, object: &Value) -> Result<String> {
        let object = object.to_string();
        let applied = self.cluster.kubectl_with_input(["apply", "-f", "-"], &object);
        applied.await?.success()
    }

    /// A Project of this name, ready.
    pub async fn project(&self, name: &str) -> Result<()> {
        let project = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
            "metadata": {"name": name}, "spec": {"tenantRef": "acme"}});
        self.apply(&project).await?;
        let ready = format!("wait project/{name} --for=condition=Ready --timeout=60s");
        self.kubectl(&ready).await.map(drop)
    }

    /// As an administrator, who owns projects.
    pub async fn kubectl(&self, args: &str) -> Result<String> {
        self.cluster.kubectl(args.split_whitespace()).await?.success()
    }

    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster.get(what).await
    }

    /// As the writer.
    pub async fn write(&self, args: &str, input: &Value) -> Output {
        let args = args.split_whitespace();
        self.writer
            .run_with_input(args, &input.to_string())
            .await
            .unwrap()
    }

    /// A merge patch as the writer.
    pub async fn patch(&self, what: &str, fields: &Value) -> Output {
        let fields = fields.to_string();
        let mut args: Vec<&str> = vec!["patch"];
        args.extend(what.split_whitespace());
        args.extend(["--type=merge", "-p", &fields]);
        self.writer.run(args).await.unwrap()
    }

    /// The Job of the hook that runs in a namespace.
    pub async fn hook_job(&self, namespace: &str) -> Result<String> {
        let job = self
            .kubectl(&format!(
                "get jobs -n {namespace} -l platform.kubeop.io/hook -o jsonpath={{.items[0].metadata.name}}"
            ))
            .await?;
        anyhow::ensure!(!job.is_empty(), "no hook Job yet");
        Ok(job)
    }
}

/// An App whose hook runs this long.
pub fn app(namespace: &str, name: &str, runs: &str) -> Value {
    let hook = json!({"name": "migrate", "image": "ghcr.io/acme/migrate:1",
        "env": [{"name": fake::RUN_FOR, "value": runs}]});
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"projectRef": namespace.trim_start_matches("kubeop-"),
            "delivery": {"kind": "Image", "image": {"ref": "ghcr.io/acme/pay:1"}},
            "hooks": {"pre": [hook]}}})
}

/// That it was refused with 403, by a policy, and in our words.
#[track_caller]
pub fn reserved(output: Output, path: &str) {
    let refused = output.failure().unwrap();
    let says = format!("[Reserved] {path}: ");
    assert!(
        refused.to_lowercase().contains("forbidden") && refused.contains(&says),
        "not {says:?}: {refused}"
    );
}
