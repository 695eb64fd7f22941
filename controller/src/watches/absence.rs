//! What is in the way of a Secret of ours is watched until it is gone: by its name, since it carries no label of ours.

use super::Concerns;
use crate::world::NamespacedName;
use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher, watcher::Event};
use kube::{Api, Client};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// The watches of single Secrets.
#[derive(Clone)]
pub struct Absence {
    client: Client,
    wake: mpsc::UnboundedSender<Concerns>,
    /// Whom it concerns.
    watched: Arc<Mutex<HashMap<NamespacedName, Vec<Concerns>>>>,
}

impl Absence {
    /// None yet.
    pub fn new(client: Client, wake: mpsc::UnboundedSender<Concerns>) -> Self {
        Self {
            client,
            wake,
            watched: Arc::default(),
        }
    }

    /// Tells once the Secret of this name is gone.
    pub fn tell(&self, namespace: &str, name: &str, concerned: Concerns) {
        let key = NamespacedName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(others) = watched.get_mut(&key) {
            if !others.contains(&concerned) {
                others.push(concerned);
            }
            return;
        }
        watched.insert(key.clone(), vec![concerned]);
        let absence = self.clone();
        tokio::spawn(async move {
            absence.gone(&key).await;
            let mut watched = absence.watched.lock().unwrap_or_else(PoisonError::into_inner);
            for concerned in watched.remove(&key).unwrap_or_default() {
                // Nobody listens any more: the program ends.
                let _ = absence.wake.send(concerned);
            }
        });
    }

    async fn gone(&self, key: &NamespacedName) {
        let api = Api::<PartialObjectMeta<Secret>>::namespaced(self.client.clone(), &key.namespace);
        let only = watcher::Config::default().fields(&format!("metadata.name={}", key.name));
        let events = watcher(api, only).default_backoff();
        pin_mut!(events);
        let mut there = false;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => there = false,
                Ok(Event::InitApply(_) | Event::Apply(_)) => there = true,
                Ok(Event::InitDone) if there => {}
                Ok(Event::InitDone | Event::Delete(_)) => return,
                Err(error) => tracing::warn!(%error, "a watch of a Secret broke and is started again"),
            }
        }
    }
}
