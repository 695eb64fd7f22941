//! The walks: which events each of them lets happen, and how deep.

use std::time::Duration;

use stateright::{Checker, HasDiscoveries, Model, Path};

use crate::world::World;
use crate::{Bug, DELIVERED, Delivery, Event};

/// Runs a walk, and prints how far it went.
fn walk(name: &str, model: Delivery) {
    let checker = model.checker().threads(threads()).spawn_bfs().join();
    println!(
        "{name}: {} states, {} unique",
        checker.state_count(),
        checker.unique_state_count()
    );
    for (property, path) in checker.discoveries() {
        if property != DELIVERED {
            panic!(
                "{name}: «{property}» does not hold:\n{}",
                told(checker.model(), path)
            );
        }
    }
    assert!(
        checker.discovery(DELIVERED).is_some(),
        "{name}: nothing is ever delivered"
    );
}

/// A path with what the controller decided at each step.
fn told(model: &Delivery, path: Path<World, Event>) -> String {
    let steps = path.into_vec().into_iter().map(|(world, event)| match event {
        Some(Event::Step) => format!("{:?}", world.decision(&model.specs)),
        Some(event) => format!("    {event:?}"),
        None => format!("{:?} {:?}", world.fault, world.things),
    });
    steps.collect::<Vec<_>>().join("\n")
}

/// Runs a walk with a bug, and shows how it was found.
fn finds(name: &str, model: Delivery) {
    let checker = model
        .checker()
        .threads(threads())
        .timeout(Duration::from_secs(120))
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let found: Vec<_> = checker
        .discoveries()
        .into_iter()
        .filter(|(name, _)| *name != DELIVERED)
        .collect();
    let (property, path) = found
        .first()
        .unwrap_or_else(|| panic!("{name}: not found in {} states", checker.state_count()));
    println!(
        "{name}: «{property}» does not hold ({:?}):\n{}",
        path.last_state().fault,
        told(checker.model(), path.clone())
    );
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How many events others may cause: `KUBEOP_TEST_PROVE` says how much deeper than usual.
fn deep(budget: u8) -> u8 {
    let more = std::env::var("KUBEOP_TEST_PROVE")
        .ok()
        .and_then(|text| text.parse().ok());
    budget + more.unwrap_or(0)
}

#[test]
fn crashes_and_changes_of_mind() {
    walk(
        "crashes, two specs",
        Delivery::of(deep(3), |event| matches!(event, Event::Crash | Event::Spec)),
    );
}

#[test]
fn hooks_that_fail_and_are_tried_again() {
    let may = |event: &Event| matches!(event, Event::JobFails | Event::Retry | Event::Spec | Event::Crash);
    walk("failing hooks", Delivery::of(deep(2), may));
}

#[test]
fn s59_hooks_that_are_skipped() {
    let may = |event: &Event| {
        matches!(
            event,
            Event::JobFails | Event::Skip | Event::Spec | Event::Crash | Event::Depose
        )
    };
    walk("skipped hooks", Delivery::of(deep(2), may));
}

#[test]
fn s38_rollbacks_that_are_asked_for_and_lifted() {
    let may = |event: &Event| {
        matches!(
            event,
            Event::RollBack | Event::Lift | Event::Spec | Event::Crash | Event::Depose
        )
    };
    walk("rollbacks", Delivery::of(deep(2), may));
}

#[test]
fn hands_that_meddle() {
    let may = |event: &Event| {
        matches!(
            event,
            Event::Edit(_) | Event::Remove(_) | Event::Taken(_) | Event::Spec
        )
    };
    walk("edits", Delivery::of(deep(2), may));
}

#[test]
fn s27_deletions_that_are_denied() {
    let may = |event: &Event| matches!(event, Event::Deny | Event::Spec | Event::Crash | Event::Delete);
    walk("denied deletions", Delivery::of(deep(2), may));
}

#[test]
fn apps_that_are_deleted() {
    let may = |event: &Event| {
        matches!(
            event,
            Event::Delete | Event::Spec | Event::Crash | Event::Remove(_)
        )
    };
    walk("deletion", Delivery::of(deep(2), may));
}

#[test]
fn s55_leaders_that_are_deposed() {
    let may = |event: &Event| matches!(event, Event::Depose | Event::Spec | Event::Delete);
    walk("a deposed leader", Delivery::of(deep(2), may));
}

#[test]
fn an_unguarded_record_write_would_be_found() {
    let may = |event: &Event| matches!(event, Event::Depose | Event::Spec);
    finds(
        "unguarded record",
        Delivery::of(3, may).with(Bug::UnguardedRecord),
    );
}

#[test]
fn jobs_without_names_of_their_own_hook_would_be_found() {
    let may = |event: &Event| matches!(event, Event::Depose | Event::Crash);
    finds("unnamed Jobs", Delivery::of(2, may).with(Bug::UnnamedJobs));
}

#[test]
fn an_unguarded_apply_would_be_found() {
    let may = |event: &Event| matches!(event, Event::Depose | Event::Spec);
    finds("unguarded apply", Delivery::of(3, may).with(Bug::UnguardedApply));
}

#[test]
fn pruning_by_a_stale_record_would_be_found() {
    let may = |event: &Event| matches!(event, Event::Depose | Event::Spec);
    let model = || Delivery::of(4, may).delivered(|news| matches!(news, Event::RecordNews));
    finds("stale prune", model().with(Bug::StalePrune));
    walk("the same with a live record", model());
}

#[test]
fn a_forgotten_denied_deletion_would_be_found() {
    let may = |event: &Event| matches!(event, Event::Deny | Event::Spec);
    finds(
        "forgotten deletion",
        Delivery::of(3, may).with(Bug::ForgetsDenied),
    );
}
