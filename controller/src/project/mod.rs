//! The loop of Projects: a namespace with its labels, the deployer account, and a gate that is proven
//! shut.

mod desired;
mod gate;
mod namespace;

use crate::kube_io::{Applying, CallError, CallKind, Cluster, Conflicts, Effect, Manager, Who, address};
use crate::queue::Next;
use crate::world::World;
use desired::{Part, parts};
use jiff::Timestamp;
use kubeop_shared::api::conditions::{self, ConditionStatus, ConditionType, Reason};
use kubeop_shared::api::project::Enforcement;
use kubeop_shared::api::{Project, ProjectStatus, names};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The first and the longest wait for a Project that is not ready.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Everything that the loop works with.
pub struct Projects<C> {
    /// The API server.
    pub cluster: C,
    /// What is known of it.
    pub world: Arc<World>,
    /// Value of the label `cluster-id`.
    pub cluster_id: String,
    /// Attempts in a row that did not make a Project ready.
    pub attempts: Mutex<HashMap<String, u32>>,
}

/// How a Project stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    ready: ConditionStatus,
    reason: Reason,
    message: String,
    /// Whether only a person can go on.
    stuck: bool,
}

impl Standing {
    fn ready(message: &str) -> Self {
        Self {
            ready: ConditionStatus::True,
            reason: Reason::Succeeded,
            message: message.to_owned(),
            stuck: false,
        }
    }

    fn waits(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::False,
            reason,
            message: message.into(),
            stuck: false,
        }
    }

    fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::False,
            reason,
            message: message.into(),
            stuck: true,
        }
    }
}

impl<C: Cluster> Projects<C> {
    /// Makes a Project what it says, as far as that goes now.
    pub async fn reconcile(&self, name: String) -> Next {
        let Some(known) = self.world.project_objects.get(&name) else {
            // It is gone.
            return Next::News;
        };
        let Some(project) = known.read::<Project>() else {
            tracing::warn!(project = name, "the Project cannot be read");
            return Next::News;
        };
        if project.metadata.deletion_timestamp.is_some() {
            return Next::News;
        }
        let standing = self.bring_about(&name, &project).await.unwrap_or_else(|error| {
            tracing::warn!(project = name, %error, "an action failed");
            Standing::waits(error.reason(), error.to_string())
        });
        if let Err(error) = self.write_status(&name, &project, &standing).await {
            tracing::warn!(project = name, %error, "cannot write the status");
            return Next::Within(self.retry(&name));
        }
        if standing.ready == ConditionStatus::True {
            self.attempts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&name);
            return Next::News;
        }
        Next::Within(self.retry(&name))
    }

    fn retry(&self, name: &str) -> Duration {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = attempts.entry(name.to_owned()).or_default();
        *count = count.saturating_add(1);
        FIRST_RETRY
            .saturating_mul(2_u32.saturating_pow((*count - 1).min(16)))
            .min(LONGEST_RETRY)
    }

    async fn bring_about(&self, name: &str, project: &Project) -> Result<Standing, CallError> {
        let me = Who::Controller;
        let tenant = &project.spec.tenant_ref;
        let namespace = project.namespace();
        if let Some(why) = namespace::never(&namespace) {
            let message = format!("spec.namespace: {namespace:?} {why}. Name another one, or leave it out");
            return Ok(Standing::refused(Reason::NamespaceRefused, message));
        }
        let at = address(names::GROUP, names::VERSION, "Tenant", None, tenant);
        if self.cluster.get(&me, &at).await?.is_none() {
            let message =
                format!("spec.tenantRef: tenant {tenant} does not exist. Create it, or name another one");
            return Ok(Standing::waits(Reason::TenantNotFound, message));
        }
        let at = address("", "v1", "Namespace", None, &namespace);
        let live = self.cluster.get(&me, &at).await?;
        let owner = namespace::Owner {
            project: name,
            spec: &project.spec,
            cluster_id: &self.cluster_id,
        };
        match namespace::judge(live.as_ref(), &owner) {
            namespace::Verdict::Right => {}
            namespace::Verdict::Refused(message) => {
                return Ok(Standing::refused(
                    Reason::NamespaceRefused,
                    format!("namespace {namespace} {message}"),
                ));
            }
            namespace::Verdict::Going => {
                return Ok(Standing::waits(
                    Reason::Waiting,
                    format!("namespace {namespace} is being deleted"),
                ));
            }
            namespace::Verdict::Create(object) => {
                self.cluster.create(&me, &at, &object, Effect::Real).await?;
            }
            namespace::Verdict::Change(fields) => {
                self.cluster.patch(&me, &at, None, &fields).await?;
            }
        }
        for Part { at, object } in parts(name, &namespace) {
            let live = self.cluster.get(&me, &at).await?;
            if live.is_none_or(|live| !desired::holds(&live, &object)) {
                let how = Applying {
                    manager: Manager::Delivery,
                    conflicts: Conflicts::Force,
                    effect: Effect::Real,
                };
                self.cluster.apply(&me, &at, &object, how).await?;
            }
        }
        self.gate(project, &namespace).await
    }

    /// Proves the gate shut, unless that was done for this spec.
    async fn gate(&self, project: &Project, namespace: &str) -> Result<Standing, CallError> {
        const SHUT: &str = "the namespace is there, and a foreign image is refused in it";
        if project.spec.enforcement == Some(Enforcement::Audit) {
            return Ok(Standing::ready(
                "the namespace is there; violations are only warned of (enforcement: Audit)",
            ));
        }
        let status = project.status.as_ref();
        let proven = status.is_some_and(|status| {
            status.observed_generation == project.metadata.generation
                && conditions::is_true(&status.conditions, ConditionType::Ready)
        });
        if proven {
            return Ok(Standing::ready(SHUT));
        }
        let at = address("", "v1", "Pod", Some(namespace), gate::PROBE);
        let deployer = Who::Deployer {
            namespace: namespace.to_owned(),
        };
        let answer = self
            .cluster
            .create(&deployer, &at, &gate::probe(namespace), Effect::DryRun)
            .await;
        Ok(match gate::judge(answer.err().as_ref()) {
            gate::Proof::Shut => Standing::ready(SHUT),
            gate::Proof::Open(why) => Standing::waits(Reason::GateOpen, why),
        })
    }

    async fn write_status(
        &self,
        name: &str,
        project: &Project,
        standing: &Standing,
    ) -> Result<(), CallError> {
        let before = project.status.clone().unwrap_or_default();
        let status = to_status(&before, standing, project.metadata.generation.unwrap_or_default());
        if status == before {
            return Ok(());
        }
        let at = address(names::GROUP, names::VERSION, "Project", None, name);
        let fields: Value = json!({"status": status});
        match self
            .cluster
            .patch(&Who::Controller, &at, Some("status"), &fields)
            .await
        {
            Err(error) if error.kind != CallKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn to_status(before: &ProjectStatus, standing: &Standing, generation: i64) -> ProjectStatus {
    let mut said = before.conditions.clone();
    let ready = standing.ready == ConditionStatus::True;
    let holds = |holds: bool| {
        if holds {
            ConditionStatus::True
        } else {
            ConditionStatus::False
        }
    };
    let states = [
        (ConditionType::Ready, standing.ready),
        (ConditionType::Reconciling, holds(!ready && !standing.stuck)),
        (ConditionType::Stalled, holds(!ready && standing.stuck)),
    ];
    for (kind, state) in states {
        let message = standing.message.clone();
        conditions::set(
            &mut said,
            kind,
            state,
            standing.reason,
            message,
            generation,
            Timestamp::now(),
        );
    }
    ProjectStatus {
        observed_generation: Some(generation),
        conditions: said,
    }
}
