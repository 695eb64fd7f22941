//! The load: Apps of three objects, and the same objects without an App.

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kubeop_tests::Cluster;
use serde_json::{Value, json};

/// Name of the `index`th App and its objects.
pub fn name(index: usize) -> String {
    format!("app-{index:05}")
}

/// ConfigMap, Service, Deployment.
pub fn three(namespace: &str, name: &str, replicas: u32) -> [Value; 3] {
    let metadata = json!({"name": name, "namespace": namespace});
    let settings: serde_json::Map<String, Value> = (0..8)
        .map(|index| (format!("SETTING_{index}"), json!(format!("value number {index}"))))
        .collect();
    let labels = json!({"app.kubernetes.io/name": name});
    [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": settings}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
        }}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                "name": "main", "image": format!("ghcr.io/acme/{name}:1"),
                "envFrom": [{"configMapRef": {"name": name}}],
                "ports": [{"name": "http", "containerPort": 8080}],
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
            }]}},
        }}),
    ]
}

/// An App that brings them, as text, as `helm template` gives it.
pub fn app(namespace: &str, name: &str, replicas: u32) -> Result<Value> {
    let texts = three(namespace, name, replicas).map(|object| serde_saphyr::to_string(&object));
    let manifests = texts.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"projectRef": project_of(namespace), "delivery": {"kind": "Raw", "raw": {"manifests": manifests}}},
    }))
}

fn project_of(namespace: &str) -> &str {
    namespace.strip_prefix("kubeop-").unwrap_or(namespace)
}

/// Applies lists of objects, each list in its order, so many lists at once.
pub async fn apply_all(
    client: &Client,
    lanes: usize,
    lists: impl IntoIterator<Item = Vec<Value>>,
) -> Result<()> {
    stream::iter(lists)
        .map(|list| async move {
            for object in list {
                apply(client, &object).await?;
            }
            anyhow::Ok(())
        })
        .buffer_unordered(lanes)
        .try_collect::<Vec<()>>()
        .await
        .map(drop)
}

/// One server-side apply.
pub async fn apply(client: &Client, object: &Value) -> Result<()> {
    let typed: DynamicObject = serde_json::from_value(object.clone())?;
    let types = typed.types.clone().unwrap_or_default();
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(types)?);
    let namespace = typed.metadata.namespace.clone().unwrap_or_default();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource);
    let name = typed.metadata.name.clone().unwrap_or_default();
    let params = PatchParams::apply("bare-loop").force();
    api.patch(&name, &params, &Patch::Apply(object)).await?;
    Ok(())
}

/// A Tenant.
pub async fn tenant(cluster: &Cluster) -> Result<()> {
    let tenant = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nspec: {}\n";
    created(cluster, tenant).await
}

/// A Project, ready.
pub async fn project(cluster: &Cluster, name: &str) -> Result<()> {
    let project = format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {{name: {name}}}\n\
         spec: {{tenantRef: acme}}\n"
    );
    created(cluster, &project).await?;
    let wait = format!("wait project/{name} --for=condition=Ready --timeout=60s");
    cluster.kubectl(wait.split(' ')).await?.success().map(drop)
}

async fn created(cluster: &Cluster, yaml: &str) -> Result<()> {
    let output = cluster.kubectl_with_input(["apply", "-f", "-"], yaml).await?;
    output.success().map(drop)
}
