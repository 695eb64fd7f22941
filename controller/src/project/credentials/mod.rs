//! Registry Secrets that a Project names: mirrored into its namespace, kept as their sources are, named in its
//! `ServiceAccounts`, and gone with either.
//!
//! A list of pull Secrets is one field, so that applying it would wipe what others wrote: it is read, added to, and
//! written at the version that was read.

mod accounts;
mod mirror;
mod source;

pub use mirror::freed;

use super::Projects;
use super::desired::exactly;
use crate::kube_io::{Address, CallError, CallKind, Cluster, Effect, Who, address};
use crate::watches::Concerns;
use crate::world::{AccountView, MirrorView, NamespacedName};
use accounts::Change;
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::{ConditionStatus, Reason};
use kubeop_shared::api::project::RegistryCredential;
use kubeop_shared::api::{Project, names};
use kubeop_shared::delivery::Stated;
use mirror::{Act, Owner};

/// Why a credential is not mirrored.
struct Fault {
    reason: Reason,
    message: String,
}

/// A mirror as it is to be and as it is.
struct Found {
    name: String,
    act: Act,
    live: Option<DynamicObject>,
}

impl<C: Cluster> Projects<C> {
    /// Mirrors what the Project names, and takes away what it does not name any more. How that stands; none: nothing is
    /// asked for.
    pub(super) async fn mirror(
        &self,
        name: &str,
        project: &Project,
        namespace: &str,
    ) -> Result<Option<Stated>, CallError> {
        let owner = Owner {
            project: name,
            uid: project.metadata.uid.as_deref().unwrap_or_default(),
            namespace,
        };
        let mut faults = Vec::new();
        let mut found = Vec::new();
        for (index, credential) in project.spec.registry_credentials.iter().enumerate() {
            let from = credential.namespace.as_deref().unwrap_or(names::SYSTEM_NAMESPACE);
            let content = self
                .content(&credential.name, from, namespace, &project.spec.tenant_ref)
                .await?;
            let live = self
                .cluster
                .get(&Who::Controller, &secret(namespace, &credential.name))
                .await?;
            let act = mirror::act(
                owner,
                &credential.name,
                from,
                content.as_ref().ok(),
                live.as_ref(),
            );
            let fault = match (content, &act) {
                (Err(fault), _) => Some(fault),
                (Ok(_), Act::Foreign) => {
                    let concerned = Concerns::Project(name.to_owned());
                    self.absence.tell(namespace, &credential.name, concerned);
                    Some(in_the_way(&credential.name, namespace))
                }
                _ => None,
            };
            faults.extend(fault.map(|fault| Fault {
                message: format!("spec.registryCredentials[{index}]: {}", fault.message),
                ..fault
            }));
            found.push(Found {
                name: credential.name.clone(),
                act,
                live,
            });
        }
        found.extend(
            self.not_named(name, &project.spec.registry_credentials, namespace)
                .await?,
        );
        self.carry_out(namespace, &found).await?;
        if project.spec.registry_credentials.is_empty() {
            return Ok(None);
        }
        Ok(Some(stated(&faults, project.spec.registry_credentials.len())))
    }

    /// Takes all mirrors of a Project away, and their names out of the accounts.
    pub(super) async fn unmirror(&self, name: &str, namespace: &str) -> Result<(), CallError> {
        let found = self.not_named(name, &[], namespace).await?;
        self.carry_out(namespace, &found).await
    }

    /// Makes a Project's mirrors Secrets like others, which nobody keeps and nobody takes away.
    pub(super) async fn let_mirrors_stay(&self, name: &str, namespace: &str) -> Result<(), CallError> {
        for mirror in self.known_mirrors(name, namespace) {
            let at = secret(namespace, &mirror);
            if let Some(live) = self.cluster.get(&Who::Controller, &at).await?
                && mirror::is_of(&live, name)
            {
                let fields = mirror::freed(&live.metadata);
                self.cluster.patch(&Who::Controller, &at, None, &fields).await?;
            }
        }
        Ok(())
    }

    /// What may be mirrored of a source, read at each look; or why nothing is.
    async fn content(
        &self,
        name: &str,
        from: &str,
        namespace: &str,
        tenant: &str,
    ) -> Result<Result<source::Content, Fault>, CallError> {
        let refused = |why: String| Fault {
            reason: Reason::CredentialRefused,
            message: format!("Secret {name} in namespace {from} {why}"),
        };
        if from == namespace {
            return Ok(Err(refused(
                "is in the project's own namespace: Pods can name it in imagePullSecrets as it is".to_owned(),
            )));
        }
        let Some(source) = self.cluster.get(&Who::Controller, &secret(from, name)).await? else {
            return Ok(Err(Fault {
                reason: Reason::SecretNotFound,
                message: format!(
                    "there is no Secret {name} in namespace {from}. Create it there with the label {}: \"true\", or name another one",
                    names::LABEL_MIRROR
                ),
            }));
        };
        Ok(source::content(&source, tenant).map_err(refused))
    }

    /// Mirrors that are there, as watches tell, and that are not named.
    async fn not_named(
        &self,
        project: &str,
        named: &[RegistryCredential],
        namespace: &str,
    ) -> Result<Vec<Found>, CallError> {
        let mut found = Vec::new();
        for mirror in self.known_mirrors(project, namespace) {
            if named.iter().any(|credential| credential.name == mirror) {
                continue;
            }
            let at = secret(namespace, &mirror);
            let live = self.cluster.get(&Who::Controller, &at).await?;
            if live.as_ref().is_some_and(|live| mirror::is_of(live, project)) {
                found.push(Found {
                    name: mirror,
                    act: Act::Delete,
                    live,
                });
            } else {
                self.forget_mirror(namespace, &mirror);
            }
        }
        Ok(found)
    }

    /// Names of a Project's mirrors, as watches tell.
    pub(super) fn known_mirrors(&self, project: &str, namespace: &str) -> Vec<String> {
        let of_project = |key: &NamespacedName, mirror: &MirrorView| {
            (&*mirror.project == project).then(|| key.name.clone())
        };
        self.world
            .mirrors
            .filter_within(NamespacedName::all_of(namespace), of_project)
    }

    /// First what is to be there is written, then the accounts name it, and no longer what goes, and then that goes: no
    /// account ever names what is not there.
    async fn carry_out(&self, namespace: &str, found: &[Found]) -> Result<(), CallError> {
        for Found { name, act, .. } in found {
            let at = secret(namespace, name);
            let me = Who::Controller;
            let written = match act {
                Act::None | Act::Delete | Act::Foreign => continue,
                Act::Create(mirror) => self.cluster.create(&me, &at, mirror, Effect::Real).await?,
                Act::Replace(mirror) => self.cluster.replace(&me, &at, mirror).await?,
                Act::Anew(only, mirror) => {
                    self.cluster.delete(&me, &at, only).await?;
                    self.cluster.create(&me, &at, mirror, Effect::Real).await?
                }
            };
            self.learn_mirror(namespace, name, &written);
        }
        let mut change = Change::default();
        for Found { name, act, live } in found {
            match act {
                Act::Delete => change.remove.push(name),
                // One that another made is not ours to name; nor is it ours to take its name away.
                Act::Foreign => {}
                Act::None => change.add.extend(live.is_some().then_some(name.as_str())),
                Act::Create(_) | Act::Replace(_) | Act::Anew(..) => change.add.push(name),
            }
        }
        self.change_accounts(namespace, &change).await?;
        for Found { name, act, live } in found {
            if let (Act::Delete, Some(live)) = (act, live) {
                let at = secret(namespace, name);
                self.cluster.delete(&Who::Controller, &at, &exactly(live)).await?;
                self.forget_mirror(namespace, name);
            }
        }
        Ok(())
    }

    async fn change_accounts(&self, namespace: &str, change: &Change<'_>) -> Result<(), CallError> {
        let differing = self.world.accounts.filter_within(
            NamespacedName::all_of(namespace),
            |key: &NamespacedName, account: &AccountView| {
                (key.name != names::DEPLOYER && change.is_due(account)).then(|| key.name.clone())
            },
        );
        for name in differing {
            let at = address("", "v1", "ServiceAccount", Some(namespace), &name);
            let Some(live) = self.cluster.get(&Who::Controller, &at).await? else {
                continue;
            };
            let written = if change.is_due(&AccountView::of(&live)) {
                let fields = accounts::changed(&live, change);
                match self.cluster.patch(&Who::Controller, &at, None, &fields).await {
                    Err(error) if error.kind == CallKind::NotFound => continue,
                    written => written?,
                }
            } else {
                live
            };
            let key = key(namespace, &name);
            let version = written.metadata.resource_version.as_deref();
            self.world.accounts.put(key, version, AccountView::of(&written));
        }
        Ok(())
    }

    /// What is gone is known at once: else the end of a Project would look for it again and again.
    fn forget_mirror(&self, namespace: &str, name: &str) {
        self.world.mirrors.forget(&key(namespace, name));
    }

    /// What we wrote is known at once.
    fn learn_mirror(&self, namespace: &str, name: &str, written: &DynamicObject) {
        let key = key(namespace, name);
        if let Some(view) = MirrorView::of(written) {
            let version = written.metadata.resource_version.as_deref();
            self.world.mirrors.put(key, version, view);
        }
    }
}

fn key(namespace: &str, name: &str) -> NamespacedName {
    NamespacedName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn secret(namespace: &str, name: &str) -> Address {
    address("", "v1", "Secret", Some(namespace), name)
}

fn in_the_way(name: &str, namespace: &str) -> Fault {
    Fault {
        reason: Reason::Conflict,
        message: format!(
            "Secret {name} is in namespace {namespace} already, and somebody else made it. Give it another name, or \
             delete it:\nkubectl delete secret {name} -n {namespace}"
        ),
    }
}

/// The condition: the first reason, and all messages.
fn stated(faults: &[Fault], asked: usize) -> Stated {
    let Some(first) = faults.first() else {
        let plural = if asked == 1 { "" } else { "s" };
        return Stated {
            state: ConditionStatus::True,
            reason: Reason::Succeeded,
            message: format!("{asked} registry credential{plural} mirrored"),
        };
    };
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    Stated {
        state: ConditionStatus::False,
        reason: first.reason,
        message: messages.join("\n"),
    }
}
