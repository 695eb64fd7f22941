//! Watches of what may keep Pods from being created: a change there may end it.

use super::Watch;
use crate::world::World;
use futures::StreamExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use kube::{Client, ResourceExt};
use kubeop_shared::api::names;
use kubeop_shared::health::cause::CauseKind;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pods may be created now that could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unblocked {
    /// Where; none: everywhere.
    pub namespace: Option<String>,
    /// For which reasons they could not.
    pub kinds: &'static [CauseKind],
}

/// What is watched, and what it may have been the reason for. A `LimitRange` also gives what a quota asks for.
const WATCHED: [(&str, &str, &str, &[CauseKind]); 5] = [
    ("", "v1", "ResourceQuota", &[CauseKind::Quota]),
    ("", "v1", "LimitRange", &[CauseKind::LimitRange, CauseKind::Quota]),
    ("", "v1", "ServiceAccount", &[CauseKind::ServiceAccount]),
    (names::GROUP, names::VERSION, "Project", &[CauseKind::Refused]),
    (names::GROUP, names::VERSION, "Tenant", &[CauseKind::Refused]),
];

/// Starts the watches. Nothing of them is kept.
pub fn unblocked(client: &Client, world: &Arc<World>) -> mpsc::UnboundedReceiver<Unblocked> {
    let (tell, told) = mpsc::unbounded_channel();
    for (group, version, kind, kinds) in WATCHED {
        let mut watch = Watch::metadata(client, group, version, kind, "");
        let (world, tell) = (world.clone(), tell.clone());
        tokio::spawn(async move {
            while let Some(event) = watch.events.next().await {
                let namespaces = match event {
                    Ok(Event::Apply(object) | Event::Delete(object)) => namespaces(&world, kind, &object),
                    // What changed while nobody watched.
                    Ok(Event::InitDone) => vec![None],
                    Ok(Event::Init | Event::InitApply(_)) => Vec::new(),
                    Err(error) => {
                        tracing::warn!(%error, watch = watch.what, "the watch broke and is started again");
                        Vec::new()
                    }
                };
                for namespace in namespaces {
                    // Nobody listens any more: the program ends.
                    let _ = tell.send(Unblocked { namespace, kinds });
                }
            }
        });
    }
    told
}

/// Where a change may matter.
fn namespaces(world: &World, kind: &str, object: &DynamicObject) -> Vec<Option<String>> {
    match kind {
        "Project" => {
            let project = world.projects.get(&object.name_any());
            project
                .map(|project| Some(project.namespace))
                .into_iter()
                .collect()
        }
        "Tenant" => world.projects.filter(|_, project| {
            (project.tenant == object.name_any()).then(|| Some(project.namespace.clone()))
        }),
        _ => vec![object.namespace()],
    }
}
