//! Fields that change hands: what was applied by hand becomes ours, and `spec.replicas` stops being ours
//! without changing.

use super::apply::{Due, over};
use super::live::writer;
use super::{Apps, Subject};
use crate::kube_io::{Applying, CallError, Cluster, Conflicts, Effect, FieldConflict, Manager};
use kube::api::DynamicObject;
use kubeop_shared::delivery::strays::{self, Strays};
use kubeop_shared::delivery::{Observed, managed_fields};
use serde_json::{Value, json};

impl<C: Cluster> Apps<C> {
    /// Moves the fields of those who applied by hand before us into ours, so that what we do not apply goes.
    pub(super) async fn take_over(
        &self,
        subject: &Subject,
        due: &Due<'_>,
        applied: DynamicObject,
    ) -> Result<DynamicObject, CallError> {
        let entries = applied.metadata.managed_fields.as_deref().unwrap_or_default();
        let Some(entries) = managed_fields::taken_over(entries) else {
            return Ok(applied);
        };
        let fields = json!({"metadata": {
            "managedFields": entries,
            "resourceVersion": applied.metadata.resource_version,
        }});
        let who = writer(subject, due.key);
        let moved = self.cluster.patch(&who, &due.at, None, &fields).await?;
        let object = over(
            due.value,
            moved.metadata.uid.as_deref(),
            moved.metadata.resource_version.as_deref(),
        );
        let how = Applying {
            manager: Manager::Delivery,
            conflicts: Conflicts::Force,
            effect: Effect::Real,
        };
        self.cluster.apply(&who, &due.at, &object, how).await
    }

    /// What somebody put into a list of ours and what makes our own item impossible there becomes ours, so that our next
    /// apply takes it out. Returns whose it was; nobody's if there is nothing of the kind.
    pub(super) async fn claim_strays(
        &self,
        subject: &Subject,
        due: &mut Due<'_>,
    ) -> Result<Vec<FieldConflict>, CallError> {
        let who = writer(subject, due.key);
        let Some(there) = self.cluster.get(&who, &due.at).await? else {
            return Ok(Vec::new());
        };
        let entries = there.metadata.managed_fields.as_deref().unwrap_or_default();
        let Some(Strays { entries, by }) = strays::claimed(entries, due.value) else {
            return Ok(Vec::new());
        };
        let fields = json!({"metadata": {
            "managedFields": entries,
            "resourceVersion": there.metadata.resource_version,
        }});
        let moved = self.cluster.patch(&who, &due.at, None, &fields).await?;
        due.over = moved.metadata.resource_version;
        let conflict = |(manager, field)| FieldConflict { manager, field };
        Ok(by.into_iter().map(conflict).collect())
    }

    /// A field that we stop applying is removed, and without `replicas` a workload falls to one. So somebody
    /// else holds the number from before on: whoever scales takes it from there.
    pub(super) async fn hand_over_replicas(
        &self,
        subject: &Subject,
        observed: &Observed,
        due: &mut Due<'_>,
    ) -> Result<(), CallError> {
        let owned = observed.live.get(due.key).is_some_and(|live| live.owns_replicas);
        if !owned || due.value.pointer("/spec/replicas").is_some() {
            return Ok(());
        }
        let who = writer(subject, due.key);
        let live = self.cluster.get(&who, &due.at).await?;
        let replicas = live.and_then(|live| live.data.pointer("/spec/replicas").and_then(Value::as_i64));
        let Some(replicas) = replicas else { return Ok(()) };
        let held = json!({
            "apiVersion": due.key.api_version(),
            "kind": due.key.kind,
            "metadata": {"name": due.key.name, "namespace": subject.key.namespace},
            "spec": {"replicas": replicas},
        });
        let how = Applying {
            manager: Manager::Handover,
            conflicts: Conflicts::Force,
            effect: Effect::Real,
        };
        let held = over(&held, due.seen_uid, due.over.as_deref());
        let answer = self.cluster.apply(&who, &due.at, &held, how).await?;
        due.over = answer.metadata.resource_version;
        Ok(())
    }
}
