//! The loop of Apps: observe, decide (shared), act, until there is only waiting.

mod act;
mod adopt;
mod apply;
mod causes;
mod compliant;
mod drift;
mod events;
mod hook_views;
mod jobs;
mod live;
mod memory;
mod observe;
mod pods;
mod record;
mod rights;
mod rollback;
mod stored;
mod subject;

pub use memory::Memories;
use memory::Memory;
pub use subject::Subject;

use crate::kube_io::{CallError, CallKind, Cluster, Whole};
use crate::metrics::metrics;
use crate::queue::Next;
use crate::watches::Followed;
use crate::world::{NamespacedName, World};
use jiff::Timestamp;
use kubeop_shared::delivery::{Action, Attempted, Observed, WaitFor, decide};
use kubeop_shared::image::Allowlist;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// More actions than any App needs in a row: past this, something is wrong and the App has to wait.
const MAX_ACTIONS: usize = 500;
/// How long until a deletion is looked at again that no watch tells of.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Everything that the loop works with.
pub struct Apps<C> {
    /// The API server.
    pub cluster: C,
    /// What is known of it.
    pub world: Arc<World>,
    /// What is remembered between two looks at an App.
    pub memories: Memories,
    /// Kinds that are watched in single namespaces.
    pub followed: Followed,
    /// Value of the label `cluster-id`.
    pub cluster_id: String,
    /// The cluster's list of registries; none: any.
    pub allowlist: Option<Allowlist>,
}

impl<C: Cluster> Apps<C> {
    /// Does what is to be done for one App, as far as it can be done now.
    pub async fn reconcile(&self, key: NamespacedName) -> Next {
        let known = self.world.apps.get(&key);
        let Some(Whole(object)) = known.and_then(|known| known.read()) else {
            self.memories.forget(&key);
            return Next::News;
        };
        let memory = self.memories.of(&key);
        let mut memory = memory.lock().await;
        let version = object.metadata.resource_version.clone();
        memory.meet(object);
        let start = Instant::now();
        let next = self.work(&key, &mut memory).await;
        metrics().look(start.elapsed());
        match memory.rest() {
            Some(app) => self.world.put_app(key.clone(), &app),
            // Its finalizer is off: it is gone, or will be in a moment. One that was created since stays known.
            None => self.world.apps.gone(key.clone(), version.as_deref()),
        }
        if memory.is_empty() {
            self.memories.forget(&key);
        }
        next
    }

    /// What is observed of an App now, and what is chosen. Nothing is done.
    pub async fn look_at(&self, key: &NamespacedName) -> Result<(Observed, Action), String> {
        let known = self.world.apps.get(key);
        let Some(Whole(object)) = known.and_then(|known| known.read()) else {
            return Err(format!(
                "there is no App {key}: kubectl get apps.platform.kubeop.io -A lists them"
            ));
        };
        let mut memory = Memory::default();
        memory.meet(object.clone());
        let mut subject = Subject::new(&object, &self.world, &self.cluster_id, &mut memory.asked);
        let observed = self.observe(&mut subject, &mut memory, Timestamp::now()).await;
        let observed = observed.map_err(|error| error.to_string())?;
        let action = decide(&observed);
        Ok((observed, action))
    }

    async fn work(&self, key: &NamespacedName, memory: &mut Memory) -> Next {
        for _ in 0..MAX_ACTIONS {
            let now = Timestamp::now();
            let Some(app) = memory.app.clone() else {
                return Next::News;
            };
            let mut subject = Subject::new(&app, &self.world, &self.cluster_id, &mut memory.asked);
            let observed = match self.observe(&mut subject, memory, now).await {
                Ok(observed) => observed,
                Err(error) => {
                    tracing::warn!(app = %key, %error, "cannot observe");
                    return Next::Within(memory.observing_failed());
                }
            };
            let action = decide(&observed);
            if let Action::Wait(wait) = action {
                tracing::debug!(app = %key, ?wait, "waiting");
                let until = wait.until.map(|until| until_then(now, until));
                return match (until, wait.what) {
                    (Some(duration), _) => Next::Within(duration),
                    (None, WaitFor::Deletion) => Next::Within(LOOK_AGAIN),
                    (None, _) => Next::News,
                };
            }
            tracing::debug!(app = %key, ?action, "acting");
            let attempted = attempted(&action);
            match self.act(&subject, &observed, action, memory).await {
                Ok(()) => memory.succeeded(attempted),
                Err(error) => self.failed(&subject, &error, attempted, memory).await,
            }
        }
        tracing::error!(app = %key, "{MAX_ACTIONS} actions in a row: waiting a minute");
        Next::Within(Duration::from_secs(60))
    }

    async fn failed(&self, subject: &Subject, error: &CallError, attempted: Attempted, memory: &mut Memory) {
        if error.kind == CallKind::Stale || error.kind == CallKind::AlreadyExists {
            // Not a fault: somebody else wrote meanwhile. Read again, and decide again.
            match self.read_again(subject, memory).await {
                Ok(()) => return memory.stale(subject.generation()),
                Err(error) => return memory.failed(subject.generation(), &error, Attempted::Other),
            }
        }
        tracing::warn!(app = %subject.key, %error, "an action failed");
        let told = memory
            .failure
            .as_ref()
            .is_some_and(|failure| failure.message == error.to_string());
        memory.failed(subject.generation(), error, attempted);
        memory.kinds_at_failure = self.world.kinds.changes();
        if !told && error.kind == CallKind::FieldConflict {
            self.tell(subject, events::conflict(error)).await;
        }
    }
}

fn attempted(action: &Action) -> Attempted {
    match action {
        Action::WriteStatus(_) => Attempted::Status,
        Action::Apply { .. } => Attempted::Apply,
        Action::RunHook { key, .. } => Attempted::Hook(key.phase),
        _ => Attempted::Other,
    }
}

fn until_then(now: Timestamp, then: Timestamp) -> Duration {
    // A little later, so that the time has really come.
    let until = then.duration_since(now) + jiff::SignedDuration::from_millis(5);
    Duration::try_from(until).unwrap_or(Duration::from_millis(5))
}
