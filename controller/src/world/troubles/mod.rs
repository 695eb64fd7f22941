//! Pods in trouble, and workloads that cannot create any: filled by the watches of Pods and Events. A Pod that is
//! well leaves nothing here.

mod kept;
#[cfg(test)]
mod tests;

pub use kept::made_by;

use jiff::Timestamp;
use kept::{Inner, Mount, PodEntry, UNREADY_GRACE, base, creates_for, is_unready, names};
use kubeop_shared::health::cause::{
    Cause, CauseKind, PodEvent, PodStanding, Workload, most_telling, pod_standing,
};
use serde_json::Value;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long a refusal outlives the news that its workload is ready: those may be older.
const SETTLES: Duration = Duration::from_secs(5);

/// What is known of troubles.
#[derive(Debug, Default)]
pub struct Troubles {
    inner: RwLock<Inner>,
}

/// How news came: as a part of the list with this number, or since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// In a list.
    Listed(u64),
    /// After the list with this number.
    Since(u64),
}

impl Heard {
    fn list(self) -> u64 {
        match self {
            Self::Listed(list) | Self::Since(list) => list,
        }
    }
}

/// What has to be done about news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Whether something else is told now.
    pub changed: bool,
    /// After which time something else may be told without further news.
    pub look_again: Option<Duration>,
}

/// A workload that cannot create Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Its namespace.
    pub namespace: String,
    /// What should create the Pods: a ReplicaSet, or the workload itself.
    pub owner: Workload,
    /// Why it cannot.
    pub cause: Cause,
}

/// The present, for what is told only for a time.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For times of the API.
    pub time: Timestamp,
    /// For times of our own.
    pub instant: Instant,
}

impl Now {
    /// Reads both clocks.
    pub fn read() -> Self {
        Self {
            time: Timestamp::now(),
            instant: Instant::now(),
        }
    }
}

impl Troubles {
    /// Takes news of a Pod.
    pub fn pod(&self, pod: &Value, heard: Heard, now: Now) -> News {
        let Some(((namespace, name), origin)) = names(pod) else {
            return News::default();
        };
        let created = pod.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
        let created = created.and_then(|time| time.parse().ok()).unwrap_or(now.time);
        let mut inner = self.write();
        let place = (namespace.clone(), base(&origin.workload).to_owned());
        let before = inner.told(&namespace, &origin.workload, now);
        let workload = origin.workload.clone();
        let mut look_again = None;
        let standing = pod_standing(pod);
        let leaves_nothing = match &standing {
            PodStanding::Well => true,
            PodStanding::Recovering { until, .. } => {
                look_again = Duration::try_from(until.duration_since(now.time)).ok();
                look_again.is_none()
            }
            PodStanding::Coming | PodStanding::Troubled(_) => false,
        };
        let entry = inner.places.entry(place.clone()).or_default();
        // There is a Pod since the last refusal: it is not true any more.
        entry
            .refusals
            .retain(|owner, refusal| *owner != origin.owner || created < refusal.last);
        if leaves_nothing {
            entry.pods.remove(&name);
            inner.mounts.remove(&(namespace.clone(), name));
        } else {
            let known = entry
                .pods
                .get(&name)
                .map(|known| (is_unready(&known.standing), known.unready));
            let unready = match (is_unready(&standing), known, heard) {
                (true, Some((true, since)), _) => since,
                (true, _, Heard::Since(_)) => Some(now.instant),
                _ => None,
            };
            if let Some(since) = unready {
                look_again = UNREADY_GRACE.checked_sub(now.instant.duration_since(since));
            }
            entry.pods.insert(
                name,
                PodEntry {
                    origin,
                    created,
                    standing,
                    unready,
                    heard,
                },
            );
        }
        inner.forget_empty(&place);
        News {
            changed: before != inner.told(&namespace, &workload, now),
            look_again,
        }
    }

    /// Takes the news that a Pod is gone.
    pub fn pod_gone(&self, pod: &Value, now: Now) -> News {
        let Some(((namespace, name), origin)) = names(pod) else {
            return News::default();
        };
        let mut inner = self.write();
        let before = inner.told(&namespace, &origin.workload, now);
        let place = (namespace.clone(), base(&origin.workload).to_owned());
        if let Some(entry) = inner.places.get_mut(&place) {
            entry.pods.remove(&name);
        }
        inner.mounts.remove(&(namespace.clone(), name));
        inner.forget_empty(&place);
        News {
            changed: before != inner.told(&namespace, &origin.workload, now),
            look_again: None,
        }
    }

    /// Forgets Pods that have been well for long enough.
    pub fn forget_recovered(&self, now: Now) {
        let over = |entry: &PodEntry| matches!(&entry.standing, PodStanding::Recovering { until, .. } if *until <= now.time);
        let mut inner = self.write();
        inner.places.retain(|_, place| {
            place.pods.retain(|_, entry| !over(entry));
            !place.is_empty()
        });
    }

    /// After a list: Pods that were not in it are gone.
    pub fn pods_listed(&self, list: u64) {
        let mut inner = self.write();
        inner.places.retain(|_, place| {
            place.pods.retain(|_, entry| entry.heard.list() >= list);
            !place.is_empty()
        });
    }

    /// Takes an Event with this name.
    pub fn event(&self, name: &str, event: PodEvent, heard: Heard, now: Now) -> News {
        let mut inner = self.write();
        let namespace = event.namespace.clone();
        let concerned = if event.cause.kind.is_refusal() {
            made_by(&event.about)
        } else {
            let pod = inner.pod(&namespace, &event.about.name);
            pod.map(|entry| entry.origin.workload.clone())
                .into_iter()
                .collect()
        };
        let told = |inner: &Inner| -> Vec<Option<Cause>> {
            let each = concerned.iter();
            each.map(|workload| inner.told(&namespace, workload, now))
                .collect()
        };
        let before = told(&inner);
        if event.cause.kind.is_refusal() {
            inner.refused(name, event, heard, now);
        } else {
            let mount = Mount {
                cause: event.cause,
                event: name.to_owned(),
                heard,
            };
            inner.mounts.insert((event.namespace, event.about.name), mount);
        }
        News {
            changed: before != told(&inner),
            look_again: None,
        }
    }

    /// Takes the news that an Event is gone: an hour after it was last true.
    pub fn event_gone(&self, name: &str, event: &PodEvent) {
        let mut inner = self.write();
        let slot = (event.namespace.clone(), event.about.name.clone());
        if inner.mounts.get(&slot).is_some_and(|mount| mount.event == name) {
            inner.mounts.remove(&slot);
        }
        let place = (event.namespace.clone(), base(&event.about).to_owned());
        if let Some(entry) = inner.places.get_mut(&place) {
            entry
                .refusals
                .retain(|owner, refusal| *owner != event.about || refusal.event != name);
        }
        inner.forget_empty(&place);
    }

    /// After a list of Events about Pods that cannot be created: what was not in it is gone.
    pub fn refusals_listed(&self, list: u64) {
        let mut inner = self.write();
        inner.places.retain(|_, place| {
            place.refusals.retain(|_, refusal| refusal.heard.list() >= list);
            !place.is_empty()
        });
    }

    /// After a list of Events about volumes: what was not in it is gone.
    pub fn mounts_listed(&self, list: u64) {
        self.write().mounts.retain(|_, mount| mount.heard.list() >= list);
    }

    /// Why a workload that is not ready is not.
    pub fn cause(&self, namespace: &str, workload: &Workload, now: Now) -> Option<Cause> {
        self.read().told(namespace, workload, now)
    }

    /// Why a workload that says that it is ready may not stay so: a Pod of it has just crashed.
    pub fn crash(&self, namespace: &str, workload: &Workload, now: Now) -> Option<Cause> {
        let inner = self.read();
        let place = inner
            .places
            .get(&(namespace.to_owned(), base(workload).to_owned()))?;
        let recovering = place
            .pods
            .iter()
            .filter_map(|(name, entry)| match &entry.standing {
                PodStanding::Recovering { cause, until }
                    if *until > now.time && entry.origin.workload == *workload =>
                {
                    Some(entry.trouble(name, Some(cause.clone())))
                }
                _ => None,
            });
        most_telling(&recovering.collect::<Vec<_>>()).cloned()
    }

    /// A workload is ready: what kept it from creating Pods is over.
    pub fn settled(&self, namespace: &str, workload: &Workload, now: Now) {
        let place = (namespace.to_owned(), base(workload).to_owned());
        if !self.read().places.contains_key(&place) {
            return;
        }
        let mut inner = self.write();
        if let Some(entry) = inner.places.get_mut(&place) {
            entry.refusals.retain(|owner, refusal| {
                let fresh = refusal
                    .received
                    .is_some_and(|received| now.instant.duration_since(received) < SETTLES);
                fresh || !creates_for(owner, workload)
            });
        }
        inner.forget_empty(&place);
    }

    /// Everything that cannot create Pods for a reason of these kinds.
    pub fn blocked(&self, kinds: &[CauseKind]) -> Vec<Blocked> {
        let inner = self.read();
        let all = inner.places.iter().flat_map(|((namespace, _), place)| {
            place.refusals.iter().map(|(owner, refusal)| Blocked {
                namespace: namespace.clone(),
                owner: owner.clone(),
                cause: refusal.cause.clone(),
            })
        });
        all.filter(|blocked| kinds.contains(&blocked.cause.kind))
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}
