//! Rollback: when delivery is held at a kept revision, and when it is let go of.

use super::changes::Base;
use super::{Action, Observed, OnFailure};
use crate::revision::{Outcome, PinCause, Revision};

/// What a request, a new spec or `kubectl rollout undo` changes about the pin, if anything. Before the first delivery
/// there is nothing to go back to.
pub(super) fn step(o: &Observed, base: Base<'_>) -> Option<Action> {
    let asked = o.asked.as_ref()?;
    let record = base.record;
    let wanted = record.wanted()?;
    if o.app.rollback.is_some() && o.app.rollback != record.rolled_back {
        return Some(base.rollback_requested(o, asked));
    }
    let pin = record.pin.as_ref();
    if let Some(pin) = pin
        && !pin.holds(asked)
    {
        return Some(base.pin_lifted(pin, "since the spec says something new"));
    }
    let now = pin.map_or(asked, |pin| &pin.hash);
    if let Some(undone) = o.undone.as_ref().filter(|hash| record.revision(hash).is_some())
        && undone != now
    {
        return Some(base.rolled_back(o, undone, asked, PinCause::Undone));
    }
    match (&o.wanted, pin) {
        // Nothing was done about it yet, and nothing can be.
        (Err(why), Some(pin)) if pin.hash != wanted.hash => Some(base.pin_lifted(pin, why)),
        _ => None,
    }
}

/// Goes back to the latest success, where the spec wants that and nothing else holds delivery already.
pub(super) fn automatic(o: &Observed, base: Base<'_>, failed: &Revision, why: &str) -> Option<Action> {
    let asked = o.asked.as_ref().filter(|asked| **asked == failed.hash)?;
    if o.app.on_failure == OnFailure::Stay || base.record.pin.is_some() || failed.outcome != Outcome::Failed {
        return None;
    }
    let good = base.record.previous()?;
    let why = why.to_owned();
    Some(base.rolled_back(o, &good.hash, asked, PinCause::Automatic { why }))
}
