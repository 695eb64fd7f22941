//! The loop of Projects and Tenants: a namespace with its labels, what is kept in it, a gate that is proven shut, a
//! look at what runs there, and an end that waits for the last App.

mod credentials;
mod desired;
mod ending;
mod finalizer;
mod gate;
mod keep;
mod memory;
mod namespace;
mod running;
mod tenant;
mod told;

pub use credentials::freed;
use memory::Made;
pub use memory::Memory;

use crate::kube_io::{Address, CallError, Cluster, Effect, Who, address};
use crate::queue::Next;
use crate::watches::Absence;
use crate::world::World;
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::{self, ConditionType, Reason};
use kubeop_shared::api::{Project, Standing, names};
use kubeop_shared::delivery::Stated;
use kubeop_shared::image::Allowlist;
use running::{Checked, Origin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

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
    /// Tells when a Secret that is in the way is gone.
    pub absence: Absence,
}

/// How a Project stands, what runs in it, and how its registry credentials stand.
struct Found {
    standing: Standing,
    checked: Option<Checked>,
    credentials: Credentials,
}

/// How the registry credentials stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Credentials {
    /// As before: nobody looked.
    #[default]
    AsBefore,
    /// The Project names none.
    None,
    /// So.
    Stand(Stated),
}

impl From<Standing> for Found {
    fn from(standing: Standing) -> Self {
        Self {
            standing,
            checked: None,
            credentials: Credentials::AsBefore,
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
        let found = match self.bring_about(&name, &project).await {
            Ok(found) => found,
            Err(error) => return self.failed(&owner, &project, &error).await,
        };
        let again = found.checked.as_ref().and_then(|checked| checked.again);
        let next = again.map_or(Next::News, Next::Within);
        self.say(&owner, &project, &found, next).await
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
        // Before Pods may come. A credential that is missing stops nothing else.
        let credentials = match self.mirror(name, project, &namespace).await? {
            Some(stated) => Credentials::Stand(stated),
            None => Credentials::None,
        };
        let standing = self.gate(project, &namespace).await?;
        if !standing.is_ready() {
            return Ok(Found {
                credentials,
                ..standing.into()
            });
        }
        let checked = self.check(name, project, &uid, origin).await?;
        let complete = checked
            .against
            .as_ref()
            .is_some_and(|rules| rules.ends_with(&uid));
        let standing = if complete || was_ready(project) {
            standing
        } else {
            let message = "what runs in the namespace is looked at once more, since it was there before";
            Standing::waits(Reason::Progressing, message)
        };
        Ok(Found {
            standing,
            checked: Some(checked),
            credentials,
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
        let made = |uid: &str| Made {
            uid: uid.to_owned(),
            generation: project.metadata.generation,
        };
        let of_project = Owner::Project(name.to_owned());
        Ok(match namespace::judge(live.as_ref(), &owner) {
            namespace::Verdict::Right => {
                let uid = uid(live);
                // What was made in an attempt before this one was not there before, either.
                let origin = if self.was_made(&of_project, &made(&uid)) {
                    Origin::Made
                } else {
                    Origin::Found
                };
                Ok((origin, uid))
            }
            namespace::Verdict::Refused(message) => Err(Standing::refused(
                Reason::NamespaceRefused,
                format!("namespace {namespace} {message}"),
            )),
            namespace::Verdict::Going => Err(Standing::waits(
                Reason::Waiting,
                format!("namespace {namespace} is being deleted"),
            )),
            namespace::Verdict::Create(object) => {
                let uid = uid(Some(self.cluster.create(&me, &at, &object, Effect::Real).await?));
                self.remember_made(&of_project, made(&uid));
                Ok((Origin::Made, uid))
            }
            namespace::Verdict::Change(fields) => {
                self.cluster.patch(&me, &at, None, &fields).await?;
                // For a while it was nobody's.
                self.forget_made(&of_project);
                Ok((Origin::Found, uid(live)))
            }
        })
    }
}

/// Whether the status says that what the spec says now is Ready.
fn was_ready(project: &Project) -> bool {
    project.status.as_ref().is_some_and(|status| {
        status.observed_generation == project.metadata.generation
            && conditions::is_true(&status.conditions, ConditionType::Ready)
    })
}
