//! From «the Deployment is available» to «the App is Ready», both as a watch sees them, beside the least that can
//! be done: a watch that answers each available Deployment with one write.

use crate::objects;
use crate::watching::{APP, DEPLOYMENT, Kind, Seen, is};
use crate::{judged, line};
use anyhow::{Context, Result};
use futures::TryStreamExt;
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kubeop_tests::KubeOp;
use serde_json::json;
use std::time::Duration;

const APPS: usize = 100;
const SOON: Duration = Duration::from_secs(30);
const CONFIG_MAP: Kind = Kind("", "v1", "ConfigMap");
const MARK: &str = "example.com/available";

/// One App after the other, then one Deployment after the other.
pub async fn measure(kubeop: &KubeOp<'_>) -> Result<()> {
    let client = kubeop.cluster().client().await?;
    objects::project(kubeop.cluster(), "lag").await?;
    let of_kubeop = lags(
        &client,
        "kubeop-lag",
        APP,
        |object| is(object, "Ready"),
        |name| objects::app("kubeop-lag", name, 1).map(|app| vec![app]),
    )
    .await?;
    let namespace = ["create", "namespace", "bare-lag"];
    kubeop.cluster().kubectl(namespace).await?.success()?;
    let answering = tokio::spawn(answer(client.clone()));
    let marked = |object: &kube::api::DynamicObject| {
        object
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|all| all.contains_key(MARK))
    };
    let of_bare = lags(&client, "bare-lag", CONFIG_MAP, marked, |name| {
        Ok(objects::three("bare-lag", name, 1).to_vec())
    })
    .await?;
    answering.abort();
    for (what, part, most) in [("p50", 0.5, f64::INFINITY), ("p99", 0.99, 100.0)] {
        let (bare, ours) = (at(&of_bare, part)?, at(&of_kubeop, part)?);
        let budget = if most.is_finite() {
            judged(ours, most, " ms")
        } else {
            String::new()
        };
        let what = format!("Deployment available -> App Ready, {what}, ms");
        line(
            &what,
            &format!("{bare:.1}"),
            &format!("{ours:.1}"),
            Some(ours / bare),
            &budget,
        );
    }
    Ok(())
}

/// Milliseconds from each available Deployment to what is told of it.
async fn lags(
    client: &Client,
    namespace: &str,
    told: Kind,
    is_told: fn(&kube::api::DynamicObject) -> bool,
    objects_of: impl Fn(&str) -> Result<Vec<serde_json::Value>>,
) -> Result<Vec<f64>> {
    let mut available = Seen::start(client, DEPLOYMENT, Some(namespace), |object| {
        is(object, "Available")
    });
    let mut told = Seen::start(client, told, Some(namespace), is_told);
    let mut lags = Vec::new();
    for index in 0..APPS {
        let name = objects::name(index);
        for object in objects_of(&name)? {
            objects::apply(client, &object).await?;
        }
        let (first, then) = tokio::try_join!(available.one(&name, SOON), told.one(&name, SOON))?;
        lags.push(then.saturating_duration_since(first).as_secs_f64() * 1e3);
    }
    lags.sort_by(f64::total_cmp);
    Ok(lags)
}

/// Annotates the ConfigMap beside each available Deployment.
async fn answer(client: Client) {
    let deployments = DEPLOYMENT.api(&client, Some("bare-lag"));
    let config_maps = CONFIG_MAP.api(&client, Some("bare-lag"));
    let events = watcher(deployments, watcher::Config::default())
        .default_backoff()
        .applied_objects();
    let answered = events.try_for_each(|object| {
        let config_maps = config_maps.clone();
        async move {
            if is(&object, "Available") {
                let fields = Patch::Merge(json!({"metadata": {"annotations": {MARK: "true"}}}));
                let name = object.metadata.name.unwrap_or_default();
                if let Err(error) = config_maps.patch(&name, &PatchParams::default(), &fields).await {
                    println!("the bare watch cannot write: {error}");
                }
            }
            Ok(())
        }
    });
    if let Err(error) = answered.await {
        println!("the bare watch broke: {error}");
    }
}

fn at(sorted: &[f64], part: f64) -> Result<f64> {
    let index = (part * (sorted.len() as f64 - 1.0)).round() as usize;
    sorted.get(index).copied().context("nothing was measured")
}
