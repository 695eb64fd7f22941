//! kubeOP with its DNS configured, and what the tests ask of it.

pub use kubeop_tests::condition;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kubeop_tests::kubeop::{Gate, InstallOptions};
use kubeop_tests::{AuditLog, Cluster, KubeOp, Options, wait};
use serde_json::{Value, json};

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(40);
/// How long a name may take from `kubectl apply` to the server's answer.
pub const AT_ONCE: Duration = Duration::from_secs(2);

pub const RECORDS: &str = "dnsrecords.platform.kubeop.io";

pub struct Stage<'k> {
    pub kubeop: &'k KubeOp<'k>,
}

pub async fn cluster() -> Cluster {
    Cluster::start(Options::default()).await.unwrap()
}

/// Without the webhook: what is refused there is refused by the controller, too.
pub async fn install(cluster: &Cluster, args: Vec<String>) -> KubeOp<'_> {
    let options = InstallOptions {
        gate: Gate::Absent,
        controller_args: args,
        ..InstallOptions::default()
    };
    KubeOp::install(cluster, options).await.unwrap()
}

impl Stage<'_> {
    pub fn cluster(&self) -> &Cluster {
        self.kubeop.cluster()
    }

    /// kubectl with arguments separated by blanks.
    pub async fn kubectl(&self, args: &str) -> String {
        let output = self.cluster().kubectl(args.split_whitespace()).await.unwrap();
        output.success().unwrap()
    }

    pub async fn apply(&self, object: &Value) {
        self.cluster().apply(&object.to_string()).await.unwrap();
    }

    /// While nothing changes, nothing is asked of the API server.
    pub async fn costs_no_call(&self) {
        let log = self.log();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut calls = log.kubeop_calls().unwrap();
        calls.retain(|call| ["dnsrecords", "secrets"].contains(&call.resource.as_str()));
        assert!(calls.is_empty(), "{calls:#?}");
    }

    /// A Tenant and a Project of this name, whose namespace is there.
    pub async fn project(&self, name: &str, hosts: &[&str]) {
        let of = |kind: &str, spec: Value| {
            json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec})
        };
        self.apply(&of("Tenant", json!({"contact": "platform@acme.example"})))
            .await;
        let spec = json!({"tenantRef": name, "enforcement": "Audit", "hosts": hosts});
        self.apply(&of("Project", spec)).await;
        self.kubectl(&format!(
            "wait --for=condition=Ready project/{name} --timeout=40s"
        ))
        .await;
    }

    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster().find(what).await
    }

    /// A `DNSRecord` by namespace and name.
    pub async fn record(&self, key: &str) -> Result<Value> {
        let (namespace, name) = key.split_once('/').context("no namespace")?;
        self.get(&format!("{RECORDS}/{name} -n {namespace}")).await
    }

    /// Waits until a record says this by `Ready`, of its present generation.
    pub async fn says(&self, key: &str, status: &str, reason: &str, words: &str) -> Value {
        wait::until(&format!("{key} says {reason}"), SOON, || async {
            let record = self.record(key).await?;
            let ready = condition(&record, "Ready");
            let said = ready["status"] == status && ready["reason"] == reason;
            let current = record["status"]["observedGeneration"] == record["metadata"]["generation"];
            let message = ready["message"].as_str().unwrap_or_default();
            ensure!(said && current && message.contains(words), "{}", record["status"]);
            anyhow::Ok(record)
        })
        .await
        .unwrap()
    }

    pub async fn is_ready(&self, key: &str) -> Value {
        self.says(key, "True", "Succeeded", "").await
    }

    pub async fn gone(&self, key: &str) {
        wait::until(&format!("{key} is gone"), SOON, || async {
            let record = self.record(key).await?;
            ensure!(record.is_null(), "{record:#}");
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }

    /// From here on.
    pub fn log(&self) -> AuditLog {
        self.cluster().audit_log().unwrap().from_now().unwrap()
    }

    /// Nothing of what was kept secret may stand anywhere but in its Secret.
    pub async fn nothing_tells(&self, secrets: &[&str]) {
        let mut texts = vec![std::fs::read_to_string(self.kubeop.controller_log()).unwrap()];
        let kinds = format!("{RECORDS},events,configmaps,projects,tenants,apps.platform.kubeop.io");
        texts.push(
            self.kubectl(&format!("get {kinds} -A -o yaml --show-managed-fields"))
                .await,
        );
        texts.push(
            kubeop_tests::page::get(&format!("{}/metrics", self.kubeop.controller_url()), None)
                .await
                .unwrap(),
        );
        for text in texts {
            for secret in secrets {
                assert!(!text.contains(secret), "{secret} stands in {text}");
            }
        }
    }
}

pub fn record(key: &str, host: &str, target: &str) -> Value {
    let (namespace, name) = key.split_once('/').unwrap();
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "DNSRecord",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"host": host, "target": target}})
}

/// Writes of the status of a record.
pub fn status_writes(log: &AuditLog, name: &str) -> usize {
    let writes = log.kubeop_writes().unwrap();
    let of = |entry: &&kubeop_tests::audit::Entry| {
        entry.resource == "dnsrecords"
            && entry.name.as_deref() == Some(name)
            && entry.subresource.as_deref() == Some("status")
    };
    writes.iter().filter(of).count()
}
