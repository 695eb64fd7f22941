//! What the webhook holds when it knows a thousand projects.

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kubeop_shared::api::Project;
use kubeop_tests::{KubeOp, usage};
use serde_json::json;
use std::time::Duration;

/// How many.
const PROJECTS: usize = 1000;
/// Most that it may hold, in MB.
const BUDGET: f64 = 16.0;

/// Makes the projects, starts the webhook anew, and prints what it holds at rest.
pub async fn measure(kubeop: &KubeOp<'_>) -> Result<()> {
    let client = kubeop.cluster().client().await?;
    stream::iter(0..PROJECTS)
        .map(|number| make(client.clone(), number))
        .buffer_unordered(16)
        .try_collect::<Vec<()>>()
        .await?;
    kubeop.stop_webhook().await?;
    let pid = u32::try_from(kubeop.start_webhook().await?)?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let held = usage::resident_bytes(pid)? as f64 / 1e6;
    let verdict = if held <= BUDGET { "ok" } else { "over" };
    println!(
        "\nWebhook resident at rest, {PROJECTS} projects known: {held:.1} MB  {verdict} (at most {BUDGET} MB)"
    );
    Ok(())
}

/// A Project, and its namespace as the controller would label it.
async fn make(client: Client, number: usize) -> Result<()> {
    let name = format!("many-{number}");
    let projects: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<Project>(&()));
    let project = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project", "metadata": {"name": name},
        "spec": {"tenantRef": "acme", "imageAllowlist": ["ghcr.io/acme", format!("registry.example.com/{name}")]}});
    projects
        .create(&PostParams::default(), &serde_json::from_value(project)?)
        .await?;
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": format!("kubeop-{name}"),
        "labels": {"app.kubeop.io/project-id": name, "app.kubeop.io/tenant-id": "acme",
            "app.kubeop.io/cluster-id": "bench"}}}))?;
    Api::all(client)
        .create(&PostParams::default(), &namespace)
        .await?;
    Ok(())
}
