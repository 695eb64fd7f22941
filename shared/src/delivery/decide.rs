//! The decision, in the order in which it is made. Reading `next` from top to bottom tells what
//! delivery does.

use super::changes::Base;
use super::prune::{Pruning, prune};
use super::report::report;
use super::situation::{Situation, Step};
use super::{
    Action, ApplyCause, Attempted, Failure, Gate, Observed, RecordView, Source, Stage, Target, Wait, WaitFor,
    Wanted, WantedObject, deletion, hooks, rollback, rollout,
};
use crate::api::app::HookNeeds;
use crate::api::conditions::Reason;
use crate::api::names;
use crate::revision::{InventoryEntry, ObjectKey, Outcome, Phase, Record, RecordError, Revision};

/// The next action for an App. Where nothing is to be done but wait, the status is made true first.
#[must_use]
pub fn decide(o: &Observed) -> Action {
    let mut step = next(o);
    if let Some(failure) = pending_failure(o, &step.action) {
        let until = Some(failure.retry_at);
        step = Step::new(
            Action::Wait(Wait {
                what: WaitFor::Retry,
                until,
            }),
            Situation::Failing(failure.clone()),
        );
    }
    let Action::Wait(wait) = &mut step.action else {
        return step.action;
    };
    let gone = o.app.deleting && !o.app.finalizer;
    let wanted = report(o, &step.situation);
    if gone || wanted == o.status {
        return step.action;
    }
    if let Some(failure) = &o.failure
        && failure.attempted == Attempted::Status
        && failure.retry_at > o.now
    {
        wait.until = Some(
            wait.until
                .map_or(failure.retry_at, |until| until.min(failure.retry_at)),
        );
        return step.action;
    }
    Action::WriteStatus(Box::new(wanted))
}

fn next(o: &Observed) -> Step {
    let empty = Record::default();
    let base = match &o.record {
        RecordView::Present {
            record,
            resource_version,
        } => Some(Base {
            record,
            resource_version: Some(resource_version),
        }),
        RecordView::Absent => Some(Base {
            record: &empty,
            resource_version: None,
        }),
        RecordView::Unusable(_) => None,
    };
    if o.app.deleting {
        return deletion::step(o, base);
    }
    if let Some(step) = blocked(o) {
        return step;
    }
    let Some(base) = base else {
        // Reported by `blocked`.
        return person(Reason::UnreadableRecord, String::new());
    };
    if let (Err(why), None) = (&o.wanted, &o.asked) {
        return person(Reason::Invalid, why.clone());
    }
    if !o.app.finalizer {
        return Step::new(Action::AddFinalizer, Situation::Starting);
    }
    if base.record.owner.as_ref().is_some_and(|uid| *uid != o.app.uid) {
        // Of an earlier App of this name: cleared first. One without an owner was restored, and is adopted.
        return Step::new(Action::ReleaseRecord, Situation::Starting);
    }
    // Before another revision is wanted: that may forget the one that a Job belongs to.
    if let Some(action) = hooks::settle(o, base) {
        return Step::new(action, Situation::Starting);
    }
    if let Some(action) = rollback::step(o, base) {
        return Step::new(action, Situation::Starting);
    }
    let wanted = match &o.wanted {
        Ok(wanted) => wanted,
        Err(why) => return person(Reason::RevisionLost, why.clone()),
    };
    let revision = match base.record.wanted() {
        Some(revision) if revision.hash == wanted.hash => revision,
        _ => return Step::new(base.wanted(o, wanted), Situation::Starting),
    };
    if o.app.retry.is_some() && o.app.retry != base.record.retried {
        return Step::new(base.retried(o), Situation::Starting);
    }
    if o.app.skip.is_some() && o.app.skip != base.record.skipped {
        return Step::new(base.skipped(o), Situation::Starting);
    }
    before_hooks(o, base.record, wanted)
        .or_else(|| {
            let step = hooks::run(o, base, &wanted.hash, Phase::Pre, &wanted.pre)?;
            Some(enforce(o, base.record, step))
        })
        .or_else(|| apply(o, base.record, wanted, &Stage::ALL))
        .or_else(|| record_applied(o, base, wanted))
        .or_else(|| rollout::await_health(o, base, wanted, revision))
        .unwrap_or_else(|| finish(o, base, wanted, revision))
}

/// What is left to do once all that is wanted is delivered and healthy.
fn finish(o: &Observed, base: Base<'_>, wanted: &Wanted, revision: &Revision) -> Step {
    let (settled, left) = match prune(o, base, wanted) {
        Pruning::Act(action) => return Step::new(action, Situation::Applying),
        Pruning::Rest { settled, left } => (settled, left),
    };
    if let Some(step) = hooks::run(o, base, &wanted.hash, Phase::Post, &wanted.post) {
        return step;
    }
    if revision.outcome != Outcome::Succeeded {
        return Step::new(base.succeeded(o, &settled), Situation::Done);
    }
    if !settled.is_empty() {
        return Step::new(base.pruned(&settled), Situation::Done);
    }
    if let Some(left) = left {
        let wait = Wait {
            what: WaitFor::Deletion,
            until: left.until,
        };
        return Step::new(Action::Wait(wait), Situation::Pruning(left));
    }
    let fight = o.fights.iter().find(|(_, fight)| fight.until > o.now);
    let situation = fight.map_or(Situation::Done, |(key, fight)| Situation::Fighting {
        key: key.clone(),
        why: fight.message.clone(),
    });
    let wait = Wait {
        what: WaitFor::Change,
        until: fight.map(|(_, fight)| fight.until),
    };
    Step::new(Action::Wait(wait), situation)
}

/// What forbids any delivery now.
fn blocked(o: &Observed) -> Option<Step> {
    match &o.gate {
        // Its end is told by each App's own deletion.
        Gate::Open | Gate::KindGoes => {}
        Gate::Restoring { until } => {
            if matches!(o.record, RecordView::Absent) {
                let message = format!(
                    "brought back from a backup: waits until {until:.0} for its record, ConfigMap {}, which tells \
                     the hooks that ran",
                    names::record_name(&o.app.name)
                );
                let wait = Wait {
                    what: WaitFor::Change,
                    until: Some(*until),
                };
                let reason = Reason::Waiting;
                return Some(Step::new(
                    Action::Wait(wait),
                    Situation::Blocked { reason, message },
                ));
            }
        }
        Gate::NamespaceGoes => {
            return Some(person(
                Reason::Deleting,
                "the namespace is being deleted".to_owned(),
            ));
        }
        Gate::Shut { reason, message } => {
            let wait = Wait {
                what: WaitFor::Project,
                until: None,
            };
            let situation = Situation::Blocked {
                reason: *reason,
                message: message.clone(),
            };
            return Some(Step::new(Action::Wait(wait), situation));
        }
    }
    if o.app.suspended {
        return Some(person(
            Reason::Suspended,
            "spec.suspend is true: nothing is delivered until it is false".into(),
        ));
    }
    if let RecordView::Unusable(error) = &o.record {
        let reason = match error {
            RecordError::Newer { .. } => Reason::NewerRecord,
            RecordError::Unreadable { .. } => Reason::UnreadableRecord,
        };
        return Some(person(reason, format!("the revision record {error}")));
    }
    None
}

fn person(reason: Reason, message: String) -> Step {
    let wait = Wait {
        what: WaitFor::Person,
        until: None,
    };
    Step::new(Action::Wait(wait), Situation::Blocked { reason, message })
}

/// What the App wants to be there before its pre hooks run: accounts, Roles and configuration.
fn before_hooks(o: &Observed, record: &Record, wanted: &Wanted) -> Option<Step> {
    match wanted.needs {
        HookNeeds::Config if !wanted.pre.is_empty() => apply(o, record, wanted, &Stage::BEFORE_HOOKS),
        HookNeeds::Config | HookNeeds::None => None,
    }
}

/// The first of some stages that has something to apply.
fn apply(o: &Observed, record: &Record, wanted: &Wanted, stages: &[Stage]) -> Option<Step> {
    for &stage in stages {
        let due: Vec<(Target, ApplyCause)> = wanted
            .objects
            .iter()
            .filter(|object| object.stage == stage)
            .filter_map(|object| Some((target(o, &object.key), why_apply(o, record, object)?)))
            .collect();
        if due.is_empty() {
            continue;
        }
        let drift = due.iter().all(|(_, cause)| *cause == ApplyCause::Drift);
        let action = Action::Apply {
            stage,
            objects: due.into_iter().map(|(target, _)| target).collect(),
            cause: if drift {
                ApplyCause::Drift
            } else {
                ApplyCause::Changed
            },
            of: Source::Wanted,
        };
        return Some(Step::new(action, Situation::Applying));
    }
    None
}

/// While a step waits for hooks, what is delivered stays as it was delivered. What the new revision has already
/// changed is its own.
fn enforce(o: &Observed, record: &Record, step: Step) -> Step {
    let (Action::Wait(_), Some(held)) = (&step.action, &o.held) else {
        return step;
    };
    for stage in Stage::ALL {
        let drifted = held.objects.iter().filter(|object| {
            object.stage == stage && why_apply(o, record, object) == Some(ApplyCause::Drift)
        });
        let objects: Vec<Target> = drifted.map(|object| target(o, &object.key)).collect();
        if !objects.is_empty() {
            let action = Action::Apply {
                stage,
                objects,
                cause: ApplyCause::Drift,
                of: Source::Held,
            };
            return Step::new(action, step.situation);
        }
    }
    step
}

fn target(o: &Observed, key: &ObjectKey) -> Target {
    let over = o.live.get(key).map(|live| live.resource_version.clone());
    Target {
        key: key.clone(),
        over,
    }
}

/// Why an object is to be applied, if it is.
fn why_apply(o: &Observed, record: &Record, object: &WantedObject) -> Option<ApplyCause> {
    let known = known(o, record, &object.key);
    if known.rendered.as_ref() != Some(&object.rendered) {
        return Some(ApplyCause::Changed);
    }
    match o.live.get(&object.key) {
        // Its end is awaited: until then an apply would change what is about to go.
        Some(live) if live.deleting => None,
        Some(live) if Some(&live.uid) == known.uid.as_ref() && live.owned == known.owned => None,
        _ => {
            let fight = o.fights.get(&object.key);
            let rests = fight.is_some_and(|fight| fight.until > o.now);
            (!rests).then_some(ApplyCause::Drift)
        }
    }
}

/// What is known of an object: by memory, else by the record.
fn known(o: &Observed, record: &Record, key: &ObjectKey) -> InventoryEntry {
    o.applied
        .get(key)
        .or_else(|| record.inventory.get(key))
        .cloned()
        .unwrap_or_default()
}

fn record_applied(o: &Observed, base: Base<'_>, wanted: &Wanted) -> Option<Step> {
    let delivered = base.record.delivered_hash() == Some(&wanted.hash)
        && base
            .record
            .wanted()
            .is_some_and(|revision| revision.applied.is_some());
    let known = wanted.objects.iter().all(|object| {
        let recorded = base.record.inventory.get(&object.key);
        recorded == Some(&known(o, base.record, &object.key))
    });
    (!delivered || !known).then(|| Step::new(base.applied(o, wanted), Situation::Applying))
}

/// The failure that forbids an action for now.
fn pending_failure<'o>(o: &'o Observed, action: &Action) -> Option<&'o Failure> {
    let failure = o.failure.as_ref()?;
    let acts = !matches!(action, Action::Wait(_));
    let fresh = failure.generation == o.app.generation && failure.retry_at > o.now;
    (acts && fresh && failure.attempted != Attempted::Status).then_some(failure)
}
