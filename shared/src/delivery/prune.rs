//! What is no longer wanted goes: once what replaces it is healthy, from a record and objects read live,
//! the stages backwards. What others hold, or what is to be kept, only leaves the inventory.

use super::changes::Base;
use super::{Action, Look, Observed, Stage, Wanted};
use crate::api::conditions::Reason;
use crate::revision::ObjectKey;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// How far pruning is.
pub(super) enum Pruning {
    /// This comes next.
    Act(Action),
    /// Nothing can be deleted now.
    Rest {
        /// What the inventory need not name any more.
        settled: Vec<ObjectKey>,
        /// What is still there.
        left: Option<Left>,
    },
}

/// An object that is still there though nothing asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub key: ObjectKey,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a clause.
    pub why: String,
    /// When it is tried again; none: its end is awaited.
    pub until: Option<Timestamp>,
}

/// What becomes of the objects that are in the inventory and not wanted.
pub(super) fn prune(o: &Observed, base: Base<'_>, wanted: &Wanted) -> Pruning {
    let asked_for: BTreeSet<&ObjectKey> = wanted.objects.iter().map(|object| &object.key).collect();
    let inventory = base.record.inventory.keys();
    let obsolete: Vec<&ObjectKey> = inventory.filter(|key| !asked_for.contains(key)).collect();
    // One object under two versions of its kind is one object.
    let uids: BTreeSet<&str> = asked_for
        .iter()
        .filter_map(|key| o.live.get(key).map(|live| live.uid.as_str()))
        .collect();
    let refused = obsolete.iter().filter_map(|key| refusal(o, key));
    if refused.clone().count() == obsolete.len() {
        let left = refused.min_by_key(|left| left.until);
        return Pruning::Rest {
            settled: Vec::new(),
            left,
        };
    }
    if o.look == Look::Caches {
        return Pruning::Act(Action::Look);
    }
    let mut settled = Vec::new();
    let mut left = None;
    for key in backwards(obsolete) {
        match o.live.get(key) {
            Some(live) if !live.keep && !uids.contains(live.uid.as_str()) => match deletion(o, key) {
                Ok(action) => return Pruning::Act(action),
                Err(still) => left = Some(sooner(left, *still)),
            },
            // Gone, of somebody else, or to be kept.
            _ => settled.push(key.clone()),
        }
    }
    Pruning::Rest { settled, left }
}

/// Deletes an object that exists, or says why that has to wait.
pub(super) fn deletion(o: &Observed, key: &ObjectKey) -> Result<Action, Box<Left>> {
    if let Some(left) = refusal(o, key) {
        return Err(Box::new(left));
    }
    match o.live.get(key) {
        Some(live) if !live.deleting => Ok(Action::Delete {
            key: key.clone(),
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
        }),
        _ => Err(Box::new(Left {
            key: key.clone(),
            reason: Reason::Progressing,
            why: "it is being deleted".to_owned(),
            until: None,
        })),
    }
}

fn refusal(o: &Observed, key: &ObjectKey) -> Option<Left> {
    let refusal = o.refused.get(key).filter(|refusal| refusal.until > o.now)?;
    Some(Left {
        key: key.clone(),
        reason: Reason::PruneBlocked,
        why: refusal.message.clone(),
        until: Some(refusal.until),
    })
}

/// Of two, the one that a person has to know of, else the one that is tried first.
pub(super) fn sooner(left: Option<Left>, other: Left) -> Left {
    let rank = |left: &Left| (left.until.is_none(), left.until);
    match left {
        Some(left) if rank(&left) <= rank(&other) => left,
        _ => other,
    }
}

/// The last stage first.
pub(super) fn backwards(mut keys: Vec<&ObjectKey>) -> Vec<&ObjectKey> {
    keys.sort_by_key(|key| Reverse(Stage::of(&key.group, &key.kind)));
    keys
}
