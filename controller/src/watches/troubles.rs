//! Watches of Pods, and of Events about Pods that cannot be created or mounted: they fill the index of troubles, and
//! wake the Apps that something else is told of.

use super::{Concerns, PAGE_OF_WHOLE, Watch, paged};
use crate::kube_io::Whole;
use crate::world::{Heard, NamespacedName, News, Now, World};
use futures::StreamExt;
use kube::api::DynamicObject;
use kube::runtime::{watcher, watcher::Event};
use kube::{Api, Client, ResourceExt};
use kubeop_shared::api::names;
use kubeop_shared::health::cause::{PodEvent, pod_event};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Reasons of the Events that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    FailedCreate,
    FailedMount,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::FailedCreate => "FailedCreate",
            Self::FailedMount => "FailedMount",
        }
    }
}

/// Starts the watches: Events once the other caches are filled, which tell whom they concern, and Pods after them,
/// since a Pod ends what an Event tells.
pub(super) fn start(
    client: &Client,
    world: &Arc<World>,
    wake: &mpsc::UnboundedSender<Concerns>,
    others: &[watch::Receiver<bool>],
) -> Vec<watch::Receiver<bool>> {
    let task = |others: &[watch::Receiver<bool>]| {
        let (filled, is_filled) = watch::channel(false);
        let listener = Listener {
            world: world.clone(),
            wake: wake.clone(),
            filled,
            list: 0,
        };
        (listener, others.to_vec(), is_filled)
    };
    let events = [Reason::FailedCreate, Reason::FailedMount].map(|reason| {
        let (listener, others, is_filled) = task(others);
        let fields = format!("reason={}", reason.as_str());
        let watch = Watch::selected(client, "Event", paged(PAGE_OF_WHOLE).fields(&fields));
        tokio::spawn(async move {
            all_filled(others).await;
            listener.hear_events(watch, reason).await;
        });
        is_filled
    });
    let (listener, others, pods) = task(&events);
    let config = paged(PAGE_OF_WHOLE)
        .labels(names::LABEL_APP_ID)
        .fields("status.phase!=Succeeded");
    let watch = Watch::selected(client, "Pod", config);
    tokio::spawn(async move {
        all_filled(others).await;
        listener.hear_pods(watch).await;
    });
    events.into_iter().chain([pods]).collect()
}

async fn all_filled(others: Vec<watch::Receiver<bool>>) {
    for mut filled in others {
        // An error means that the program ends.
        let _ = filled.wait_for(|filled| *filled).await;
    }
}

impl Watch {
    /// Objects of a core kind, whole, in all namespaces.
    fn selected(client: &Client, kind: &str, config: watcher::Config) -> Self {
        let resource = super::api_resource("", "v1", kind);
        let api = Api::all_with(client.clone(), &resource);
        Self::of(api, config, resource, |Whole(object)| object)
    }
}

/// One watch, and what it has heard.
struct Listener {
    world: Arc<World>,
    wake: mpsc::UnboundedSender<Concerns>,
    filled: watch::Sender<bool>,
    list: u64,
}

impl Listener {
    async fn hear_pods(mut self, mut watch: Watch) {
        while let Some(event) = watch.events.next().await {
            match event {
                Ok(Event::Init) => self.list += 1,
                Ok(Event::InitApply(pod)) => self.pod(&pod, Heard::Listed(self.list)),
                Ok(Event::Apply(pod)) => self.pod(&pod, Heard::Since(self.list)),
                Ok(Event::Delete(pod)) => {
                    let news = whole(&pod).map(|value| self.world.troubles.pod_gone(&value, Now::read()));
                    self.tell(news.unwrap_or_default(), app_of(&pod));
                }
                Ok(Event::InitDone) => {
                    self.world.troubles.pods_listed(self.list);
                    let _ = self.filled.send(true);
                }
                Err(error) => again(&watch, &error),
            }
        }
    }

    fn pod(&self, pod: &DynamicObject, heard: Heard) {
        let Some(value) = whole(pod) else { return };
        let news = self.world.troubles.pod(&value, heard, Now::read());
        self.tell(news, app_of(pod));
    }

    async fn hear_events(mut self, mut watch: Watch, reason: Reason) {
        while let Some(event) = watch.events.next().await {
            match event {
                Ok(Event::Init) => self.list += 1,
                Ok(Event::InitApply(event)) => self.event(&event, Heard::Listed(self.list)),
                Ok(Event::Apply(event)) => self.event(&event, Heard::Since(self.list)),
                Ok(Event::Delete(event)) => {
                    if let Some(told) = whole(&event).as_ref().and_then(pod_event) {
                        self.world.troubles.event_gone(&event.name_any(), &told);
                    }
                }
                Ok(Event::InitDone) => {
                    match reason {
                        Reason::FailedCreate => self.world.troubles.refusals_listed(self.list),
                        Reason::FailedMount => self.world.troubles.mounts_listed(self.list),
                    }
                    let _ = self.filled.send(true);
                }
                Err(error) => again(&watch, &error),
            }
        }
    }

    fn event(&self, event: &DynamicObject, heard: Heard) {
        let Some(told) = whole(event).as_ref().and_then(pod_event) else {
            return;
        };
        // Of all namespaces only those of projects have Apps.
        if self.world.namespaces.get(&told.namespace).is_none() {
            return;
        }
        let concerned = self.concerned(&told);
        let news = self
            .world
            .troubles
            .event(&event.name_any(), told, heard, Now::read());
        self.tell(news, Some(concerned));
    }

    /// The App whose Pods an Event is about; if that is not known yet, every App of the namespace.
    fn concerned(&self, event: &PodEvent) -> Concerns {
        let namespace = &event.namespace;
        let app = self.world.app_of(namespace, &event.about);
        match app {
            Some(name) => Concerns::App(NamespacedName {
                namespace: namespace.clone(),
                name,
            }),
            None => Concerns::Namespace(namespace.clone()),
        }
    }

    fn tell(&self, news: News, concerned: Option<Concerns>) {
        let Some(concerned) = concerned else { return };
        if let Some(time) = news.look_again {
            let (world, wake, concerned) = (self.world.clone(), self.wake.clone(), concerned.clone());
            tokio::spawn(async move {
                // A little later, so that the time has really come.
                tokio::time::sleep(time + Duration::from_millis(5)).await;
                world.troubles.forget_recovered(Now::read());
                let _ = wake.send(concerned);
            });
        }
        if news.changed {
            // Nobody listens any more: the program ends.
            let _ = self.wake.send(concerned);
        }
    }
}

fn again(watch: &Watch, error: &watcher::Error) {
    tracing::warn!(%error, watch = watch.what, "the watch broke and is started again");
}

fn app_of(pod: &DynamicObject) -> Option<Concerns> {
    Some(Concerns::App(NamespacedName {
        namespace: pod.namespace()?,
        name: pod.labels().get(names::LABEL_APP_ID)?.clone(),
    }))
}

fn whole(object: &DynamicObject) -> Option<Value> {
    serde_json::to_value(object).ok()
}
