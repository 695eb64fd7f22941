//! cert-manager, played by the test: its kind, its Secret, its status.

use crate::support::{SOON, Stage, calls_in, certificate, certificate_at, secret_writes, text, version};
use anyhow::ensure;
use kubeop_certs::{Authority, Pair};
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;

const NAMESPACE: &str = "managed";
const ASKED: &str = "certificates.cert-manager.io/web -n managed";
const SECRET: &str = "secret/web-tls -n managed";

/// Its definition, as far as it matters here.
fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.cert-manager.io"},
        "spec": {"group": "cert-manager.io", "scope": "Namespaced",
            "names": {"kind": "Certificate", "plural": "certificates", "singular": "certificate", "listKind": "CertificateList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

fn issuer() -> Value {
    json!({"issuer": {"kind": "CertManager", "name": "acme", "issuerKind": "ClusterIssuer"}})
}

struct Played<'c> {
    stage: Stage<'c>,
    ca: Authority,
}

impl Played<'_> {
    /// Signs, writes the Secret, and says so.
    async fn issues(&self, host: &str) -> Pair {
        let (now, day) = (OffsetDateTime::now_utc(), time::Duration::DAY);
        let pair = self.ca.server(&[host.to_owned()], now, day).unwrap();
        let asked = self.stage.get(ASKED).await.unwrap();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": asked["spec"]["secretName"], "namespace": NAMESPACE,
                "labels": asked["spec"]["secretTemplate"]["labels"],
                "annotations": {"cert-manager.io/certificate-name": "web"}},
            "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": self.ca.certificate()}});
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=cert-manager",
            "-f",
            "-",
        ];
        let applied = self
            .stage
            .cluster
            .kubectl_with_input(apply, &secret.to_string())
            .await;
        applied.unwrap().success().unwrap();
        self.says(&json!([{"type": "Ready", "status": "True", "reason": "Ready", "message": "up to date"}]))
            .await;
        pair
    }

    async fn says(&self, conditions: &Value) {
        let fields = json!({"status": {"conditions": conditions}}).to_string();
        let args = [
            "patch",
            "certificates.cert-manager.io",
            "web",
            "-n",
            NAMESPACE,
            "--subresource=status",
            "--type=merge",
            "-p",
            &fields,
        ];
        self.stage.cluster.kubectl(args).await.unwrap().success().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cert_manager_is_asked_and_nobody_fights_when_the_issuer_changes() {
    let stage = Stage::shared().await;
    let now = OffsetDateTime::now_utc();
    let played = Played {
        stage,
        ca: Authority::new("acme", now, time::Duration::days(9)).unwrap(),
    };
    stage.namespace(NAMESPACE).await;
    let by_cert_manager = certificate(NAMESPACE, "web", "web.example.com", &issuer());
    let by_kubeop = certificate(NAMESPACE, "web", "web.example.com", &json!({}));

    // It is not installed.
    stage.applied(&by_cert_manager).await;
    stage
        .says(
            NAMESPACE,
            "web",
            ["False", "UnknownKind"],
            "cert-manager is not installed here",
        )
        .await;
    stage.applied(&definition()).await;

    // It is, and asked.
    let asked = stage.until(ASKED, |found| !found.is_null()).await;
    assert_eq!(
        asked["spec"]["issuerRef"],
        json!({"name": "acme", "kind": "ClusterIssuer", "group": "cert-manager.io"})
    );
    assert_eq!(asked["spec"]["dnsNames"], json!(["web.example.com"]));
    assert_eq!(asked["metadata"]["ownerReferences"][0]["name"], "web");
    stage
        .says(
            NAMESPACE,
            "web",
            ["False", "Progressing"],
            "it has said nothing yet",
        )
        .await;
    played
        .says(
            &json!([{"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "no Secret"},
            {"type": "Issuing", "status": "False", "reason": "Failed", "message": "rate limited"}]),
        )
        .await;
    stage
        .says(NAMESPACE, "web", ["False", "IssuingFailed"], "rate limited")
        .await;
    let pair = played.issues("web.example.com").await;
    let ready = stage.ready(NAMESPACE, "web").await;
    assert_eq!(ready["status"]["issuer"], "CN=acme");
    assert_eq!(
        text(&stage.get(SECRET).await.unwrap(), "tls.crt"),
        pair.certificate
    );

    // Its word alone does not count.
    played.issues("other.example.com").await;
    stage
        .says(
            NAMESPACE,
            "web",
            ["False", "Unhealthy"],
            "it does not name the host",
        )
        .await;
    played.issues("web.example.com").await;
    stage.ready(NAMESPACE, "web").await;

    // Steady, nothing is asked and nothing is written.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = stage.log();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        calls_in(&log, NAMESPACE).is_empty(),
        "{:#?}",
        calls_in(&log, NAMESPACE)
    );

    // Forth and back: each time one hand writes, once.
    for _ in 0..2 {
        let (log, before) = (stage.log(), stage.get(SECRET).await.unwrap());
        stage.applied(&by_kubeop).await;
        stage.another(NAMESPACE, "web-tls", &before).await;
        stage.ready(NAMESPACE, "web").await;
        stage.until(ASKED, Value::is_null).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(secret_writes(&log, NAMESPACE), 1);

        let (log, before) = (stage.log(), stage.get(SECRET).await.unwrap());
        stage.applied(&by_cert_manager).await;
        stage.until(ASKED, |found| !found.is_null()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(version(&stage.get(SECRET).await.unwrap()), version(&before));
        played.issues("web.example.com").await;
        stage
            .until(&certificate_at(NAMESPACE, "web"), |found| {
                found["status"]["issuer"] == "CN=acme"
            })
            .await;
        stage.ready(NAMESPACE, "web").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(secret_writes(&log, NAMESPACE), 0);
    }

    // One of cert-manager's that somebody else made under the same name is not touched.
    let theirs = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": {"name": "taken", "namespace": NAMESPACE}, "spec": {"secretName": "theirs"}});
    stage.applied(&theirs).await;
    let before = stage
        .get("certificates.cert-manager.io/taken -n managed")
        .await
        .unwrap();
    stage
        .applied(&certificate(NAMESPACE, "taken", "taken.example.com", &issuer()))
        .await;
    stage
        .says(NAMESPACE, "taken", ["False", "Conflict"], "somebody else made it")
        .await;
    let after = stage
        .get("certificates.cert-manager.io/taken -n managed")
        .await
        .unwrap();
    assert_eq!(version(&after), version(&before));

    // With ours goes what was asked for it.
    stage
        .done(&format!("delete {}", certificate_at(NAMESPACE, "web")))
        .await;
    wait::until("it is asked no more", SOON, || async {
        let asked = stage.get(ASKED).await?;
        ensure!(asked.is_null(), "{asked:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}
