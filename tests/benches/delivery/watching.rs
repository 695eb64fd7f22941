//! When something was first seen by a watch.

use anyhow::{Result, ensure};
use futures::TryStreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A kind whose objects are watched.
#[derive(Clone, Copy)]
pub struct Kind(pub &'static str, pub &'static str, pub &'static str);

pub const APP: Kind = Kind("platform.kubeop.io", "v1alpha1", "App");
pub const DEPLOYMENT: Kind = Kind("apps", "v1", "Deployment");

impl Kind {
    fn resource(self) -> ApiResource {
        ApiResource::from_gvk(&GroupVersionKind::gvk(self.0, self.1, self.2))
    }

    pub fn api(self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource()),
            None => Api::all_with(client.clone(), &self.resource()),
        }
    }
}

/// When each object was first seen as asked, by name. The watch ends when this is dropped.
pub struct Seen {
    times: watch::Receiver<Arc<HashMap<String, Instant>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Seen {
    /// Starts to watch objects of a kind in a namespace, or in all.
    pub fn start(
        client: &Client,
        kind: Kind,
        namespace: Option<&str>,
        is_so: fn(&DynamicObject) -> bool,
    ) -> Self {
        let (tell, times) = watch::channel(Arc::new(HashMap::new()));
        let api = kind.api(client, namespace);
        let task = tokio::spawn(async move {
            let events = watcher(api, watcher::Config::default())
                .default_backoff()
                .applied_objects();
            let each = events.try_for_each(|object| {
                if is_so(&object) {
                    let name = object.metadata.name.unwrap_or_default();
                    tell.send_modify(|times| {
                        Arc::make_mut(times).entry(name).or_insert_with(Instant::now);
                    });
                }
                std::future::ready(Ok(()))
            });
            if let Err(error) = each.await {
                println!("a watch of the benchmark broke: {error}");
            }
        });
        Seen { times, task }
    }

    /// Waits until so many are seen, and returns when each was.
    pub async fn all(&mut self, count: usize, within: Duration) -> Result<Arc<HashMap<String, Instant>>> {
        let reached = self.times.wait_for(|times| times.len() >= count);
        let reached = tokio::time::timeout(within, reached).await.is_ok();
        let times = self.times.borrow().clone();
        ensure!(reached, "only {} of {count} within {within:?}", times.len());
        Ok(times)
    }

    /// Waits for one, and returns when it was seen.
    pub async fn one(&mut self, name: &str, within: Duration) -> Result<Instant> {
        let seen = self.times.wait_for(|times| times.contains_key(name));
        let times = tokio::time::timeout(within, seen).await??.clone();
        times
            .get(name)
            .copied()
            .ok_or_else(|| anyhow::anyhow!("{name} was not seen"))
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a condition is true of the present generation.
pub fn is(object: &DynamicObject, condition: &str) -> bool {
    let current = object
        .data
        .pointer("/status/observedGeneration")
        .and_then(serde_json::Value::as_i64);
    let conditions = object
        .data
        .pointer("/status/conditions")
        .and_then(serde_json::Value::as_array);
    current >= object.metadata.generation
        && conditions.is_some_and(|conditions| {
            conditions
                .iter()
                .any(|known| known["type"] == condition && known["status"] == "True")
        })
}
