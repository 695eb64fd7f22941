//! Applying the objects of one stage.

use super::memory::Memory;
use super::observe::{app_of, writer};
use super::{Apps, Subject, events};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Conflicts, Effect};
use crate::watches;
use crate::world::{Delivered, digest_live};
use kubeop_shared::delivery::{ApplyCause, Observed, RecordView};
use kubeop_shared::revision::{Digest, InventoryEntry, ObjectKey};
use serde_json::Value;

/// One object with everything that its apply needs.
struct Due<'a> {
    key: &'a ObjectKey,
    at: Address,
    value: &'a Value,
    conflicts: Conflicts,
}

impl<C: Cluster> Apps<C> {
    pub(super) async fn apply_objects(
        &self,
        subject: &Subject,
        observed: &Observed,
        keys: &[ObjectKey],
        cause: ApplyCause,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let mut stage = Vec::new();
        for key in keys {
            if let Some(due) = self.due(subject, observed, key).await? {
                stage.push(due);
            }
        }
        // A stage goes as a whole or not at all; a drift of what was applied before needs no second look.
        if stage.len() > 1 && cause == ApplyCause::Changed {
            for due in &stage {
                self.apply_one(subject, due, Effect::DryRun).await?;
            }
        }
        for due in &stage {
            let applied = self.apply_one(subject, due, Effect::Real).await?;
            let live = digest_live(&applied);
            let entry = InventoryEntry {
                uid: Some(live.uid.clone()),
                rendered: Some(Digest::of(due.value)),
                owned: live.owned.clone(),
            };
            let slot = (subject.key.namespace.clone(), due.key.clone());
            let version = live.resource_version.clone();
            self.world.live.put(
                slot,
                Some(&version),
                Delivered {
                    app: app_of(&applied),
                    live,
                },
            );
            memory.applied.insert(due.key.clone(), entry);
        }
        if cause == ApplyCause::Drift {
            self.tell(subject, events::drift_corrected(keys)).await;
        }
        Ok(())
    }

    async fn due<'a>(
        &self,
        subject: &'a Subject,
        observed: &Observed,
        key: &'a ObjectKey,
    ) -> Result<Option<Due<'a>>, CallError> {
        let Some(value) = subject.ask.as_ref().ok().and_then(|ask| ask.objects.get(key)) else {
            return Ok(None);
        };
        let Some(at) = self.address_of(subject, key).await? else {
            let message = format!("there is no kind {} in {}", key.kind, key.api_version());
            return Err(refused(key, CallKind::NotFound, message));
        };
        let ours = is_ours(observed, key);
        if !ours && !subject.force {
            self.belongs_to_nobody_else(subject, key).await?;
        }
        let conflicts = if ours || subject.force {
            Conflicts::Force
        } else {
            Conflicts::Refuse
        };
        Ok(Some(Due {
            key,
            at,
            value,
            conflicts,
        }))
    }

    /// Two Apps have the same field manager, so the API server would let one take from the other.
    async fn belongs_to_nobody_else(&self, subject: &Subject, key: &ObjectKey) -> Result<(), CallError> {
        let slot = (subject.key.namespace.clone(), key.clone());
        let known = match self.world.live.get(&slot) {
            None if !watches::is_watched(key) => self.read_live(subject, key).await?,
            known => known,
        };
        match known {
            Some(Delivered { app, .. }) if !app.is_empty() && app != subject.key.name => {
                let message =
                    format!("it belongs to app {app}. Let go of it there first, or give it another name");
                Err(refused(key, CallKind::FieldConflict, message))
            }
            _ => Ok(()),
        }
    }

    async fn apply_one(
        &self,
        subject: &Subject,
        due: &Due<'_>,
        effect: Effect,
    ) -> Result<kube::api::DynamicObject, CallError> {
        let who = writer(subject, due.key);
        self.cluster
            .apply(&who, &due.at, due.value, due.conflicts, effect)
            .await
    }
}

/// Whether an object was applied by us before: then its fields are ours to put back.
fn is_ours(observed: &Observed, key: &ObjectKey) -> bool {
    let recorded = match &observed.record {
        RecordView::Present { record, .. } => record.inventory.get(key),
        RecordView::Absent | RecordView::Unusable(_) => None,
    };
    let entry = observed.applied.get(key).or(recorded);
    entry.is_some_and(|entry| entry.uid.is_some())
}

fn refused(key: &ObjectKey, kind: CallKind, message: String) -> CallError {
    CallError {
        doing: format!("apply {key}"),
        kind,
        message,
    }
}
