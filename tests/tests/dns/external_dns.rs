//! Provider `external-dns`: a `DNSEndpoint` that says what the record says.

use anyhow::ensure;
use kubeop_tests::generated::repository;
use kubeop_tests::wait;
use serde_json::{Value, json};

use crate::knot::knot;
use crate::server::{ZONE, missing};
use crate::support::{RECORDS, SOON, Stage, cluster, install, record};

/// The kind as far as it matters here: external-dns brings its own definition.
fn definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "dnsendpoints.externaldns.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/external-dns/pull/2007"}},
        "spec": {"group": "externaldns.k8s.io", "scope": "Namespaced",
            "names": {"kind": "DNSEndpoint", "plural": "dnsendpoints", "singular": "dnsendpoint", "listKind": "DNSEndpointList"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn external_dns_is_told_what_the_record_says() {
    if let Some(why) = missing() {
        kubeop_tests::skip!("{why}");
    }
    let server = knot().await;
    let cluster = cluster().await;
    let args = vec![
        "--dns-provider=external-dns".to_owned(),
        format!("--dns-resolvers={}", server.address()),
    ];
    let kubeop = install(&cluster, args).await;
    let stage = Stage { kubeop: &kubeop };
    stage.project("web", &[ZONE]).await;
    let (name, host) = ("kubeop-web/web", "Web.prod.example.com");
    stage.apply(&record(name, host, "lb.example.net.")).await;
    stage
        .says(
            name,
            "False",
            "Forbidden",
            "Apply manifests/dns/external-dns.yaml",
        )
        .await;
    let rights = repository().join("manifests/dns/external-dns.yaml");
    stage.kubectl(&format!("apply -f {}", rights.display())).await;
    stage
        .says(
            name,
            "False",
            "UnknownKind",
            "the cluster has no kind DNSEndpoint",
        )
        .await;
    stage.apply(&definition()).await;
    let words = "does not resolve";
    stage.says(name, "False", "NotResolved", words).await;
    let wanted = json!([{"dnsName": "web.prod.example.com", "recordType": "CNAME", "recordTTL": 300,
        "targets": ["lb.example.net"]}]);
    let endpoint = "dnsendpoints.externaldns.k8s.io/web -n kubeop-web";
    says(&stage, endpoint, &wanted).await;
    // Hand edits and deletions are put back.
    let edit = json!({"spec": {"endpoints": []}}).to_string();
    let patch = [
        "patch",
        "dnsendpoints.externaldns.k8s.io/web",
        "-n",
        "kubeop-web",
        "--type=merge",
        "-p",
        &edit,
    ];
    cluster.kubectl(patch).await.unwrap().success().unwrap();
    says(&stage, endpoint, &wanted).await;
    stage.kubectl(&format!("delete {endpoint}")).await;
    says(&stage, endpoint, &wanted).await;

    server
        .people(&["add web.prod.example.com. 60 CNAME lb.example.net."])
        .unwrap();
    stage.is_ready(name).await;
    // One that somebody else made is left to him.
    let foreign = json!({"apiVersion": "externaldns.k8s.io/v1alpha1", "kind": "DNSEndpoint",
        "metadata": {"name": "other", "namespace": "kubeop-web"}, "spec": {"endpoints": []}});
    stage.apply(&foreign).await;
    stage
        .apply(&record("kubeop-web/other", "other.prod.example.com", "192.0.2.1"))
        .await;
    stage
        .says("kubeop-web/other", "False", "Conflict", "somebody else made it")
        .await;
    // It goes with its record.
    stage
        .kubectl(&format!("delete {RECORDS}/web -n kubeop-web --timeout=20s"))
        .await;
    wait::until("the DNSEndpoint is gone", SOON, || async {
        let found = stage.get(endpoint).await?;
        ensure!(found.is_null(), "{found:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

/// Waits until the `DNSEndpoint` says this.
async fn says(stage: &Stage<'_>, endpoint: &str, wanted: &Value) {
    wait::until("the DNSEndpoint says it", SOON, || async {
        let found = stage.get(endpoint).await?;
        ensure!(found["spec"]["endpoints"] == *wanted, "{found:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}
