//! Certificates and CA that live for seconds: renewed in time, and no handshake fails.

use crate::handshake::Server;
use crate::support::{Stage, alone, certificate, cluster, text};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn certificate_and_ca_are_renewed_and_no_handshake_fails() {
    let cluster = cluster().await;
    let _kubeop = alone(&cluster, &["--certificate-life=10s", "--issuer-ca-life=40s"]).await;
    let stage = Stage { cluster: &cluster };
    stage.namespace("short").await;
    for name in ["web", "other"] {
        let host = format!("{name}.example.com");
        stage
            .applied(&certificate("short", name, &host, &json!({})))
            .await;
    }
    stage.ready("short", "web").await;
    stage.ready("short", "other").await;

    let secrets: Api<Secret> = Api::namespaced(cluster.client().await.unwrap(), "short");
    let read = async || -> Value { json!(secrets.get("web-tls").await.unwrap()) };
    let server = Server::start(&read().await).await;
    let first = text(&read().await, "ca.crt");
    let mut met = BTreeSet::new();
    let mut bundles: Vec<String> = Vec::new();
    let start = Instant::now();
    let mut handshakes = 0;
    // Until certificates of the second CA are served and the first one is trusted no more.
    loop {
        let secret = read().await;
        server.reload(&secret);
        let trusted = text(&secret, "ca.crt");
        let certificate = server.greet("web.example.com", &trusted).await;
        let certificate =
            certificate.unwrap_or_else(|error| panic!("after {:?}: {error:#}", start.elapsed()));
        met.insert(certificate);
        handshakes += 1;
        if bundles.last() != Some(&trusted) {
            bundles.push(trusted.clone());
        }
        if !trusted.contains(first.trim()) {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(75),
            "{} certificates, {bundles:#?}",
            met.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // First alone, both while one takes over from the other, second alone.
    let seconds = bundles.last().unwrap();
    let held: Vec<_> = bundles
        .iter()
        .map(|bundle| [first.trim(), seconds.trim()].map(|ca| bundle.contains(ca)))
        .collect();
    assert_eq!(held, [[true, false], [true, true], [false, true]]);
    assert!(
        met.len() >= 4,
        "{} certificates in {:?}",
        met.len(),
        start.elapsed()
    );
    assert!(handshakes > 100, "{handshakes}");
}
