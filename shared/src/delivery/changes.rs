//! Every change of a record: a record and an event go in, the next record comes out.

use super::{Action, Observed, RecordChange, Wanted};
use crate::revision::{
    HookKey, HookOutcome, HookRun, InventoryEntry, Meant, ObjectKey, Outcome, Pin, PinCause, Record,
    Revision, RevisionHash, RollbackRequest, SkipRequest,
};

/// A record and the resourceVersion at which it was read, if it exists.
#[derive(Clone, Copy)]
pub(super) struct Base<'o> {
    pub record: &'o Record,
    pub resource_version: Option<&'o str>,
}

impl Base<'_> {
    fn write(self, record: Record, change: RecordChange) -> Action {
        Action::WriteRecord {
            record: Box::new(record),
            over: self.resource_version.map(str::to_owned),
            change,
        }
    }

    /// Another revision is wanted: what was in progress is superseded, a kept hash that comes back gets
    /// the next number, and every object is in the inventory before it is applied.
    pub(super) fn wanted(self, o: &Observed, wanted: &Wanted) -> Action {
        let mut record = self.record.clone();
        record.owner = Some(o.app.uid.clone());
        if let Some(last) = record.history.last_mut()
            && last.outcome == Outcome::InProgress
        {
            last.outcome = Outcome::Superseded;
            last.finished = Some(o.now);
        }
        let number = record
            .history
            .iter()
            .map(|revision| revision.number)
            .max()
            .unwrap_or(0)
            + 1;
        let mut next = Revision::started(number, wanted.hash.clone(), o.now);
        next.images.clone_from(&wanted.images);
        next.author.clone_from(&o.app.author);
        next.change_cause.clone_from(&o.app.change_cause);
        if let Some(index) = record
            .history
            .iter()
            .position(|revision| revision.hash == wanted.hash)
        {
            let before = record.history.remove(index);
            if record.delivered == Some(before.number) {
                record.delivered = Some(number);
            }
            next.succeeded = match before.outcome {
                Outcome::Succeeded => before.finished.or(Some(before.started)),
                _ => before.succeeded,
            };
            if let Some(pin) = record.pin.as_ref().filter(|pin| pin.hash == wanted.hash) {
                // Nobody wrote it again.
                next.author = before.author;
                next.change_cause = before.change_cause;
                next.rollback = Some(pin.cause.to_string());
            }
        }
        if self.resource_version.is_none() {
            // A request from before the first delivery is no request about it.
            record.retried.clone_from(&o.app.retry);
            record.skipped.clone_from(&o.app.skip);
            record.rolled_back.clone_from(&o.app.rollback);
        }
        record.history.push(next);
        record.trim(o.app.history_limit);
        absorb(&mut record, o, wanted);
        self.write(record, RecordChange::Wanted)
    }

    /// A hook ended.
    pub(super) fn hook_ended(self, o: &Observed, run: HookRun) -> Action {
        let mut record = self.record.clone();
        if let HookOutcome::Failed { .. } = run.outcome
            && let Some(last) = record.history.last_mut()
            && last.hash == run.key.hash
        {
            last.outcome = Outcome::Failed;
            last.finished = Some(o.now);
        }
        record.hooks.retain(|earlier| earlier.key != run.key);
        record.hooks.push(run.clone());
        self.write(record, RecordChange::HookEnded(run))
    }

    /// A hook succeeded whose revision is no longer kept: if that comes back, it does not run again.
    pub(super) fn hook_remembered(self, key: HookKey) -> Action {
        let mut record = self.record.clone();
        record.remembered.push(key);
        self.write(record, RecordChange::Remembered)
    }

    /// Failed hooks of the wanted revision are to run again.
    pub(super) fn retried(self, o: &Observed) -> Action {
        let mut record = self.record.clone();
        record.retried.clone_from(&o.app.retry);
        if let Some(last) = record.history.last_mut() {
            for run in &mut record.hooks {
                if run.key.hash == last.hash && matches!(run.outcome, HookOutcome::Failed { .. }) {
                    run.outcome = HookOutcome::Retried;
                    last.outcome = Outcome::InProgress;
                    last.finished = None;
                }
            }
        }
        self.write(record, RecordChange::Retried)
    }

    /// Delivery goes on without a hook that failed. A request that means none is only noted.
    pub(super) fn skipped(self, o: &Observed) -> Action {
        let mut record = self.record.clone();
        record.skipped.clone_from(&o.app.skip);
        let request = SkipRequest::read(o.app.skip.as_deref().unwrap_or_default());
        let key = request.find(&record);
        let failed = record
            .hooks
            .iter_mut()
            .rev()
            .find(|run| Some(&run.key) == key.as_ref());
        let skipped = failed.map(|run| {
            run.outcome = HookOutcome::Skipped {
                by: request.by.map(str::to_owned),
            };
            run.finished = o.now;
            run.clone()
        });
        if skipped.is_some()
            && let Some(last) = record.history.last_mut()
        {
            last.outcome = Outcome::InProgress;
            last.finished = None;
        }
        self.write(record, RecordChange::Skipped(skipped))
    }

    /// A person asks for a kept revision, or for what the spec says. A request that means neither, or is about
    /// another spec, is only noted.
    pub(super) fn rollback_requested(self, o: &Observed, asked: &RevisionHash) -> Action {
        let mut record = self.record.clone();
        record.rolled_back.clone_from(&o.app.rollback);
        let request = RollbackRequest::read(o.app.rollback.as_deref().unwrap_or_default());
        let meant = request.find(self.record, Some(asked));
        let change = match meant {
            Ok(Meant::Kept(revision)) if request.is_about(asked, self.record) => {
                let cause = PinCause::Requested {
                    by: request.by.map(str::to_owned),
                };
                RecordChange::RolledBack(pin(o, &revision.hash, asked, cause))
            }
            Ok(Meant::Spec) if request.is_about(asked, self.record) => match self.record.pin.clone() {
                Some(pin) => RecordChange::PinLifted {
                    pin,
                    why: PinCause::Requested {
                        by: request.by.map(str::to_owned),
                    }
                    .to_string(),
                },
                None => RecordChange::RequestNoted,
            },
            Ok(_) | Err(_) => RecordChange::RequestNoted,
        };
        match &change {
            RecordChange::RolledBack(pin) => record.pin = Some(pin.clone()),
            RecordChange::PinLifted { .. } => record.pin = None,
            _ => {}
        }
        self.write(record, change)
    }

    /// Delivery is held at a kept revision. What the spec says itself needs no pin.
    pub(super) fn rolled_back(
        self,
        o: &Observed,
        to: &RevisionHash,
        asked: &RevisionHash,
        cause: PinCause,
    ) -> Action {
        let mut record = self.record.clone();
        if to == asked
            && let Some(pin) = record.pin.take()
        {
            let why = cause.to_string();
            return self.write(record, RecordChange::PinLifted { pin, why });
        }
        let pin = pin(o, to, asked, cause);
        record.pin = Some(pin.clone());
        self.write(record, RecordChange::RolledBack(pin))
    }

    /// What the spec says is delivered again.
    pub(super) fn pin_lifted(self, pin: &Pin, why: &str) -> Action {
        let mut record = self.record.clone();
        record.pin = None;
        let change = RecordChange::PinLifted {
            pin: pin.clone(),
            why: why.to_owned(),
        };
        self.write(record, change)
    }

    /// All objects of the wanted revision are applied.
    pub(super) fn applied(self, o: &Observed, wanted: &Wanted) -> Action {
        let mut record = self.record.clone();
        absorb(&mut record, o, wanted);
        if let Some(last) = record.history.last_mut() {
            record.delivered = Some(last.number);
            last.applied = last.applied.or(Some(o.now));
        }
        self.write(record, RecordChange::Applied)
    }

    /// The wanted revision is through, and some objects need not be named any more.
    pub(super) fn succeeded(self, o: &Observed, settled: &[ObjectKey]) -> Action {
        self.ended(o, Outcome::Succeeded, settled, RecordChange::Succeeded)
    }

    /// Some objects need not be named any more.
    pub(super) fn pruned(self, settled: &[ObjectKey]) -> Action {
        let mut record = self.record.clone();
        record.inventory.retain(|key, _| !settled.contains(key));
        self.write(record, RecordChange::Pruned)
    }

    /// The wanted revision counted as through before it had crashed for the first time: it is in progress again.
    pub(super) fn relapsed(self) -> Action {
        let mut record = self.record.clone();
        if let Some(last) = record.history.last_mut() {
            last.outcome = Outcome::InProgress;
            last.finished = None;
        }
        self.write(record, RecordChange::Relapsed)
    }

    /// The wanted revision missed its deadline. It may still succeed.
    pub(super) fn deadline_missed(self, o: &Observed, why: &str) -> Action {
        self.ended(
            o,
            Outcome::Failed,
            &[],
            RecordChange::DeadlineMissed(why.to_owned()),
        )
    }

    fn ended(self, o: &Observed, outcome: Outcome, settled: &[ObjectKey], change: RecordChange) -> Action {
        let mut record = self.record.clone();
        record.inventory.retain(|key, _| !settled.contains(key));
        if let Some(last) = record.history.last_mut() {
            last.outcome = outcome;
            last.finished = Some(o.now);
        }
        record.trim(o.app.history_limit);
        self.write(record, change)
    }
}

fn pin(o: &Observed, to: &RevisionHash, asked: &RevisionHash, cause: PinCause) -> Pin {
    Pin {
        hash: to.clone(),
        instead_of: asked.clone(),
        cause,
        since: o.now,
    }
}

/// Puts what is wanted and what was applied into the inventory.
fn absorb(record: &mut Record, o: &Observed, wanted: &Wanted) {
    for object in &wanted.objects {
        if !record.inventory.contains_key(&object.key) {
            let entry = under_another_version(record, &object.key).unwrap_or_default();
            record.inventory.insert(object.key.clone(), entry);
        }
    }
    for (key, entry) in &o.applied {
        if let Some(known) = record.inventory.get_mut(key) {
            known.clone_from(entry);
        }
    }
}

/// The same object, known by another version of its kind: it is ours, and is applied again.
fn under_another_version(record: &mut Record, wanted: &ObjectKey) -> Option<InventoryEntry> {
    let same =
        |key: &&ObjectKey| (&key.group, &key.kind, &key.name) == (&wanted.group, &wanted.kind, &wanted.name);
    let known = record.inventory.keys().find(same)?.clone();
    let entry = record.inventory.remove(&known)?;
    Some(InventoryEntry {
        uid: entry.uid,
        ..InventoryEntry::default()
    })
}
