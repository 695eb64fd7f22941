//! What is no longer asked for, and what becomes of it.

use super::*;

/// The steady App, and an object in its inventory that it no longer asks for.
fn leftover(change: impl FnOnce(&mut Live)) -> Observed {
    changed(|o| {
        let mut old = o.live[&key("Thing")].clone();
        old.uid = "o2".into();
        change(&mut old);
        o.live.insert(key("Old"), old);
        record(o).inventory.insert(key("Old"), InventoryEntry::default());
        o.look = Look::Live;
    })
}

fn pruned(observed: &Observed) -> bool {
    let (action, _) = acts(observed.clone());
    let Action::WriteRecord { record, change, .. } = action else {
        return false;
    };
    assert_eq!(change, RecordChange::Pruned);
    !record.inventory.contains_key(&key("Old")) && record.inventory.len() == 2
}

#[test]
fn what_is_no_longer_asked_for_is_deleted_and_then_forgotten() {
    let mut old = leftover(|_| {});
    old.look = Look::Caches;
    assert_eq!(acts(old.clone()).0, Action::Look, "never on the word of a cache");
    old.look = Look::Live;
    let delete = Action::Delete {
        key: key("Old"),
        uid: "o2".into(),
        resource_version: "7".into(),
    };
    assert_eq!(acts(old.clone()).0, delete);
    live(&mut old, "Old").deleting = true;
    waits(old.clone(), &WaitFor::Deletion, Reason::Progressing);
    old.live.remove(&key("Old"));
    assert!(pruned(&old));
}

#[test]
fn nothing_is_deleted_before_what_replaces_it_is_healthy() {
    let mut old = leftover(|_| {});
    live(&mut old, "Thing").health = Health::Progressing {
        why: "it starts".into(),
    };
    waits(old, &WaitFor::Health, Reason::Progressing);
}

#[test]
fn what_is_to_be_kept_only_leaves_the_inventory() {
    assert!(pruned(&leftover(|old| old.keep = true)));
    // The same object under another version of its kind.
    assert!(pruned(&leftover(|old| old.uid = "o1".into())));
}

/// S27: it stays in the inventory, whatever comes, until its deletion succeeds.
#[test]
fn s27_a_refused_deletion_is_tried_again() {
    let later = now().checked_add(SignedDuration::from_secs(4)).unwrap();
    let mut old = leftover(|_| {});
    let refusal = Refusal {
        message: "cannot delete it: denied".into(),
        until: later,
    };
    old.refused.insert(key("Old"), refusal);
    old.look = Look::Caches;
    waits(old.clone(), &WaitFor::Deletion, Reason::PruneBlocked);
    old.now = later;
    assert_eq!(acts(old).0, Action::Look);
}
