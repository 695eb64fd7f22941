//! What a create through the API server takes: with this webhook, and with one that allows everything.
//!
//! Whatever a webhook adds costs the API server a decoding and a second look by its own plugins. So where labels are
//! missing, the other webhook adds as many.

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kubeop_tests::Cluster;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::server::Server;

/// Creates of each kind, one after the other in turns.
const PAIRS: usize = 1500;
/// The first ones are not counted.
const WARM_UP: usize = 100;
/// Most that a create may take, in times of the null webhook's: the middle one, and one in a hundred.
const BUDGETS: [(&str, f64, f64); 2] = [("p50", 0.50, 1.1), ("p99", 0.99, 1.3)];

/// Namespaces of the null webhook: where it does nothing, and where it adds labels as ours does.
const NULL: [(&str, &str); 2] = [("bench-null", "mutate"), ("bench-null-labels", "label")];

/// Measures and prints. `project`: a project namespace.
pub async fn measure(cluster: &Cluster, project: &str, floor: &Server) -> Result<()> {
    register_null(cluster, floor).await?;
    let client = cluster.client().await?;
    let pods = |namespace: &str| Api::<Pod>::namespaced(client.clone(), namespace);
    let labels = cluster.get(&format!("namespace {project}")).await?["metadata"]["labels"].clone();
    println!("\nA create of a Pod through the API server, {PAIRS} of each in turns");
    let [(nothing, _), (adds, _)] = NULL;
    one_kind("an App's, labelled", &[pods(nothing), pods(project)], labels).await?;
    one_kind("a person's, gets labels", &[pods(adds), pods(project)], json!({})).await
}

async fn one_kind(what: &str, namespaces: &[Api<Pod>; 2], mut labels: Value) -> Result<()> {
    labels["bench"] = json!("latency");
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"generateName": "latency-", "labels": labels},
        "spec": {"schedulingGates": [{"name": "kubeop.test/never"}],
            "containers": [{"name": "app", "image": "ghcr.io/acme/payments:2.3.1"}]},
    }))?;
    let mut took = [Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS)];
    for number in 0..WARM_UP + PAIRS {
        // Neither is always the first.
        let order = if number % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let start = Instant::now();
            namespaces[which].create(&PostParams::default(), &pod).await?;
            if number >= WARM_UP {
                took[which].push(start.elapsed());
            }
        }
    }
    println!(
        "{what:<30} {:>10} {:>10} {:>6}  budget",
        "null ms", "kubeop ms", "ratio"
    );
    took.iter_mut().for_each(|times| times.sort());
    for (name, share, most) in BUDGETS {
        let [null, ours] = [&took[0], &took[1]].map(|times| at(times, share));
        let ratio = ours.as_secs_f64() / null.as_secs_f64();
        println!(
            "{name:<30} {:>10.2} {:>10.2} {ratio:>6.2}  {} (at most {most} x)",
            null.as_secs_f64() * 1e3,
            ours.as_secs_f64() * 1e3,
            if ratio <= most { "ok" } else { "over" }
        );
    }
    for pods in namespaces {
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            ..DeleteParams::default()
        };
        pods.delete_collection(&now, &ListParams::default().labels("bench=latency"))
            .await?;
    }
    Ok(())
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list of some thousand"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place).copied().unwrap_or_default()
}

/// Registers the floor for Pods of its own namespace, in the way in which ours is registered.
async fn register_null(cluster: &Cluster, floor: &Server) -> Result<()> {
    let ca = std::fs::read(&floor.ca_file).context("the floor has no CA")?;
    let hook = |path: &str, namespace: &str| {
        json!({
            "name": format!("{path}.null.test"),
            "clientConfig": {"url": format!("{}/{path}", floor.url), "caBundle": ByteString(ca.clone())},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
                "scope": "Namespaced"}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
        })
    };
    let registration = |kind: &str, hooks: Vec<Value>| -> Value {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "null"},
            "webhooks": hooks})
    };
    let mutating = NULL.map(|(namespace, path)| hook(path, namespace));
    let mut validating = NULL.map(|(namespace, _)| hook("validate", namespace));
    validating[1]["name"] = json!("again.validate.null.test");
    let namespaces = NULL.map(|(name, _)| {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name,
            "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    });
    let mut items = namespaces.to_vec();
    items.push(registration("MutatingWebhookConfiguration", mutating.to_vec()));
    items.push(registration(
        "ValidatingWebhookConfiguration",
        validating.to_vec(),
    ));
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let objects = objects.to_string();
    let applied = cluster.kubectl_with_input(["apply", "-f", "-"], &objects).await?;
    applied.success()?;
    // The API server learns of registrations by a watch, and makes a namespace's account by a controller.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(())
}
