//! kubeOP on a cluster, and what the tests ask of it.

use anyhow::Result;
use k8s_openapi::ByteString;
use kubeop_tests::audit::Entry;
pub use kubeop_tests::condition as said;
use kubeop_tests::kubectl::Output;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{AuditLog, Cluster, KubeOp, Options};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// kubectl on a cluster that has kubeOP.
#[derive(Clone, Copy)]
pub struct Stage<'c> {
    pub cluster: &'c Cluster,
}

impl<'c> Stage<'c> {
    pub async fn shared() -> Stage<'static> {
        Stage {
            cluster: KubeOp::shared().await.cluster(),
        }
    }

    pub async fn kubectl(&self, args: &str) -> Output {
        self.cluster.kubectl(args.split_whitespace()).await.unwrap()
    }

    pub async fn done(&self, args: &str) -> String {
        self.kubectl(args).await.success().unwrap()
    }

    pub async fn applied(&self, object: &Value) {
        self.cluster.apply(&object.to_string()).await.unwrap();
    }

    /// An object as JSON; null if there is none. `what` may end in `-n <namespace>`.
    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster.find(what).await
    }

    /// Waits until `holds` of an object.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.cluster.until(what, SOON, holds).await.unwrap()
    }

    /// Waits until the garbage collector has removed an object. It looks every 30 s for kinds that it does not know yet,
    /// and on a young cluster ours are among them.
    pub async fn collected(&self, what: &str) {
        self.cluster.until(what, SOON * 4, Value::is_null).await.unwrap();
    }

    /// Waits until a Certificate's `Ready` has this status and reason, and says these words.
    pub async fn says(&self, namespace: &str, name: &str, [status, reason]: [&str; 2], words: &str) -> Value {
        self.until(&certificate_at(namespace, name), |found| {
            let said = said(found, "Ready");
            let message = said["message"].as_str().unwrap_or_default();
            let observed = &found["status"]["observedGeneration"];
            observed == &found["metadata"]["generation"]
                && said["status"] == status
                && said["reason"] == reason
                && message.contains(words)
        })
        .await
    }

    pub async fn ready(&self, namespace: &str, name: &str) -> Value {
        self.says(namespace, name, ["True", "Succeeded"], "").await
    }

    /// A namespace of the administrators' own.
    pub async fn namespace(&self, name: &str) {
        self.done(&format!("create namespace {name}")).await;
    }

    /// A Tenant and a Project of this name, ready, whose spec says `more`.
    pub async fn project(&self, name: &str, mut more: Value) {
        let owner = |kind: &str, spec: Value| json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        self.applied(&owner("Tenant", json!({"contact": "platform@acme.example"})))
            .await;
        more["tenantRef"] = json!(name);
        self.applied(&owner("Project", more)).await;
        self.until(&format!("project/{name}"), |found| {
            said(found, "Ready")["status"] == "True"
        })
        .await;
    }

    pub async fn secret(&self, namespace: &str, name: &str) -> Value {
        self.get(&format!("secret/{name} -n {namespace}")).await.unwrap()
    }

    /// Waits until a Secret holds another certificate than this one.
    pub async fn another(&self, namespace: &str, name: &str, than: &Value) -> Value {
        self.until(&format!("secret/{name} -n {namespace}"), |found| {
            !found["data"]["tls.crt"].is_null() && found["data"]["tls.crt"] != than["data"]["tls.crt"]
        })
        .await
    }

    pub fn log(&self) -> AuditLog {
        self.cluster.audit_log().unwrap().from_now().unwrap()
    }
}

/// kubeOP's calls in a namespace.
pub fn calls_in(log: &AuditLog, namespace: &str) -> Vec<Entry> {
    let mut calls = log.kubeop_calls().unwrap();
    calls.retain(|call| call.namespace.as_deref() == Some(namespace));
    calls
}

/// kubeOP's writes of Secrets in a namespace.
pub fn secret_writes(log: &AuditLog, namespace: &str) -> usize {
    let calls = calls_in(log, namespace);
    calls
        .iter()
        .filter(|call| call.is_write() && call.resource == "secrets")
        .count()
}

/// kubeOP on a cluster of its own.
pub async fn alone<'c>(cluster: &'c Cluster, controller_args: &[&str]) -> KubeOp<'c> {
    let options = InstallOptions {
        controller_args: controller_args.iter().map(ToString::to_string).collect(),
        ..InstallOptions::default()
    };
    KubeOp::install(cluster, options).await.unwrap()
}

pub async fn cluster() -> Cluster {
    Cluster::start(Options::default()).await.unwrap()
}

pub fn certificate_at(namespace: &str, name: &str) -> String {
    format!("certificates.platform.kubeop.io/{name} -n {namespace}")
}

/// A Certificate whose spec says `more`.
pub fn certificate(namespace: &str, name: &str, host: &str, more: &Value) -> Value {
    let mut spec = json!({"host": host});
    if let Some(more) = more.as_object() {
        spec.as_object_mut().unwrap().extend(more.clone());
    }
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Certificate",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

/// A text of a Secret.
pub fn text(secret: &Value, name: &str) -> String {
    let data: ByteString = serde_json::from_value(secret["data"][name].clone()).unwrap_or_default();
    String::from_utf8(data.0).unwrap()
}

pub fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default()
}
