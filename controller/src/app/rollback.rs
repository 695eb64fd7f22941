//! Rollback: rendering the revision that a pin holds, and recognising `kubectl rollout undo`.

use super::apply::{Due, over};
use super::live::writer;
use super::memory::{Memory, Pinned, Undone};
use super::subject::Ask;
use super::{Apps, Subject};
use crate::kube_io::{Applying, CallError, CallKind, Cluster, Conflicts, Effect, Manager};
use crate::world::NamespacedName;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{Live, Observed, RecordView};
use kubeop_shared::revision::{ObjectKey, Record, Revision, RevisionHash, RollbackRequest};
use std::collections::BTreeMap;
use std::sync::Arc;

const TEMPLATE: &str = "/spec/template";

impl<C: Cluster> Apps<C> {
    /// While a pin holds, its revision is to be delivered, with the replicas of today.
    pub(super) async fn hold_at_pin(
        &self,
        subject: &mut Subject,
        record: &RecordView,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let RecordView::Present { record, .. } = record else {
            return Ok(());
        };
        let pin = subject.pin(record).filter(|_| !subject.view.deleting);
        let Some(pin) = pin else {
            memory.pinned = None;
            return Ok(());
        };
        let generation = subject.view.generation;
        let same = |pinned: &&Pinned| pinned.hash == pin.hash && pinned.generation == generation;
        let ask = match memory.pinned.as_ref().filter(same) {
            Some(pinned) => pinned.ask.clone(),
            None => Arc::new(self.ask_kept(subject, record, &pin.hash).await?),
        };
        memory.pinned = Some(Pinned {
            generation,
            hash: pin.hash.clone(),
            ask: ask.clone(),
        });
        subject.hold_at(ask);
        Ok(())
    }

    /// What a kept revision asks for, or why that is not known any more.
    async fn ask_kept(
        &self,
        subject: &Subject,
        record: &Record,
        hash: &RevisionHash,
    ) -> Result<Result<Ask, String>, CallError> {
        let lost = |why: &str| Ok(Err(lost(subject, &record.name(hash), why)));
        let Some(revision) = record.revision(hash) else {
            return lost("it is not kept");
        };
        let Some(spec) = self.read_stored(subject, revision).await? else {
            let name = names::stored_name(&subject.key.name, revision.number);
            return lost(&format!("Secret {name} is gone, or does not say what was stored"));
        };
        match subject.ask_of(spec, hash, &self.world) {
            Ok(ask) => Ok(Ok(ask)),
            Err(why) => lost(&why),
        }
    }

    /// Whether a Deployment that drifted was taken back to a kept revision: its annotation names one, and its
    /// template is what that renders. Remembers it.
    pub(super) async fn is_undone(
        &self,
        subject: &Subject,
        observed: &Observed,
        due: &Due<'_>,
        memory: &mut Memory,
    ) -> Result<Undo, CallError> {
        let image = subject.ask().is_ok_and(|ask| ask.spec.image().is_some());
        let RecordView::Present { record, .. } = &observed.record else {
            return Ok(Undo::No);
        };
        if !image || (due.key.group.as_str(), due.key.kind.as_str()) != ("apps", "Deployment") {
            return Ok(Undo::No);
        }
        let who = writer(subject, due.key);
        let Some(there) = self.cluster.get(&who, &due.at).await? else {
            return Ok(Undo::No);
        };
        // Neither what is enforced nor what is to come is an undo.
        let wanted = subject.ask().ok().map(|ask| ask.wanted.hash.full());
        let annotations = due.value.pointer("/metadata/annotations");
        let applied = annotations.and_then(|all| all.get(names::ANNOTATION_REVISION)?.as_str());
        let named = revision_of(&there).filter(|hash| ![wanted, applied].contains(&Some(hash.full())));
        let Some(hash) = named else {
            return Ok(Undo::No);
        };
        let Some(revision) = record.revision(&hash) else {
            return Ok(Undo::NotKept(hash));
        };
        if self.renders(subject, due, &there, revision).await? {
            // The watch may be a moment behind what was just read.
            let seen = self.see(subject, due.key, &there).live;
            memory.undone = Some(Undone {
                hash,
                uid: seen.uid,
                owned: seen.owned,
            });
            return Ok(Undo::To);
        }
        Ok(Undo::No)
    }

    /// Whether a Deployment's template is what a revision renders: an apply of that would change nothing in it.
    async fn renders(
        &self,
        subject: &Subject,
        due: &Due<'_>,
        there: &DynamicObject,
        revision: &Revision,
    ) -> Result<bool, CallError> {
        let Some(spec) = self.read_stored(subject, revision).await? else {
            return Ok(false);
        };
        let Ok(ask) = subject.ask_of(spec, &revision.hash, &self.world) else {
            return Ok(false);
        };
        let Some(value) = ask.objects.get(due.key) else {
            return Ok(false);
        };
        let how = Applying {
            manager: Manager::Delivery,
            conflicts: Conflicts::Force,
            effect: Effect::DryRun,
        };
        let metadata = &there.metadata;
        let object = over(
            value,
            metadata.uid.as_deref(),
            metadata.resource_version.as_deref(),
        );
        match self
            .cluster
            .apply(&writer(subject, due.key), &due.at, &object, how)
            .await
        {
            Ok(applied) => Ok(applied.data.pointer(TEMPLATE) == there.data.pointer(TEMPLATE)),
            // It would be refused today, so it is nothing to hold.
            Err(error) if error.kind == CallKind::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a drift of a Deployment turned out to be.
pub(super) enum Undo {
    /// Any other drift.
    No,
    /// It was taken back to a kept revision.
    To,
    /// It was taken back to a revision that is not kept any more.
    NotKept(RevisionHash),
}

/// Where `kubectl rollout undo` took the Deployment, if that is still as it was seen then.
pub(super) fn undone(live: &BTreeMap<ObjectKey, Live>, memory: &Memory) -> Option<RevisionHash> {
    let undone = memory.undone.as_ref()?;
    let mut live = live.values();
    live.any(|live| live.uid == undone.uid && live.owned == undone.owned)
        .then(|| undone.hash.clone())
}

/// The revision that a Deployment's annotation names.
fn revision_of(deployment: &DynamicObject) -> Option<RevisionHash> {
    let annotations = deployment.metadata.annotations.as_ref()?;
    RevisionHash::read(annotations.get(names::ANNOTATION_REVISION)?)
}

fn lost(subject: &Subject, revision: &str, why: &str) -> String {
    let NamespacedName { namespace, name } = &subject.key;
    let lift = names::request_command(
        namespace,
        name,
        names::ANNOTATION_ROLLBACK_TO,
        RollbackRequest::NONE,
    );
    format!(
        "delivery is held at {revision}, and what that says is lost: {why}. What runs is left as it is. To deliver \
         what the spec says:\n{lift}"
    )
}
