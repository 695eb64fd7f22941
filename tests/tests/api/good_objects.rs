//! Objects that the schema takes as they are, and what `kubectl` then shows.

use super::support::{app, create_dry_run, image_app, kubectl, kubectl_says, new_namespace, project, unique};
use serde_json::{Value, json};
use std::io::Write as _;

/// The sample of the user's document, byte for byte.
const SAMPLE_APP: &str = include_str!("../../samples/app.yaml");
const SAMPLE_DNS_AND_TLS: &str = include_str!("../../samples/dns-tls.yaml");

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn the_samples_of_the_document_apply_unchanged() {
    let namespace = new_namespace("samples").await;
    for sample in [SAMPLE_APP, SAMPLE_DNS_AND_TLS] {
        let file = file(sample);
        let apply = ["apply", "-n", &namespace, "-f", file.path().to_str().unwrap()];
        kubectl(&apply).await;
        let again = kubectl(&apply).await;
        assert!(again.lines().all(|line| line.ends_with(" unchanged")), "{again}");
    }
}

#[tokio::test]
async fn s49_a_new_object_says_that_nobody_looked_at_it_yet() {
    let namespace = new_namespace("first-read").await;
    let mut object = image_app(json!({}));
    object["metadata"]["namespace"] = namespace.as_str().into();
    let file = file(&object.to_string());
    let read = kubectl(&["create", "-o", "json", "-f", file.path().to_str().unwrap()]).await;
    let created: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(created["status"], json!({"observedGeneration": -1}));
    let read = kubectl(&["get", "app", "payments", "-n", &namespace, "-o", "json"]).await;
    let first_read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(first_read["status"], json!({"observedGeneration": -1}));
}

#[tokio::test]
async fn what_is_allowed_is_taken() {
    let ports = json!([
        {"name": "http", "containerPort": 8080},
        {"name": "stats", "containerPort": 9125, "servicePort": 80, "protocol": "UDP"},
    ]);
    let good = [
        (
            "a null is as good as a field left out",
            image_app(json!({"replicas": null, "env": null})),
        ),
        ("no replicas", image_app(json!({"replicas": 0}))),
        (
            "quantities as numbers",
            image_app(json!({"resources": {"requests": {"cpu": 1, "memory": "64Mi"}}})),
        ),
        (
            "a surge in percent",
            image_app(json!({"rollout": {"maxSurge": "25%", "maxUnavailable": 0}})),
        ),
        (
            "the same port twice by protocol",
            image_app(json!({"ports": ports})),
        ),
        (
            "an ingress with everything",
            image_app(json!({"ports": ports, "ingress": {
                "host": "Pay.Example.com", "path": "/v1", "pathType": "Exact", "port": "http",
                "ingressClassName": "nginx", "annotations": {"a/b": "c"}, "dns": {"target": "192.0.2.1"}, "tls": true,
            }})),
        ),
        (
            "every form of probe",
            image_app(json!({"probes": {
                "readiness": {"path": "/healthz", "port": "http", "scheme": "HTTPS", "periodSeconds": 5},
                "liveness": {"exec": {"command": ["true"]}},
                "startup": {"grpc": {"port": 9000}, "failureThreshold": 60},
            }})),
        ),
        (
            "core/v1 fields as a Pod has them",
            image_app(json!({
                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "envFrom": [{"configMapRef": {"name": "c"}}],
                "volumes": [
                    {"name": "c", "configMap": {"name": "c", "defaultMode": 420}},
                    {"name": "m", "emptyDir": {"sizeLimit": "1Gi"}},
                    {"name": "e", "ephemeral": {"volumeClaimTemplate": {
                        "metadata": {"labels": {"a": "b"}},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                    }}},
                ],
                "volumeMounts": [{"name": "c", "mountPath": "/c", "readOnly": true}],
                "tolerations": [{"key": "k", "operator": "Exists"}],
                "securityContext": {"runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}},
            })),
        ),
        (
            "manifests of any type, checked by admission",
            app(
                json!({"delivery": {"kind": "Raw", "raw": {"manifests": ["a: b", {"apiVersion": "v1", "kind": "ConfigMap", "x": null}]}}}),
            ),
        ),
        (
            "a Project with everything",
            project(json!({
                "namespace": "team-web", "adopt": true, "deletionPolicy": "Delete",
                "imageAllowlist": ["ghcr.io/acme", "*.example.com:5000"], "hosts": ["example.com"],
                "registryCredentials": [{"name": "regcred", "namespace": "platform"}],
                "enforcement": "Audit", "podSecurity": "restricted",
                "members": [{"kind": "Group", "name": "team", "apiGroup": "rbac.authorization.k8s.io"}],
                "quota": {"hard": {"pods": 10, "requests.cpu": "4"}},
                "limitRange": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]},
            })),
        ),
    ];
    let mut wrong = Vec::new();
    for (what, object) in good {
        if let Err(said) = create_dry_run(&object).await {
            wrong.push(format!("{what}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn hosts_and_targets_may_be_written_as_people_write_them() {
    let record = |host: &str, target: &str| {
        json!({
            "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "DNSRecord",
            "metadata": {"name": "web", "namespace": "default"}, "spec": {"host": host, "target": target, "ttl": 86400},
        })
    };
    for (host, target) in [
        ("Web.Example.com.", "lb.example.net."),
        ("*.example.com", "192.0.2.1"),
        ("web.example.com", "2001:db8::1"),
        ("web.example.com", "_a.acm-validations.example"),
    ] {
        create_dry_run(&record(host, target)).await.unwrap();
    }
}

#[tokio::test]
async fn the_namespace_of_a_project_cannot_change() {
    let name = &unique("unmoved");
    let mut object = project(json!({}));
    object["metadata"]["name"] = name.as_str().into();
    let file = file(&object.to_string());
    kubectl(&["apply", "-f", file.path().to_str().unwrap()]).await;
    let patch = |namespace: &str| format!(r#"{{"spec": {{"namespace": {namespace}}}}}"#);
    let patched = |patch: String| async move {
        kubectl_says(&["patch", "project", name, "--type=merge", "-p", &patch]).await
    };
    let refusal = "cannot change";
    assert!(patched(patch(r#""other""#)).await.unwrap_err().contains(refusal));
    patched(patch(&format!(r#""kubeop-{name}""#)))
        .await
        .expect("its default, written out");
    assert!(patched(patch(r#""other""#)).await.unwrap_err().contains(refusal));
    patched(patch("null")).await.expect("its default, left out again");
}

#[tokio::test]
async fn kubectl_explains_what_can_be_said() {
    let explained = kubectl(&["explain", "app.spec.delivery.image"]).await;
    for line in [
        "ref\t<string> -required-",
        "Number of Pods. Not part of the revision.",
        "probes\t<Object>",
    ] {
        assert!(explained.contains(line), "{line:?} is not in:\n{explained}");
    }
    let explained = kubectl(&["explain", "app.spec.delivery.image.env.valueFrom"]).await;
    assert!(explained.contains("secretKeyRef"), "{explained}");
}

#[tokio::test]
async fn kubectl_shows_columns_and_scales() {
    let namespace = new_namespace("columns").await;
    let mut object = image_app(json!({"replicas": 3}));
    object["metadata"]["namespace"] = namespace.as_str().into();
    let file = file(&object.to_string());
    kubectl(&["apply", "-f", file.path().to_str().unwrap()]).await;
    let status = json!({"status": {
        "observedGeneration": 1, "revision": "0123456789ab",
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "HookRunning", "message": "migrate runs",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
    }});
    let app = ["-n", namespace.as_str(), "apps.platform.kubeop.io/payments"];
    let patch = status.to_string();
    kubectl(&[
        "patch",
        app[0],
        app[1],
        app[2],
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ])
    .await;

    let table = kubectl(&["get", "apps", "-n", &namespace]).await;
    let words: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        words[0],
        [
            "NAME", "PROJECT", "KIND", "READY", "STATUS", "REVISION", "MESSAGE", "AGE"
        ]
    );
    let row = [
        "payments",
        "web",
        "Image",
        "False",
        "HookRunning",
        "0123456789ab",
        "migrate",
        "runs",
    ];
    assert_eq!(words[1][..8], row);

    kubectl(&["scale", app[0], app[1], app[2], "--replicas=5"]).await;
    let replicas = kubectl(&[
        "get",
        app[0],
        app[1],
        app[2],
        "-o",
        "jsonpath={.spec.delivery.image.replicas}",
    ])
    .await;
    assert_eq!(replicas, "5");
}

#[tokio::test]
async fn our_kinds_are_listed_by_category() {
    let kinds = kubectl(&["api-resources", "--categories=kubeop", "-o", "name"]).await;
    let mut kinds: Vec<&str> = kinds.lines().collect();
    kinds.sort_unstable();
    let ours = ["apps", "certificates", "dnsrecords", "projects", "tenants"]
        .map(|kind| format!("{kind}.platform.kubeop.io"));
    assert_eq!(kinds, ours);
}
