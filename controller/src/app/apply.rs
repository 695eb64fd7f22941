//! Applying the objects of one stage.

use super::live::{known, writer};
use super::memory::Memory;
use super::rollback::Undo;
use super::subject::Ask;
use super::{Apps, Subject, events, rights};
use crate::kube_io::{
    Address, Applying, CallError, CallKind, Cluster, Conflicts, Effect, FieldConflict, Manager,
};
use crate::world::Delivered;
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{ApplyCause, Observed, Stage, Target, managed_fields};
use kubeop_shared::revision::{Digest, InventoryEntry, ObjectKey};
use serde_json::{Value, json};

/// One object with everything that its apply needs.
pub(super) struct Due<'a> {
    pub key: &'a ObjectKey,
    pub at: Address,
    pub value: &'a Value,
    /// uid under which it is known to be ours.
    uid: Option<&'a str>,
    /// uid of the object that was seen.
    pub seen_uid: Option<&'a str>,
    /// resourceVersion over which it is applied.
    pub over: Option<String>,
    conflicts: Conflicts,
}

impl<C: Cluster> Apps<C> {
    #[expect(
        clippy::too_many_arguments,
        reason = "what, of which revision, where, why: an action is all of it"
    )]
    pub(super) async fn apply_objects(
        &self,
        subject: &Subject,
        observed: &Observed,
        ask: &Ask,
        stage: Stage,
        targets: &[Target],
        cause: ApplyCause,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let mut all = Vec::new();
        let mut faults = Vec::new();
        for target in targets {
            match self.due(subject, observed, ask, target).await {
                Ok(due) => all.extend(due),
                Err(error) => faults.push(error),
            }
        }
        // A stage goes as a whole or not at all; a drift of what was applied before needs no second look.
        if targets.len() > 1 && cause == ApplyCause::Changed {
            for due in &all {
                if let Err(error) = self.apply_one(subject, due, Effect::DryRun).await {
                    faults.push(error);
                }
            }
        }
        if let Some(error) = together(stage, faults) {
            return Err(self.news_of(subject, targets, error).await);
        }
        for due in all {
            let done = match cause {
                ApplyCause::Changed => self.deliver(subject, observed, due, memory).await,
                ApplyCause::Drift => self.put_back(subject, observed, due, memory).await,
            };
            if let Err(error) = done {
                return Err(self.news_of(subject, targets, rights::explained(error)).await);
            }
        }
        Ok(())
    }

    /// After an answer that told of stale news, the objects are read again.
    async fn news_of(&self, subject: &Subject, targets: &[Target], error: CallError) -> CallError {
        if error.kind == CallKind::Stale {
            for target in targets {
                if let Err(other) = self.read_live(subject, &target.key).await {
                    return other;
                }
            }
        }
        error
    }

    async fn due<'a>(
        &self,
        subject: &'a Subject,
        observed: &'a Observed,
        ask: &'a Ask,
        target: &'a Target,
    ) -> Result<Option<Due<'a>>, CallError> {
        let key = &target.key;
        let Some(value) = ask.objects.get(key) else {
            return Ok(None);
        };
        let Some(at) = self.address_of(subject, key).await? else {
            self.world.kinds.wait(subject.key.clone());
            let message = format!(
                "there is no kind {} in {}. An administrator installs it, and delivery goes on by itself:\nkubectl \
                 apply -f <its CustomResourceDefinition>",
                key.kind,
                key.api_version()
            );
            return Err(refused(key, CallKind::UnknownKind, message));
        };
        let known = known(observed, key);
        let uid = known.and_then(|entry| entry.uid.as_deref());
        let live = observed.live.get(key);
        let ours = known
            .zip(live)
            .is_some_and(|(known, live)| live.was_delivered(known));
        if !ours
            && !subject.force
            && let Some(app) = self.other_holder(subject, key)
        {
            let message =
                format!("it belongs to app {app}. Let go of it there first, or give it another name");
            return Err(refused(key, CallKind::FieldConflict, message));
        }
        Ok(Some(Due {
            key,
            at,
            value,
            uid,
            seen_uid: live.map(|live| live.uid.as_str()),
            over: target.over.clone(),
            conflicts: if ours || subject.force {
                Conflicts::Force
            } else {
                Conflicts::Refuse
            },
        }))
    }

    /// Applies an object that says something new, and remembers what came of it.
    async fn deliver(
        &self,
        subject: &Subject,
        observed: &Observed,
        mut due: Due<'_>,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        self.hand_over_replicas(subject, observed, &mut due).await?;
        let applied = self.apply_one(subject, &due, Effect::Real).await?;
        let applied = self.take_over(subject, &due, applied).await?;
        self.remember(subject, &due, &applied, memory);
        Ok(())
    }

    /// Puts back what somebody else changed. First without force: so the API server says who it was.
    async fn put_back(
        &self,
        subject: &Subject,
        observed: &Observed,
        mut due: Due<'_>,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let undo = self.is_undone(subject, observed, &due, memory).await?;
        if matches!(undo, Undo::To) {
            return Ok(());
        }
        self.hand_over_replicas(subject, observed, &mut due).await?;
        let (applied, by) = self.correct(subject, &mut due).await?;
        self.remember(subject, &due, &applied, memory);
        let fight = memory.drift.corrected(due.key, &by, Timestamp::now());
        let story = match undo {
            Undo::NotKept(hash) => events::not_kept(&observed.record, &hash),
            Undo::To | Undo::No => events::drift_corrected(due.key, &by),
        };
        self.tell(subject, story).await;
        if let Some(message) = fight {
            self.tell(subject, events::fight(due.key, &message)).await;
        }
        Ok(())
    }

    /// Applies over what somebody changed. Returns whose changes these were, as far as that is known.
    async fn correct(
        &self,
        subject: &Subject,
        due: &mut Due<'_>,
    ) -> Result<(DynamicObject, Vec<FieldConflict>), CallError> {
        let force = std::mem::replace(&mut due.conflicts, Conflicts::Refuse);
        let mut by = Vec::new();
        let mut answer = self.apply_one(subject, due, Effect::Real).await;
        if let Err(error) = &mut answer
            && error.kind == CallKind::FieldConflict
            && force == Conflicts::Force
        {
            by.append(&mut error.conflicts);
            due.conflicts = force;
            answer = self.apply_one(subject, due, Effect::Real).await;
        }
        if answer
            .as_ref()
            .is_err_and(|error| error.kind == CallKind::Refused)
            && force == Conflicts::Force
        {
            let strays = self.claim_strays(subject, due).await?;
            if !strays.is_empty() {
                by.extend(strays);
                due.conflicts = force;
                answer = self.apply_one(subject, due, Effect::Real).await;
            }
        }
        Ok((answer?, by))
    }

    fn remember(&self, subject: &Subject, due: &Due<'_>, applied: &DynamicObject, memory: &mut Memory) {
        let Delivered { live, .. } = self.see(subject, due.key, applied);
        let entry = InventoryEntry {
            uid: Some(live.uid),
            rendered: Some(Digest::of(due.value)),
            owned: live.owned,
        };
        memory.applied.insert(due.key.clone(), entry);
    }

    /// One apply. Fields of those who applied by hand before us are no conflict, and neither is anything on
    /// an object that is known to be ours.
    pub(super) async fn apply_one(
        &self,
        subject: &Subject,
        due: &Due<'_>,
        effect: Effect,
    ) -> Result<DynamicObject, CallError> {
        let object = over(due.value, due.seen_uid, due.over.as_deref());
        let who = writer(subject, due.key);
        let apply = |conflicts| {
            let how = Applying {
                manager: Manager::Delivery,
                conflicts,
                effect,
            };
            self.cluster.apply(&who, &due.at, &object, how)
        };
        let error = match apply(due.conflicts).await {
            Err(error) if error.kind == CallKind::FieldConflict => error,
            done => return done,
        };
        let by_hand = |conflict: &FieldConflict| managed_fields::becomes_ours(&conflict.manager);
        if error.conflicts.iter().all(by_hand) || self.is_known(subject, due).await? {
            return apply(Conflicts::Force).await;
        }
        Err(explained(subject, error))
    }

    /// Whether the object, as it is now, has the uid under which it was delivered: it only lost our label.
    async fn is_known(&self, subject: &Subject, due: &Due<'_>) -> Result<bool, CallError> {
        if due.uid.is_none() || due.over.is_some() {
            return Ok(false);
        }
        let now = self.get_delivered(subject, due.key).await?;
        Ok(now.is_some_and(|object| object.metadata.uid.as_deref() == due.uid))
    }
}

/// What is applied, with what it must hit: with a uid it creates nothing, with a version it overwrites nothing
/// newer.
pub(super) fn over(value: &Value, uid: Option<&str>, version: Option<&str>) -> Value {
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for (field, said) in [("uid", uid), ("resourceVersion", version)] {
            if let Some(said) = said {
                metadata.insert(field.to_owned(), json!(said));
            }
        }
    }
    value
}

/// All faults of a stage as one: whoever mends them mends all at once.
fn together(stage: Stage, mut faults: Vec<CallError>) -> Option<CallError> {
    let retried = |error: &CallError| matches!(error.kind, CallKind::Stale | CallKind::Unavailable);
    if let Some(index) = faults.iter().position(retried) {
        return Some(faults.swap_remove(index));
    }
    if faults.len() < 2 {
        return faults.pop().map(rights::explained);
    }
    let way_out = rights::way_out(&faults);
    let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let first = faults.swap_remove(0);
    Some(CallError {
        doing: format!("deliver the stage {stage:?}", stage = stage.to_string()),
        message: format!("{} faults: {}{way_out}", said.len(), joined(&said)),
        ..first
    })
}

/// Faults in a row; on lines of their own where one ends in a command, which nothing may follow.
fn joined(faults: &[String]) -> String {
    if faults.iter().any(|fault| fault.contains('\n')) {
        faults.join("\n")
    } else {
        faults.join("; ")
    }
}

/// A conflict with the way out of it.
fn explained(subject: &Subject, error: CallError) -> CallError {
    let holders: Vec<_> = error.conflicts.iter().map(ToString::to_string).collect();
    CallError {
        message: format!(
            "{}. To take it over:\nkubectl annotate -n {} apps.{}/{} {}=true",
            holders.join(", "),
            subject.key.namespace,
            names::GROUP,
            subject.key.name,
            names::ANNOTATION_FORCE_CONFLICTS
        ),
        ..error
    }
}

fn refused(key: &ObjectKey, kind: CallKind, message: String) -> CallError {
    CallError::own(format!("apply {key}"), kind, message)
}
