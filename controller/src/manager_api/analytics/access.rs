//! Which Apps a caller may list, as the API server says. Asked as the caller, so that the controller needs no right to ask
//! about others; kept for a moment, so that who looks often costs nothing.

use crate::manager_api::caller::{Caller, Fingerprint};
use crate::manager_api::problem::Refusal;
use crate::manager_api::upstream::Upstream;
use crate::world::World;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Resource;
use kube::api::PostParams;
use kube::core::Request as Requests;
use kubeop_shared::api::names;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long an answer is kept. A right that is taken away holds for so long.
const KEPT: Duration = Duration::from_secs(10);
/// Of how many callers.
const CALLERS: usize = 1000;
/// How many questions of one caller are asked at once.
const AT_ONCE: usize = 16;

/// Which Apps may be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manager_api) enum Scope {
    /// All.
    All,
    /// Those of these namespaces.
    Namespaces(BTreeSet<String>),
}

impl Scope {
    /// Whether Apps of a namespace may be listed.
    pub(super) fn has(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => namespaces.contains(namespace),
        }
    }
}

/// What is known of callers.
#[derive(Debug, Default)]
pub(in crate::manager_api) struct Access(Mutex<HashMap<Fingerprint, Known>>);

/// What is known of one: filled once, however many ask at the same time.
#[derive(Clone, Debug)]
struct Known {
    since: Instant,
    scope: Arc<OnceCell<Arc<Scope>>>,
}

impl Access {
    /// What a caller may list.
    pub(super) async fn of(
        &self,
        api_server: &Upstream,
        caller: &Caller,
        world: &World,
    ) -> Result<Arc<Scope>, Refusal> {
        let known = self.known(caller.fingerprint(), Instant::now());
        let scope = known.get_or_try_init(|| async {
            let namespaces = world
                .projects
                .filter(|_, project| Some(project.namespace.clone()));
            scope(api_server, caller, namespaces).await.map(Arc::new)
        });
        scope.await.cloned()
    }

    fn known(&self, caller: Fingerprint, now: Instant) -> Arc<OnceCell<Arc<Scope>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |known: &Known| now.duration_since(known.since) < KEPT;
        if let Some(known) = all.get(&caller).filter(|known| is_fresh(known)) {
            return known.scope.clone();
        }
        let known = Known {
            since: now,
            scope: Arc::default(),
        };
        if all.len() >= CALLERS {
            all.retain(|_, known| is_fresh(known));
        }
        // With more than that, each asks for itself.
        if all.len() < CALLERS {
            all.insert(caller, known.clone());
        }
        known.scope
    }
}

/// Asks for all Apps first, and for those of each namespace if these may not be listed.
async fn scope(
    api_server: &Upstream,
    caller: &Caller,
    namespaces: impl IntoIterator<Item = String>,
) -> Result<Scope, Refusal> {
    if may_list(api_server, caller, None).await? {
        return Ok(Scope::All);
    }
    let asked = stream::iter(namespaces).map(|namespace| async move {
        let may = may_list(api_server, caller, Some(&namespace)).await?;
        Ok::<_, Refusal>(may.then_some(namespace))
    });
    let answers: Vec<Option<String>> = asked.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(Scope::Namespaces(answers.into_iter().flatten().collect()))
}

async fn may_list(api_server: &Upstream, caller: &Caller, namespace: Option<&str>) -> Result<bool, Refusal> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(names::GROUP.to_owned()),
                resource: Some("apps".to_owned()),
                verb: Some("list".to_owned()),
                namespace: namespace.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    // A tree of texts can be written.
    let body = serde_json::to_vec(&review).unwrap_or_default();
    let requests = Requests::new(SelfSubjectAccessReview::url_path(&(), None));
    let request = requests.create(&PostParams::default(), body);
    let answer: SelfSubjectAccessReview = api_server.ask_for(caller, request).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use super::{Access, CALLERS, KEPT, Scope};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn an_answer_is_kept_for_a_moment_and_for_its_caller() {
        let (access, start) = (Access::default(), Instant::now());
        let first = access.known([1; 32], start);
        let just = KEPT.saturating_sub(Duration::from_millis(1));
        assert!(Arc::ptr_eq(&first, &access.known([1; 32], start + just)));
        assert!(!Arc::ptr_eq(&first, &access.known([2; 32], start)));
        assert!(!Arc::ptr_eq(&first, &access.known([1; 32], start + KEPT)));
    }

    #[test]
    fn many_callers_take_no_more_room_and_none_of_another_s() {
        let (access, start) = (Access::default(), Instant::now());
        for number in 0..2 * CALLERS {
            let mut caller = [0; 32];
            caller[..8].copy_from_slice(&number.to_le_bytes());
            access.known(caller, start);
        }
        let kept = |access: &Access| access.0.lock().unwrap().len();
        assert_eq!(kept(&access), CALLERS);
        access.known([9; 32], start + KEPT);
        assert_eq!(kept(&access), 1);
    }

    #[test]
    fn a_scope_of_namespaces_has_these_and_no_others() {
        let scope = Scope::Namespaces(["kubeop-web".to_owned()].into());
        assert!(scope.has("kubeop-web") && !scope.has("kubeop-we") && !scope.has(""));
        assert!(Scope::All.has("kubeop-web"));
    }
}
