//! The end of an App: what it delivered goes first, in reverse order of stages, then its Jobs, its
//! record, and last our finalizer.

use super::changes::Base;
use super::prune::{Left, backwards, deletion, sooner};
use super::situation::{Situation, Step};
use super::{Action, Gate, Look, Observed, RecordView, Stage, Wait, WaitFor};
use crate::api::app::AppDeletionPolicy;
use crate::revision::ObjectKey;

/// The next step of deletion.
pub(super) fn step(o: &Observed, base: Option<Base<'_>>) -> Step {
    let deleting = |action| Step::new(action, Situation::Deleting { left: None });
    if !o.app.finalizer {
        return deleting(Action::Wait(Wait {
            what: WaitFor::Change,
            until: None,
        }));
    }
    let let_go = o.app.deletion_policy == AppDeletionPolicy::Orphan
        || matches!(o.gate, Gate::NamespaceGoes | Gate::KindGoes);
    if let Some(base) = base
        && !let_go
    {
        // Also for Jobs that no watch has told of yet.
        if o.look == Look::Caches && (base.resource_version.is_some() || !o.applied.is_empty()) {
            return deleting(Action::Look);
        }
        if let Some(step) = delete_objects(o, base) {
            return step;
        }
    }
    if let Some(job) = o.jobs.first() {
        return deleting(Action::DeleteJob {
            name: job.name.clone(),
        });
    }
    if o.record == RecordView::Absent {
        return deleting(Action::ReleaseApp);
    }
    deleting(Action::ReleaseRecord)
}

/// A stage goes once the ones after it are gone.
fn delete_objects(o: &Observed, base: Base<'_>) -> Option<Step> {
    let known = base.record.inventory.keys().chain(o.applied.keys());
    let there = |key: &&ObjectKey| o.live.get(key).is_some_and(|live| !live.keep);
    let mut left: Option<(Stage, Left)> = None;
    for key in backwards(known.filter(there).collect()) {
        let stage = Stage::of(&key.group, &key.kind);
        if left.as_ref().is_some_and(|(waits, _)| *waits != stage) {
            break;
        }
        match deletion(o, key) {
            Ok(action) => return Some(Step::new(action, Situation::Deleting { left: None })),
            Err(still) => left = Some((stage, sooner(left.map(|(_, left)| left), *still))),
        }
    }
    let (_, left) = left?;
    let wait = Wait {
        what: WaitFor::Deletion,
        until: left.until,
    };
    Some(Step::new(
        Action::Wait(wait),
        Situation::Deleting { left: Some(left) },
    ))
}
