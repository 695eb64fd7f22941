//! What is kept of troubles, and what is told of it.

use super::{Heard, Now};
use jiff::Timestamp;
use kubeop_shared::health::cause::{
    Cause, CauseKind, Origin, PodEvent, PodStanding, Trouble, Workload, deployment_of, most_telling, origin,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long a container may be unready before that is told: most become ready within that time, and each thing that
/// is told is a write.
pub(super) const UNREADY_GRACE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// By namespace, and by what the names of a workload and of its `ReplicaSets` have in common.
    pub(super) places: HashMap<(String, String), Place>,
    /// Why volumes cannot be mounted, by namespace and Pod.
    pub(super) mounts: HashMap<(String, String), Mount>,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) pods: BTreeMap<String, PodEntry>,
    pub(super) refusals: BTreeMap<Workload, Refusal>,
}

#[derive(Debug)]
pub(super) struct PodEntry {
    pub(super) origin: Origin,
    pub(super) created: Timestamp,
    pub(super) standing: PodStanding,
    /// Since when it is known to be unready; none if it was so already when the watch began.
    pub(super) unready: Option<Instant>,
    pub(super) heard: Heard,
}

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) event: String,
    pub(super) received: Option<Instant>,
    pub(super) heard: Heard,
}

#[derive(Debug)]
pub(super) struct Mount {
    pub(super) cause: Cause,
    pub(super) event: String,
    pub(super) heard: Heard,
}

impl Inner {
    pub(super) fn told(&self, namespace: &str, workload: &Workload, now: Now) -> Option<Cause> {
        let place = self
            .places
            .get(&(namespace.to_owned(), base(workload).to_owned()))?;
        let pods = place
            .pods
            .iter()
            .filter(|(_, entry)| entry.origin.workload == *workload);
        let pods = pods.map(|(name, entry)| {
            let mount = || self.mounts.get(&(namespace.to_owned(), name.clone()));
            let graced = |since: Instant| now.instant.duration_since(since) < UNREADY_GRACE;
            let cause = match &entry.standing {
                PodStanding::Troubled(_) if entry.unready.is_some_and(graced) => None,
                PodStanding::Troubled(cause) | PodStanding::Recovering { cause, .. } => Some(cause.clone()),
                PodStanding::Coming => mount().map(|mount| mount.cause.clone()),
                PodStanding::Well => None,
            };
            entry.trouble(name, cause)
        });
        let refusals = place.refusals.iter().filter(|(owner, refusal)| {
            let mut pods = place.pods.values();
            let over = pods.any(|pod| pod.origin.owner == **owner && pod.created >= refusal.last);
            creates_for(owner, workload) && !over
        });
        let refusals = refusals.map(|(owner, refusal)| {
            let of_template = owner.kind == "ReplicaSet" && owner != workload;
            Trouble {
                template: if of_template {
                    owner.name.clone()
                } else {
                    String::new()
                },
                since: if of_template { refusal.first } else { refusal.last },
                name: owner.name.clone(),
                cause: Some(refusal.cause.clone()),
            }
        });
        most_telling(&pods.chain(refusals).collect::<Vec<_>>()).cloned()
    }

    pub(super) fn refused(&mut self, name: &str, event: PodEvent, heard: Heard, now: Now) {
        let place = (event.namespace, base(&event.about).to_owned());
        let refusals = &mut self.places.entry(place).or_default().refusals;
        let mut refusal = Refusal {
            cause: event.cause,
            first: event.first,
            last: event.last,
            event: name.to_owned(),
            received: match heard {
                Heard::Listed(_) => None,
                Heard::Since(_) => Some(now.instant),
            },
            heard,
        };
        match refusals.get_mut(&event.about) {
            Some(known) if known.last > refusal.last => known.first = known.first.min(refusal.first),
            known => {
                refusal.first = known.map_or(refusal.first, |known| known.first.min(refusal.first));
                refusals.insert(event.about, refusal);
            }
        }
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<&PodEntry> {
        let mut places = self.places.iter().filter(|((within, _), _)| within == namespace);
        places.find_map(|(_, place)| place.pods.get(name))
    }

    pub(super) fn forget_empty(&mut self, place: &(String, String)) {
        if self.places.get(place).is_some_and(Place::is_empty) {
            self.places.remove(place);
        }
    }
}

impl Place {
    pub(super) fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.refusals.is_empty()
    }
}

impl PodEntry {
    pub(super) fn trouble(&self, name: &str, cause: Option<Cause>) -> Trouble {
        Trouble {
            template: self.origin.template.clone(),
            since: self.created,
            name: name.to_owned(),
            cause,
        }
    }
}

pub(super) fn names(pod: &Value) -> Option<((String, String), Origin)> {
    let field = |name: &str| pod.pointer(name).and_then(Value::as_str).map(str::to_owned);
    let slot = (field("/metadata/namespace")?, field("/metadata/name")?);
    Some((slot, origin(pod)))
}

pub(super) fn is_unready(standing: &PodStanding) -> bool {
    matches!(standing, PodStanding::Troubled(cause) if cause.kind == CauseKind::NotReady)
}

/// What the names of a workload and of its `ReplicaSets` have in common.
pub(super) fn base(workload: &Workload) -> &str {
    match workload.kind.as_str() {
        "ReplicaSet" => deployment_of(&workload.name).unwrap_or(&workload.name),
        _ => &workload.name,
    }
}

/// Whether `owner` creates Pods for a workload.
pub(super) fn creates_for(owner: &Workload, workload: &Workload) -> bool {
    let by_replica_set = owner.kind == "ReplicaSet"
        && matches!(workload.kind.as_str(), "Deployment" | "Rollout")
        && deployment_of(&owner.name) == Some(&workload.name);
    owner == workload || by_replica_set
}

/// What `owner` may create Pods for.
pub fn made_by(owner: &Workload) -> Vec<Workload> {
    let base = deployment_of(&owner.name).filter(|_| owner.kind == "ReplicaSet");
    let above = base.map(|name| {
        let kinds = [("apps", "Deployment"), ("argoproj.io", "Rollout")];
        kinds.map(|(group, kind)| Workload::new(group, kind, name))
    });
    std::iter::once(owner.clone())
        .chain(above.into_iter().flatten())
        .collect()
}
