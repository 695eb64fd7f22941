//! The end of an App: what it delivered goes first, in reverse order of stages, then its Jobs, its
//! record, and last our finalizer.

use super::changes::Base;
use super::decide::{Situation, Step};
use super::{Action, Gate, Observed, RecordView, Stage, Wait, WaitFor};
use crate::api::app::AppDeletionPolicy;
use crate::revision::ObjectKey;
use std::cmp::Reverse;

/// The next step of deletion. `o.live` was read live, and holds every object of the inventory that
/// exists and is ours.
pub(super) fn step(o: &Observed, base: Option<Base<'_>>) -> Step {
    let deleting = |action| Step::new(action, Situation::Deleting { waits_for: None });
    if !o.app.finalizer {
        return deleting(Action::Wait(Wait {
            what: WaitFor::Change,
            until: None,
        }));
    }
    let let_go = o.app.deletion_policy == AppDeletionPolicy::Orphan || o.gate == Gate::NamespaceGoes;
    if let Some(base) = base
        && !let_go
        && let Some(step) = delete_objects(o, base)
    {
        return step;
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

fn delete_objects(o: &Observed, base: Base<'_>) -> Option<Step> {
    let mut keys: Vec<&ObjectKey> = base.record.inventory.keys().chain(o.applied.keys()).collect();
    keys.sort_by_key(|key| Reverse(Stage::of(&key.group, &key.kind)));
    let mut waits_for = None;
    for key in keys {
        let Some(live) = o.live.get(key) else { continue };
        if live.deleting {
            waits_for = waits_for.or(Some(key));
            continue;
        }
        let action = Action::Delete {
            key: key.clone(),
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
        };
        return Some(Step::new(action, Situation::Deleting { waits_for: None }));
    }
    waits_for.map(|key| {
        let wait = Wait {
            what: WaitFor::Deletion,
            until: None,
        };
        Step::new(
            Action::Wait(wait),
            Situation::Deleting {
                waits_for: Some(key.clone()),
            },
        )
    })
}
