//! An App that asks for TLS is ready when its certificate is.

use crate::handshake::Server;
use crate::support::{Stage, certificate_at, said, text};
use serde_json::{Value, json};

const APP: &str = "apps.platform.kubeop.io/pay -n kubeop-routed";

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_ready_when_its_certificate_is_and_names_it_while_it_is_not() {
    let stage = Stage::shared().await;
    stage.project("routed", json!({"hosts": ["acme.example"]})).await;
    stage
        .done("create secret generic pay-tls --from-literal=a=b -n kubeop-routed")
        .await;
    let app = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": "pay", "namespace": "kubeop-routed"},
        "spec": {"projectRef": "routed", "delivery": {"kind": "Image", "image": {
            "ref": "ghcr.io/acme/pay:1", "ports": [{"name": "http", "containerPort": 8080}],
            "ingress": {"host": "pay.acme.example", "tls": true}}}}});
    stage.applied(&app).await;
    let words = "Secret pay-tls is of type Opaque: somebody else made it";
    stage
        .says("kubeop-routed", "pay", ["False", "Conflict"], words)
        .await;
    let names_it = |found: &Value| {
        let said = said(found, "Ready");
        let message = said["message"].as_str().unwrap_or_default();
        said["status"] == "False" && message.contains("Certificate pay") && message.contains(words)
    };
    stage.until(APP, names_it).await;
    let table = stage.done(&format!("get {APP}")).await;
    assert!(
        table.contains("Certificate pay") && table.contains(words),
        "{table}"
    );

    stage.done("delete secret pay-tls -n kubeop-routed").await;
    let ready = stage
        .until(APP, |found| said(found, "Ready")["status"] == "True")
        .await;
    assert_eq!(said(&ready, "Ready")["reason"], "Succeeded");
    let secret = stage.secret("kubeop-routed", "pay-tls").await;
    let ingress = stage.get("ingress/pay -n kubeop-routed").await.unwrap();
    assert_eq!(ingress["spec"]["tls"][0]["secretName"], "pay-tls");
    let server = Server::start(&secret).await;
    server
        .greet("pay.acme.example", &text(&secret, "ca.crt"))
        .await
        .unwrap();

    // With the App its Certificate goes, and with that its Secret.
    stage.done(&format!("delete {APP} --timeout=60s")).await;
    stage
        .until(&certificate_at("kubeop-routed", "pay"), Value::is_null)
        .await;
    stage.collected("secret/pay-tls -n kubeop-routed").await;
}
