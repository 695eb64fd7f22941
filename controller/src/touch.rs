//! When what kept Pods from being created is gone, whoever creates them is touched: it tries again at once, and not
//! after minutes of back-off.

use crate::kube_io::{Address, Cluster, Who, api_resource};
use crate::watches::Unblocked;
use crate::world::{Blocked, World};
use jiff::Timestamp;
use kubeop_shared::api::names;
use kubeop_shared::health::cause::{CauseKind, Workload};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How soon after a change, and once more for those who learn of it later than we do.
const AFTER: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(5_500)];
/// The shortest time between two touches of one object.
const RARELY: Duration = Duration::from_secs(5);

/// Touches what is blocked.
pub struct Toucher<C> {
    cluster: C,
    world: Arc<World>,
    plan: Plan,
}

impl<C: Cluster> Toucher<C> {
    /// Nothing is due yet.
    pub fn new(cluster: C, world: Arc<World>) -> Self {
        Self {
            cluster,
            world,
            plan: Plan::default(),
        }
    }

    /// Listens until nobody tells any more.
    pub async fn run(mut self, mut told: mpsc::UnboundedReceiver<Unblocked>) {
        let mut scouting = tokio::time::interval(RARELY);
        loop {
            let next = self.plan.next();
            let due = async {
                match next {
                    Some(time) => tokio::time::sleep_until(time).await,
                    None => std::future::pending().await,
                }
            };
            let touched = tokio::select! {
                news = told.recv() => match news {
                    Some(news) => {
                        self.plan.expect(&news, Instant::now());
                        Vec::new()
                    }
                    None => return,
                },
                () = due => {
                    let world = &self.world;
                    self.plan.due(Instant::now(), |kinds| blocked(world, kinds))
                }
                _ = scouting.tick() => {
                    let blocked = blocked(&self.world, &[CauseKind::WebhookDown]);
                    self.plan.scout(Instant::now(), &blocked)
                }
            };
            for blocked in touched {
                self.touch(&blocked).await;
            }
        }
    }

    async fn touch(&self, blocked: &Blocked) {
        let Blocked { namespace, owner, .. } = blocked;
        let at = Address {
            resource: api_resource(&owner.group, "v1", &owner.kind),
            namespace: Some(namespace.clone()),
            name: owner.name.clone(),
        };
        let who = Who::Deployer {
            namespace: namespace.clone(),
        };
        let annotations = json!({names::ANNOTATION_TOUCHED: Timestamp::now().to_string()});
        let fields = json!({"metadata": {"annotations": annotations}});
        match self.cluster.patch(&who, &at, None, &fields).await {
            Ok(_) => tracing::debug!(namespace, kind = owner.kind, name = owner.name, "touched"),
            Err(error) => tracing::warn!(namespace, %error, "cannot make it try again at once"),
        }
    }
}

/// What of Apps is blocked. What people made is not ours to touch.
fn blocked(world: &World, kinds: &[CauseKind]) -> Vec<Blocked> {
    let all = world.troubles.blocked(kinds).into_iter();
    all.filter(|found| world.app_of(&found.namespace, &found.owner).is_some())
        .collect()
}

/// What is to be touched, and when.
#[derive(Debug, Default)]
struct Plan {
    due: Vec<(Instant, Unblocked)>,
    touched: HashMap<(String, Workload), Instant>,
    /// One blocked object for each webhook that does not answer: it is touched to find out.
    scouts: Vec<Blocked>,
}

impl Plan {
    /// Plans what news ask for. Changes in quick succession are one.
    fn expect(&mut self, news: &Unblocked, now: Instant) {
        for after in AFTER {
            let time = now + after;
            let mut planned = self.due.iter();
            if !planned.any(|(at, same)| same == news && *at <= time && time - *at < AFTER[0]) {
                self.due.push((time, news.clone()));
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        self.due.iter().map(|(time, _)| *time).min()
    }

    /// What is to be touched now, of what is blocked.
    fn due(&mut self, now: Instant, blocked: impl Fn(&[CauseKind]) -> Vec<Blocked>) -> Vec<Blocked> {
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(time, _)| *time <= now);
        self.due = later;
        let mut touched = Vec::new();
        for (_, news) in due {
            let within = |found: &Blocked| {
                news.namespace
                    .as_ref()
                    .is_none_or(|within| *within == found.namespace)
            };
            let found = blocked(news.kinds).into_iter().filter(within);
            touched.extend(self.rarely(now, found));
        }
        touched
    }

    /// Nothing tells when a webhook answers again: one of those that it keeps from being created tries. Once one is
    /// through, all are touched.
    fn scout(&mut self, now: Instant, blocked: &[Blocked]) -> Vec<Blocked> {
        self.touched.retain(|_, at| now.duration_since(*at) < RARELY);
        let sent = std::mem::take(&mut self.scouts);
        let still_blocked = |scout: &Blocked| {
            let same = |other: &Blocked| (&other.namespace, &other.owner) == (&scout.namespace, &scout.owner);
            blocked.iter().any(same)
        };
        if !sent.iter().all(still_blocked) {
            return self.rarely(now, blocked.iter().cloned());
        }
        for candidate in blocked {
            if self
                .scouts
                .iter()
                .all(|scout| scout.cause.text != candidate.cause.text)
            {
                self.scouts.push(candidate.clone());
            }
        }
        let scouts = self.scouts.clone();
        self.rarely(now, scouts)
    }

    /// Without what was touched lately.
    fn rarely(&mut self, now: Instant, blocked: impl IntoIterator<Item = Blocked>) -> Vec<Blocked> {
        let mut touched = Vec::new();
        for found in blocked {
            let slot = (found.namespace.clone(), found.owner.clone());
            let last = self.touched.get(&slot);
            if last.is_none_or(|at| now.duration_since(*at) >= RARELY) {
                self.touched.insert(slot, now);
                touched.push(found);
            }
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocked, CauseKind, Plan, Unblocked, Workload};
    use kubeop_shared::health::cause::refusal;
    use std::time::Duration;
    use tokio::time::Instant;

    const QUOTA: &[CauseKind] = &[CauseKind::Quota];

    fn blocked(namespace: &str, name: &str, why: &str) -> Blocked {
        Blocked {
            namespace: namespace.to_owned(),
            owner: Workload::new("apps", "ReplicaSet", name),
            cause: refusal(namespace, name, why),
        }
    }

    fn quota(namespace: &str) -> Unblocked {
        Unblocked {
            namespace: Some(namespace.to_owned()),
            kinds: QUOTA,
        }
    }

    fn names(blocked: &[Blocked]) -> Vec<&str> {
        blocked
            .iter()
            .map(|blocked| blocked.owner.name.as_str())
            .collect()
    }

    #[test]
    fn what_is_blocked_is_touched_soon_and_once_more_and_never_more_often() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let all = |_: &[CauseKind]| {
            vec![
                blocked("web", "pay", "exceeded quota: q"),
                blocked("shop", "cart", "exceeded quota: q"),
            ]
        };
        let mut plan = Plan::default();
        plan.expect(&quota("web"), at(0));
        for millis in [50, 100, 150] {
            plan.expect(&quota("web"), at(millis));
        }
        assert_eq!(names(&plan.due(at(200), all)), Vec::<&str>::new());
        assert_eq!(names(&plan.due(at(300), all)), ["pay"], "of this namespace only");
        // A quota that changes all the time.
        for millis in (400..5_000).step_by(100) {
            plan.expect(&quota("web"), at(millis));
            assert_eq!(names(&plan.due(at(millis), all)), Vec::<&str>::new(), "{millis}");
        }
        assert_eq!(names(&plan.due(at(5_500), all)), ["pay"]);
        assert_eq!(names(&plan.due(at(60_000), |_| Vec::new())), Vec::<&str>::new());
        assert_eq!(plan.next(), None);
    }

    #[test]
    fn one_scout_for_each_webhook_and_all_when_it_is_through() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let down = |name: &str, webhook: &str| {
            blocked("web", name, &format!("failed calling webhook \"{webhook}\""))
        };
        let mut plan = Plan::default();
        let all = [down("a", "one"), down("b", "one"), down("c", "two")];
        assert_eq!(names(&plan.scout(at(0), &all)), ["a", "c"]);
        assert_eq!(names(&plan.scout(at(5), &all)), ["a", "c"]);
        let [_, b, c] = all;
        assert_eq!(names(&plan.scout(at(10), &[b, c])), ["b", "c"]);
        assert_eq!(names(&plan.scout(at(15), &[])), Vec::<&str>::new());
    }
}
