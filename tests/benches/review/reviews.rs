//! The reviews: objects as a real API server has them after defaulting, in the envelope that it sends.

use anyhow::{Context, Result};
use kubeop_tests::{Cluster, seed};
use serde_json::{Map, Value, json};

pub const NAMESPACE: &str = "kubeop-web";

/// A request, ready to be sent.
pub struct Review {
    pub name: String,
    /// Bytes of its body.
    pub bytes: usize,
    pub request: Vec<u8>,
}

/// A Tenant and a Project, and the Project's namespace.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    for (kind, name, spec) in [
        ("Tenant", "acme", json!({"contact": "platform@acme.example"})),
        ("Project", "web", json!({"tenantRef": "acme"})),
    ] {
        let object = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec});
        cluster.apply(&object.to_string()).await?;
    }
    let wait = "wait project/web --for=condition=Ready --timeout=60s";
    cluster.kubectl(wait.split(' ')).await?.success()?;
    Ok(())
}

/// A Pod, a Deployment and an App, each as it is created: first mutated, without the labels, then validated.
pub async fn all(cluster: &Cluster) -> Result<Vec<Review>> {
    let mut reviews = Vec::new();
    for object in [pod(), deployment(), app()?] {
        let mut object = as_stored(cluster, &object).await?;
        let validated = review("validate", &object)?;
        object["metadata"]["labels"] = json!({"app.kubernetes.io/name": "payments"});
        reviews.push(review("mutate", &object)?);
        reviews.push(validated);
    }
    Ok(reviews)
}

/// What the API server makes of an object, without keeping it.
async fn as_stored(cluster: &Cluster, object: &Value) -> Result<Value> {
    let args = "create --dry-run=server --show-managed-fields -o json -f -";
    let text = cluster
        .kubectl_with_input(args.split(' '), &object.to_string())
        .await?
        .success()?;
    Ok(serde_json::from_str(&text)?)
}

fn review(path: &str, object: &Value) -> Result<Review> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").context("no kind")?;
    let api_version = text("/apiVersion").context("no version")?;
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let gvk = json!({"group": group, "version": version, "kind": kind});
    let gvr =
        json!({"group": group, "version": version, "resource": format!("{}s", kind.to_ascii_lowercase())});
    // In the order in which the API server writes them; the object is far from the end.
    let fields = [
        ("uid", json!("705ab4f5-6393-11e8-b7cc-42010a800002")),
        ("kind", gvk.clone()),
        ("resource", gvr.clone()),
        ("requestKind", gvk),
        ("requestResource", gvr),
        ("name", json!(text("/metadata/name"))),
        ("namespace", json!(NAMESPACE)),
        ("operation", json!("CREATE")),
        (
            "userInfo",
            json!({"username": "admin", "groups": ["system:masters", "system:authenticated"]}),
        ),
        ("object", object.clone()),
        ("oldObject", Value::Null),
        ("dryRun", json!(false)),
        (
            "options",
            json!({"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-create"}),
        ),
    ];
    let request = Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value)));
    let body = json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})
        .to_string();
    let head = format!(
        "POST /{path}?timeout=10s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kube-apiserver-admission\r\n\
         Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\r\n",
        body.len()
    );
    Ok(Review {
        name: format!("{path} {kind}"),
        bytes: body.len(),
        request: (head + &body).into_bytes(),
    })
}

fn container() -> Value {
    let env: Vec<Value> = (0..16)
        .map(|index| json!({"name": format!("SETTING_{index}"), "value": format!("value number {index}")}))
        .collect();
    json!({
        "name": "payments", "image": "ghcr.io/acme/payments:2.3.1", "env": env,
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    })
}

fn pod_spec() -> Value {
    json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [{"name": "wait", "image": "ghcr.io/acme/wait:1", "command": ["/wait", "db:5432"]}],
        "containers": [container()],
    })
}

fn metadata() -> Value {
    json!({"name": "payments", "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": "payments"}})
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(), "spec": pod_spec()})
}

fn deployment() -> Value {
    let labels = json!({"app.kubernetes.io/name": "payments"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(), "spec": {
        "replicas": 3, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec()},
    }})
}

/// The user's own sample, with an environment of its own.
fn app() -> Result<Value> {
    let mut app: Value = serde_saphyr::from_str(seed::sample_app())?;
    app["metadata"] = metadata();
    app["spec"]["delivery"]["image"]["env"] = container()["env"].clone();
    Ok(app)
}
