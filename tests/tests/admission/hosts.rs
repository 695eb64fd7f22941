//! Where hosts may lie: a Tenant and a Project that both say so, and everything that carries a host.

use std::time::Duration;

use crate::support::{Web, app, raw};
use serde_json::{Value, json};

/// Tenant `hosted` has `acme.example`, its project `bounded` only `pay.acme.example`.
const NAMESPACE: &str = "kubeop-bounded";

fn own(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn in_bounded(mut object: Value) -> Value {
    object["metadata"]["namespace"] = json!(NAMESPACE);
    if object["kind"] == "App" {
        object["spec"]["projectRef"] = json!("bounded");
    }
    object
}

fn record(host: &str) -> Value {
    in_bounded(own(
        "DNSRecord",
        "pay",
        &json!({"host": host, "target": "192.0.2.1"}),
    ))
}

fn certificate(host: &str) -> Value {
    in_bounded(own("Certificate", "pay", &json!({"host": host})))
}

fn ingress(host: &str) -> Value {
    let backend = json!({"service": {"name": "pay", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    in_bounded(
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "pay"},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}}]}}),
    )
}

fn app_with_ingress(host: &str) -> Value {
    let mut app = app("pay", "ghcr.io/acme/x");
    app["spec"]["delivery"]["image"]["ingress"] = json!({"host": host});
    app["spec"]["delivery"]["image"]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    in_bounded(app)
}

/// Each kind that carries a host, and the path at which it stands.
fn all(host: &str) -> [(&'static str, Value); 5] {
    [
        ("spec.host", record(host)),
        ("spec.host", certificate(host)),
        ("spec.rules[0].host", ingress(host)),
        ("spec.delivery.image.ingress.host", app_with_ingress(host)),
        (
            "spec.delivery.raw.manifests[0].spec.rules[0].host",
            in_bounded(raw("pay", &[json!(ingress(host).to_string())])),
        ),
    ]
}

/// What a watch of the webhook brings takes a moment.
async fn until(web: &Web, object: &Value, said: &str) -> String {
    for _ in 0..100 {
        let answer = web.dry_run(object).await;
        if answer.stderr.contains(said) {
            return answer.stderr;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never said: {said}: {:?}", web.dry_run(object).await)
}

#[tokio::test]
async fn hosts_lie_where_tenant_and_project_say() {
    let web = Web::shared().await;
    let tenant = json!({"contact": "dns@acme.example", "hosts": ["Acme.example."]});
    let project = json!({"tenantRef": "hosted", "hosts": ["pay.acme.example"]});
    for object in [
        own("Tenant", "hosted", &tenant),
        own("Project", "bounded", &project),
    ] {
        web.apply(&object).await.success().unwrap();
    }
    let ready = "wait project/bounded --for=condition=Ready --timeout=60s";
    web.kubectl(ready).await.success().unwrap();

    for (_, object) in all("eu.pay.acme.example") {
        web.allowed(&object).await;
    }
    for (path, object) in all("shop.acme.example") {
        let refused = web.refused(&object).await;
        let line = format!(
            "[HostNotAllowed] {path}: \"shop.acme.example\" is not under a host of project bounded \
             (pay.acme.example). Use one of these or a name under it, or ask dns@acme.example."
        );
        assert!(refused.contains(&line), "{line} in {refused}");
    }
    for (_, object) in all("evil.example") {
        let refused = web.refused(&object).await;
        let line = "is not under a host of tenant hosted (acme.example).";
        assert!(refused.contains(line), "{line} in {refused}");
    }
    // Elsewhere they are the administrators' own.
    let mut elsewhere = record("evil.example");
    elsewhere["metadata"]["namespace"] = json!("default");
    web.allowed(&elsewhere).await;

    let mut waits = certificate("pay.acme.example");
    waits["spec"]["dnsRecordRef"] = json!("pay");
    let told = web.dry_run(&waits).await;
    let line = "Warning: spec.dnsRecordRef: \"pay\" is no DNSRecord of namespace kubeop-bounded; the certificate \
                waits for it";
    assert!(told.status == 0 && told.stderr.contains(line), "{told:?}");
    web.apply(&record("pay.acme.example")).await.success().unwrap();
    let told = web.dry_run(&waits).await;
    assert!(
        told.status == 0 && !told.stderr.contains("dnsRecordRef"),
        "{told:?}"
    );

    // The list narrows under what is there: that may still be labelled, and pointed elsewhere.
    let narrow = r#"patch project bounded --type=merge -p {"spec":{"hosts":["new.acme.example"]}}"#;
    web.kubectl(narrow).await.success().unwrap();
    let mut moved = record("pay.acme.example");
    moved["spec"]["target"] = json!("192.0.2.2");
    let told = until(
        &web,
        &moved,
        "Warning: not changed by this request, and would be refused today: ",
    )
    .await;
    assert!(told.contains("[HostNotAllowed] spec.host: "), "{told}");

    let audit = r#"patch project bounded --type=merge -p {"spec":{"enforcement":"Audit"}}"#;
    web.kubectl(audit).await.success().unwrap();
    let object = ingress("shop.acme.example");
    let told = until(
        &web,
        &object,
        "Warning: audit: [HostNotAllowed] spec.rules[0].host: ",
    )
    .await;
    assert!(!told.contains("refused:"), "{told}");
    web.allowed(&object).await;
}
