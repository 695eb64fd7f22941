//! Kinds that are watched only where an App brings them: in its namespace, with its deployer's rights. So
//! the controller itself needs no right to watch the kinds of other operators, and what comes is what that account may see.

use super::{Concerns, LiveObjects, Watch, delivered, run};
use crate::kube_io::KubeCluster;
use crate::world::World;
use kube::core::ApiResource;
use kube::{Api, Client};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// The watches of single namespaces.
pub struct Followed {
    cluster: KubeCluster,
    world: Arc<World>,
    wake: mpsc::UnboundedSender<Concerns>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    clients: HashMap<String, Client>,
    watches: HashMap<(String, String, String), watch::Receiver<bool>>,
}

impl Followed {
    /// None yet.
    pub fn new(cluster: KubeCluster, world: Arc<World>, wake: mpsc::UnboundedSender<Concerns>) -> Self {
        Self {
            cluster,
            world,
            wake,
            open: Mutex::default(),
        }
    }

    /// Watches a kind in a namespace from now on. True once the cache holds all that is there.
    pub fn follow(&self, namespace: &str, resource: &ApiResource) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (
            namespace.to_owned(),
            resource.api_version.clone(),
            resource.kind.clone(),
        );
        if let Some(filled) = open.watches.get(&slot)
            // The task of a watch that ended has dropped its sender.
            && filled.has_changed().is_ok()
        {
            return *filled.borrow();
        }
        let client = match open.clients.get(namespace) {
            Some(client) => client.clone(),
            None => match self.cluster.watches_as_deployer(namespace) {
                Ok(client) => {
                    open.clients.insert(namespace.to_owned(), client.clone());
                    client
                }
                Err(error) => {
                    tracing::warn!(%error, namespace, "cannot watch");
                    return false;
                }
            },
        };
        // Of Secrets nothing but metadata is ever read here; of other kinds the status says their health.
        let watch = if resource.group.is_empty() && resource.kind == "Secret" {
            let api = Api::namespaced_with(client, namespace, resource);
            Watch::of_metadata(api, resource.clone(), &delivered())
        } else {
            let api = Api::namespaced_with(client, namespace, resource);
            Watch::of_whole(api, resource.clone(), &delivered())
        };
        let sink = LiveObjects::within(resource.clone(), namespace);
        let filled = run(watch, sink, &self.world, &self.wake);
        open.watches.insert(slot, filled);
        false
    }
}
