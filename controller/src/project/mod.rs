//! The loop of Projects and Tenants: a namespace with its labels, what is kept in it, a gate that is proven shut, a
//! look at what runs there, and an end that waits for the last App.

mod desired;
mod ending;
mod gate;
mod namespace;
mod running;
mod status;
mod tenant;

use crate::kube_io::{
    Address, Applying, CallError, CallKind, Cluster, Conflicts, Effect, Manager, Who, address,
};
use crate::queue::Next;
use crate::world::{LiveKey, Packed, World};
use desired::{Act, Part, parts};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::{self, ConditionType, Reason};
use kubeop_shared::api::project::Enforcement;
use kubeop_shared::api::{Project, names};
use kubeop_shared::delivery::Stated;
use kubeop_shared::image::Allowlist;
use running::{Checked, Look, Origin};
use serde::Serialize;
use serde_json::json;
use status::Standing;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The first and the longest wait for a Project that is not ready.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// How often in a row something may fail that passes by itself before it is told.
const TOLD_AFTER: u32 = 3;

/// What is looked after here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The Project of this name.
    Project(String),
    /// The Tenant of this name.
    Tenant(String),
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Project(name) => write!(f, "project {name}"),
            Self::Tenant(name) => write!(f, "tenant {name}"),
        }
    }
}

impl Owner {
    fn at(&self) -> Address {
        let (kind, name) = match self {
            Self::Project(name) => ("Project", name),
            Self::Tenant(name) => ("Tenant", name),
        };
        address(names::GROUP, names::VERSION, kind, None, name)
    }
}

/// What is remembered of a Project or a Tenant between two looks.
#[derive(Debug, Default)]
pub struct Memory {
    /// Attempts in a row that did not make it ready.
    attempts: u32,
    /// The last look at what runs in its namespace.
    look: Option<Look>,
}

/// Everything that the loop works with.
pub struct Projects<C> {
    /// The API server.
    pub cluster: C,
    /// What is known of it.
    pub world: Arc<World>,
    /// Value of the label `cluster-id`.
    pub cluster_id: String,
    /// The cluster's list of registries; none: any.
    pub allowlist: Option<Allowlist>,
    /// What is remembered.
    pub memories: Mutex<HashMap<Owner, Memory>>,
}

/// How a Project stands, and what runs in it.
struct Found {
    standing: Standing,
    checked: Option<Checked>,
}

impl From<Standing> for Found {
    fn from(standing: Standing) -> Self {
        Self {
            standing,
            checked: None,
        }
    }
}

impl<C: Cluster> Projects<C> {
    /// Makes a Project or a Tenant what it says, as far as that goes now.
    pub async fn reconcile(&self, owner: Owner) -> Next {
        match owner {
            Owner::Project(name) => self.look_after_project(name).await,
            Owner::Tenant(name) => self.look_after_tenant(name).await,
        }
    }

    async fn look_after_project(&self, name: String) -> Next {
        let owner = Owner::Project(name.clone());
        let Some(known) = self.world.project_objects.get(&name) else {
            self.forget(&owner);
            return Next::News;
        };
        let Some(project) = known.read::<Project>() else {
            tracing::warn!(project = name, "the Project cannot be read");
            return Next::News;
        };
        if project.metadata.deletion_timestamp.is_some() {
            return self.end(&name, &project).await;
        }
        let Found { standing, checked } = match self.bring_about(&name, &project).await {
            Ok(found) => found,
            Err(error) => return self.failed(&owner, &project, &error).await,
        };
        let again = checked.as_ref().and_then(|checked| checked.again);
        let next = again.map_or(Next::News, Next::Within);
        self.say(&owner, &project, &standing, checked, next).await
    }

    async fn bring_about(&self, name: &str, project: &Project) -> Result<Found, CallError> {
        let me = Who::Controller;
        let tenant = &project.spec.tenant_ref;
        let namespace = project.namespace();
        if let Some(why) = namespace::never(&namespace) {
            let message = format!("spec.namespace: {namespace:?} {why}. Name another one, or leave it out");
            return Ok(Standing::refused(Reason::NamespaceRefused, message).into());
        }
        let at = Owner::Tenant(tenant.clone()).at();
        if self.world.tenants.get(tenant).is_none() && self.cluster.get(&me, &at).await?.is_none() {
            let message =
                format!("spec.tenantRef: tenant {tenant} does not exist. Create it, or name another one");
            return Ok(Standing::waits(Reason::TenantNotFound, message).into());
        }
        self.hold(&Owner::Project(name.to_owned()), &project.metadata)
            .await?;
        let (origin, uid) = match self.settle(name, project, &namespace).await? {
            Ok(settled) => settled,
            Err(standing) => return Ok(standing.into()),
        };
        if let Some(standing) = self.keep(name, project, &namespace).await? {
            return Ok(standing.into());
        }
        let standing = self.gate(project, &namespace).await?;
        if !standing.is_ready() {
            return Ok(standing.into());
        }
        let checked = self.check(name, project, &uid, origin).await?;
        let complete = checked
            .against
            .as_ref()
            .is_some_and(|rules| rules.ends_with(&uid));
        if complete || was_ready(project) {
            return Ok(Found {
                standing,
                checked: Some(checked),
            });
        }
        let message = "what runs in the namespace is looked at once more, since it was there before";
        Ok(Found {
            standing: Standing::waits(Reason::Progressing, message),
            checked: Some(checked),
        })
    }

    /// Makes, adopts and labels the namespace. Where it comes from, and its uid; or why it cannot be had.
    async fn settle(
        &self,
        name: &str,
        project: &Project,
        namespace: &str,
    ) -> Result<Result<(Origin, String), Standing>, CallError> {
        let me = Who::Controller;
        let at = address("", "v1", "Namespace", None, namespace);
        let live = self.cluster.get(&me, &at).await?;
        let owner = namespace::Owner {
            project: name,
            spec: &project.spec,
            cluster_id: &self.cluster_id,
        };
        let uid = |live: Option<DynamicObject>| live.and_then(|live| live.metadata.uid).unwrap_or_default();
        Ok(match namespace::judge(live.as_ref(), &owner) {
            namespace::Verdict::Right => Ok((Origin::Found, uid(live))),
            namespace::Verdict::Refused(message) => Err(Standing::refused(
                Reason::NamespaceRefused,
                format!("namespace {namespace} {message}"),
            )),
            namespace::Verdict::Going => Err(Standing::waits(
                Reason::Waiting,
                format!("namespace {namespace} is being deleted"),
            )),
            namespace::Verdict::Create(object) => {
                let made = self.cluster.create(&me, &at, &object, Effect::Real).await?;
                Ok((Origin::Made, uid(Some(made))))
            }
            namespace::Verdict::Change(fields) => {
                self.cluster.patch(&me, &at, None, &fields).await?;
                Ok((Origin::Found, uid(live)))
            }
        })
    }

    /// Keeps the parts as they are to be. What is in the way, if anything is.
    async fn keep(
        &self,
        name: &str,
        project: &Project,
        namespace: &str,
    ) -> Result<Option<Standing>, CallError> {
        let me = Who::Controller;
        for part in parts(name, namespace, &project.spec) {
            if part.wanted.is_none() && !self.is_there(&part, namespace) {
                continue;
            }
            let Part { at, wanted, .. } = &part;
            let live = self.cluster.get(&me, at).await?;
            let act = part.act(live.as_ref(), name);
            if let Act::Delete(only) | Act::Replace(only) = &act {
                self.cluster.delete(&me, at, only).await?;
            }
            match (act, wanted) {
                (Act::Apply | Act::Replace(_), Some(wanted)) => {
                    let how = Applying {
                        manager: Manager::Delivery,
                        conflicts: Conflicts::Force,
                        effect: Effect::Real,
                    };
                    self.cluster.apply(&me, at, wanted, how).await?;
                }
                (Act::Foreign, _) => {
                    let kind = at.resource.kind.to_ascii_lowercase();
                    return Ok(Some(Standing::refused(
                        Reason::Conflict,
                        format!(
                            "{at} is there already, and somebody else made it. Give it another name, or delete it:\n\
                             kubectl delete {kind} {} -n {namespace}",
                            at.name
                        ),
                    )));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether a part is there, as watches tell.
    fn is_there(&self, part: &Part, namespace: &str) -> bool {
        let of = &part.at.resource;
        let key = LiveKey::of(namespace, &of.group, &of.version, &of.kind, &part.at.name);
        self.world.parts.get(&key).is_some()
    }

    /// Proves the gate shut, unless that was done for this spec.
    async fn gate(&self, project: &Project, namespace: &str) -> Result<Standing, CallError> {
        const SHUT: &str = "the namespace is there, and a foreign image is refused in it";
        if project.spec.enforcement == Some(Enforcement::Audit) {
            return Ok(Standing::ready(
                "the namespace is there; violations are only warned of (enforcement: Audit)",
            ));
        }
        if was_ready(project) {
            return Ok(Standing::ready(SHUT));
        }
        let at = address("", "v1", "Pod", Some(namespace), gate::PROBE);
        let deployer = Who::Deployer {
            namespace: namespace.to_owned(),
        };
        let probe = gate::probe(namespace, project.spec.limit_range.as_ref());
        let answer = self.cluster.create(&deployer, &at, &probe, Effect::DryRun).await;
        Ok(match gate::judge(answer.err().as_ref()) {
            gate::Proof::Shut => Standing::ready(SHUT),
            gate::Proof::Open(why) => Standing::waits(Reason::GateOpen, why),
        })
    }

    /// After an error. What passes by itself is told only when it does not.
    async fn failed(&self, owner: &Owner, project: &Project, error: &CallError) -> Next {
        tracing::warn!(%owner, %error, "an action failed");
        let wait = self.retry(owner);
        let passes = matches!(
            error.kind,
            CallKind::Stale | CallKind::AlreadyExists | CallKind::Unavailable
        );
        if passes && self.memory(|memories| memories.get(owner).is_some_and(|of| of.attempts < TOLD_AFTER)) {
            return Next::Within(wait);
        }
        let standing = Standing::waits(error.reason(), error.to_string());
        if let Err(error) = self.write(owner, project, &standing, None).await {
            tracing::warn!(%owner, %error, "cannot write the status");
        }
        Next::Within(wait)
    }

    /// Says how a Project stands, and when it is looked at again. What is not ready is tried again, and what waits for
    /// its end is told of it.
    async fn say(
        &self,
        owner: &Owner,
        project: &Project,
        standing: &Standing,
        checked: Option<Checked>,
        next: Next,
    ) -> Next {
        if let Err(error) = self.write(owner, project, standing, checked).await {
            tracing::warn!(%owner, %error, "cannot write the status");
            return Next::Within(self.retry(owner));
        }
        let told = standing.is_ready() || project.metadata.deletion_timestamp.is_some();
        if told || matches!(next, Next::Within(_)) {
            self.succeeded(owner);
            return next;
        }
        Next::Within(self.retry(owner))
    }

    async fn write(
        &self,
        owner: &Owner,
        project: &Project,
        standing: &Standing,
        checked: Option<Checked>,
    ) -> Result<(), CallError> {
        let before = project.status.clone().unwrap_or_default();
        let generation = project.metadata.generation.unwrap_or_default();
        let mut status = before.clone();
        status.observed_generation = Some(generation);
        status.conditions = status::said(&before.conditions, standing, generation);
        if let Some(Checked {
            compliant, against, ..
        }) = checked
        {
            status.checked_against = against;
            if let Some(Stated {
                state,
                reason,
                message,
            }) = compliant
            {
                let now = jiff::Timestamp::now();
                let kind = ConditionType::Compliant;
                conditions::set(
                    &mut status.conditions,
                    kind,
                    state,
                    reason,
                    message,
                    generation,
                    now,
                );
            }
        }
        if status == before {
            return Ok(());
        }
        self.write_status(owner, &status).await
    }

    async fn write_status(&self, owner: &Owner, status: &impl Serialize) -> Result<(), CallError> {
        let (at, fields) = (owner.at(), json!({"status": status}));
        match self
            .cluster
            .patch(&Who::Controller, &at, Some("status"), &fields)
            .await
        {
            Ok(object) => self.learn(owner, &object),
            Err(error) if error.kind != CallKind::NotFound => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// What we wrote is known at once: the next look must not go by what was before.
    fn learn(&self, owner: &Owner, object: &DynamicObject) {
        let (cache, name) = match owner {
            Owner::Project(name) => (&self.world.project_objects, name),
            Owner::Tenant(name) => (&self.world.tenant_objects, name),
        };
        let version = object.metadata.resource_version.as_deref();
        cache.put(name.clone(), version, Packed::of_object(object));
    }

    /// Puts our finalizer on an object, if it is not there and the object is still as it was read.
    async fn hold(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        if lists(&finalizers, names::FINALIZER) {
            return Ok(());
        }
        finalizers.push(names::FINALIZER.to_owned());
        let fields =
            json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
        let object = self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await?;
        self.learn(owner, &object);
        Ok(())
    }

    /// Takes our finalizer off an object, if it is still as it was read.
    async fn release(&self, owner: &Owner, metadata: &ObjectMeta) -> Result<(), CallError> {
        let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
        finalizers.retain(|name| name != names::FINALIZER);
        let fields =
            json!({"metadata": {"resourceVersion": metadata.resource_version, "finalizers": finalizers}});
        match self
            .cluster
            .patch(&Who::Controller, &owner.at(), None, &fields)
            .await
        {
            Err(error) if error.kind != CallKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the definition of a kind of ours is being deleted: then all of its objects are, and nobody meant what
    /// runs.
    async fn kind_goes(&self, plural: &str) -> Result<bool, CallError> {
        let name = format!("{plural}.{}", names::GROUP);
        let kind = "CustomResourceDefinition";
        let at = address("apiextensions.k8s.io", "v1", kind, None, &name);
        let definition = self.cluster.get(&Who::Controller, &at).await?;
        Ok(definition.is_none_or(|definition| definition.metadata.deletion_timestamp.is_some()))
    }

    fn memory<T>(&self, with: impl FnOnce(&mut MutexGuard<'_, HashMap<Owner, Memory>>) -> T) -> T {
        with(&mut self.memories.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn retry(&self, owner: &Owner) -> Duration {
        let attempts = self.memory(|memories| {
            let memory = memories.entry(owner.clone()).or_default();
            memory.attempts = memory.attempts.saturating_add(1);
            memory.attempts
        });
        FIRST_RETRY
            .saturating_mul(2_u32.saturating_pow((attempts - 1).min(16)))
            .min(LONGEST_RETRY)
    }

    /// Nothing is remembered of what needs nothing.
    fn succeeded(&self, owner: &Owner) {
        self.memory(|memories| match memories.get_mut(owner) {
            Some(memory) if memory.look.is_some() => memory.attempts = 0,
            Some(_) => drop(memories.remove(owner)),
            None => {}
        });
    }

    fn forget(&self, owner: &Owner) {
        self.memory(|memories| drop(memories.remove(owner)));
    }

    fn remember(&self, owner: &Owner, look: Look) {
        self.memory(|memories| memories.entry(owner.clone()).or_default().look = Some(look));
    }

    fn last_look(&self, owner: &Owner) -> Option<Look> {
        self.memory(|memories| memories.get(owner)?.look.clone())
    }
}

fn lists(finalizers: &[String], name: &str) -> bool {
    finalizers.iter().any(|finalizer| finalizer == name)
}

/// Whether the status says that what the spec says now is Ready.
fn was_ready(project: &Project) -> bool {
    project.status.as_ref().is_some_and(|status| {
        status.observed_generation == project.metadata.generation
            && conditions::is_true(&status.conditions, ConditionType::Ready)
    })
}
