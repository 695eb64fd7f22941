//! What Certificates need besides: Secrets that hold what they ask for, kubeOP's own CA, and, where cert-manager is
//! installed, what it is asked. Of Secrets nothing but metadata is ever watched.

use super::{AfterBreak, Concerns, Sink, Watch, key_of, run};
use crate::certificate::REQUESTS;
use crate::kube_io::{CallError, CallKind, api_resource};
use crate::world::{Cache, NamespacedName, Packed, World};
use kube::api::DynamicObject;
use kube::{Api, Client};
use kubeop_shared::api::names;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a look waits for a listing.
const LISTING: Duration = Duration::from_secs(5);

/// The watches that have begun.
pub struct Attendant {
    client: Client,
    world: Arc<World>,
    wake: mpsc::UnboundedSender<Concerns>,
    /// Whether all is known that cert-manager is asked.
    requests: Mutex<Option<watch::Receiver<bool>>>,
}

impl Attendant {
    /// Watches Secrets, and the CA in kubeOP's own namespace.
    pub fn new(
        client: Client,
        world: Arc<World>,
        wake: mpsc::UnboundedSender<Concerns>,
        namespace: &str,
    ) -> Self {
        let secrets = Watch::metadata(&client, "", "v1", "Secret", names::LABEL_CERTIFICATE);
        run(secrets, Secrets, &world, &wake);
        let resource = api_resource("", "v1", "Secret");
        let api = Api::namespaced_with(client.clone(), namespace, &resource);
        run(
            Watch::of_one(api, resource, names::ISSUER_CA),
            Authority,
            &world,
            &wake,
        );
        Self {
            client,
            world,
            wake,
            requests: Mutex::default(),
        }
    }

    /// Watches what cert-manager is asked from now on, and waits until all of that is known.
    pub async fn follow_requests(&self) -> Result<(), CallError> {
        let mut filled = self.requests();
        let filled = tokio::time::timeout(LISTING, filled.wait_for(|filled| *filled)).await;
        if matches!(filled, Ok(Ok(_))) {
            return Ok(());
        }
        Err(CallError::own(
            "list Certificates of cert-manager",
            CallKind::Unavailable,
            "no listing has come yet; see the log",
        ))
    }

    fn requests(&self) -> watch::Receiver<bool> {
        let mut open = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(filled) = &*open
            // The task of a watch that ended has dropped its sender.
            && filled.has_changed().is_ok()
        {
            return filled.clone();
        }
        let (group, version, kind) = REQUESTS;
        let watch = Watch::whole(&self.client, group, version, kind, names::LABEL_CERTIFICATE);
        let filled = run(watch, Requests, &self.world, &self.wake);
        *open = Some(filled.clone());
        filled
    }
}

/// The resourceVersion of each Secret that holds what a Certificate asks for.
struct Secrets;

impl Sink for Secrets {
    type Key = NamespacedName;
    type Value = String;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.secrets
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<String> {
        object.metadata.resource_version.clone()
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&String>) -> Vec<Concerns> {
        vec![Concerns::Secret(key.clone())]
    }
}

/// kubeOP's own CA. Nothing is kept of it here but its resourceVersion.
struct Authority;

impl Sink for Authority {
    type Key = NamespacedName;
    type Value = String;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.authority
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<String> {
        object.metadata.resource_version.clone()
    }
    fn concerns(&self, _: &NamespacedName, _: Option<&String>) -> Vec<Concerns> {
        vec![Concerns::Authority]
    }
}

/// What cert-manager is asked for kubeOP.
struct Requests;

impl Sink for Requests {
    type Key = NamespacedName;
    type Value = Packed;
    fn cache<'w>(&self, world: &'w World) -> &'w Cache<Self::Key, Self::Value> {
        &world.requested
    }
    fn key(&self, object: &DynamicObject) -> Option<NamespacedName> {
        key_of(object)
    }
    fn value(&self, object: &DynamicObject) -> Option<Packed> {
        Some(Packed::of_object(object))
    }
    fn concerns(&self, key: &NamespacedName, _: Option<&Packed>) -> Vec<Concerns> {
        // It has the name of ours.
        vec![Concerns::Certificate(key.clone())]
    }
    fn broke(&self, world: &World) -> AfterBreak {
        let is_defined = world
            .definitions
            .get(&crate::certificate::DEFINITION.to_owned())
            .is_some();
        if is_defined {
            AfterBreak::Again
        } else {
            AfterBreak::End
        }
    }
}
