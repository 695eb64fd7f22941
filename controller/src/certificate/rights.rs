//! The right to write Secrets, outside projects: in the namespaces that have a Certificate and nowhere else.
//!
//! RBAC cannot bound Secrets by label, and names are not known before. In a project's namespace the controller has that
//! right anyway. Elsewhere a ClusterRole is bound to it where somebody created a Certificate, and the binding goes with
//! the last one.

use super::Certificates;
use crate::kube_io::{Address, CallError, CallKind, Cluster, Effect, Preconditions, Who, address};
use crate::world::NamespacedName;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;

const RBAC: &str = "rbac.authorization.k8s.io";
/// The API server hears of a binding some time after it was made.
const HEARD: Duration = Duration::from_millis(50);

impl<C: Cluster> Certificates<C> {
    /// Sees to it that Secrets of a namespace may be written.
    pub(super) async fn bind(&self, namespace: &str) -> Result<(), CallError> {
        if self.is_of_a_project(namespace) || self.bound(|bound| bound.contains(namespace)) {
            return Ok(());
        }
        let at = binding(namespace);
        let live = self.cluster.get(&Who::Controller, &at).await?;
        match live {
            Some(live) if is_ours(&live) => {}
            Some(_) => {
                let message = format!(
                    "RoleBinding {} of {namespace} is there already, and for something else. Delete it: kubectl \
                         delete rolebinding {} -n {namespace}",
                    names::CERTIFICATES,
                    names::CERTIFICATES
                );
                return Err(CallError::own("keep Secrets", CallKind::Refused, message));
            }
            None => {
                let object = self.wanted(namespace);
                self.cluster
                    .create(&Who::Controller, &at, &object, Effect::Real)
                    .await?;
                tokio::time::sleep(HEARD).await;
            }
        }
        self.bound(|bound| bound.insert(namespace.to_owned()));
        Ok(())
    }

    /// A right turned out to be missing: it is asked for again at the next look.
    pub(super) fn unbound(&self, namespace: &str) {
        self.bound(|bound| bound.remove(namespace));
    }

    /// Gives the right back where no Certificate is left.
    pub(super) async fn release(&self, namespace: &str) -> Result<(), CallError> {
        let left = self
            .world
            .certificates
            .filter_within(NamespacedName::all_of(namespace), |_, _| Some(()));
        if !left.is_empty() || self.is_of_a_project(namespace) {
            return Ok(());
        }
        self.unbound(namespace);
        let at = binding(namespace);
        let Some(live) = self.cluster.get(&Who::Controller, &at).await?.filter(is_ours) else {
            return Ok(());
        };
        let only = Preconditions {
            uid: live.metadata.uid,
            resource_version: None,
        };
        self.cluster.delete(&Who::Controller, &at, &only).await.map(drop)
    }

    fn is_of_a_project(&self, namespace: &str) -> bool {
        let known = self.world.namespaces.get(&namespace.to_owned());
        known.is_some_and(|known| known.project.is_some())
    }

    fn wanted(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "RoleBinding",
            "metadata": {"name": names::CERTIFICATES, "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": names::CERTIFICATES},
            "subjects": [{"kind": "ServiceAccount", "name": names::CONTROLLER, "namespace": self.namespace}],
        })
    }

    fn bound<T>(&self, with: impl FnOnce(&mut std::collections::HashSet<String>) -> T) -> T {
        with(&mut self.bound.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_ours(binding: &DynamicObject) -> bool {
    let role = binding.data.pointer("/roleRef/name").and_then(Value::as_str);
    role == Some(names::CERTIFICATES)
}

fn binding(namespace: &str) -> Address {
    address(RBAC, "v1", "RoleBinding", Some(namespace), names::CERTIFICATES)
}
