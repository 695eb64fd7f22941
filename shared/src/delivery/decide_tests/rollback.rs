//! Pins: how they come, what they hold, and how they go.

use super::super::OnFailure;
use super::*;
use crate::revision::{Pin, PinCause};

fn other(digit: &str) -> RevisionHash {
    RevisionHash::read(&digit.repeat(64)).unwrap()
}

/// A (`hash()`) succeeded as revision 1, B is delivered as revision 2, and the spec says B.
fn second(outcome: Outcome) -> Observed {
    changed(|o| {
        let record = record(o);
        let mut second = Revision::started(2, other("b"), now());
        second.outcome = outcome;
        second.applied = Some(now());
        record.history.push(second);
        record.delivered = Some(2);
        o.asked = Some(other("b"));
        let Ok(wanted) = &mut o.wanted else {
            panic!("it can be read")
        };
        wanted.hash = other("b");
        wanted.pre.clear();
    })
}

fn asking(mut observed: Observed, value: &str) -> Observed {
    observed.app.rollback = Some(value.to_owned());
    observed
}

/// The next write of the record, and what is new in it.
fn writes(observed: Observed) -> (Record, RecordChange) {
    match acts(observed).0 {
        Action::WriteRecord { record, change, .. } => (*record, change),
        action => panic!("{action:?}"),
    }
}

fn pin(cause: PinCause) -> Pin {
    Pin {
        hash: hash(),
        instead_of: other("b"),
        cause,
        since: now(),
    }
}

fn requested() -> PinCause {
    PinCause::Requested {
        by: Some("alice".to_owned()),
    }
}

/// The spec says B, and A is delivered as revision 3.
fn pinned(cause: PinCause) -> Observed {
    let mut o = second(Outcome::Succeeded);
    let record = record(&mut o);
    record.pin = Some(pin(cause));
    let mut back = record.history.remove(0);
    back.number = 3;
    record.history.push(back);
    record.delivered = Some(3);
    o.wanted = steady().wanted;
    o
}

#[test]
fn a_request_is_recorded_as_a_pin_before_anything_is_done_about_it() {
    let value = format!(
        "{} instead of {} after revision 2 (previous) by alice",
        hash().short(),
        "b".repeat(12)
    );
    let mut asked = asking(second(Outcome::Succeeded), &value);
    let (next, change) = writes(asked.clone());
    assert_eq!(change, RecordChange::RolledBack(pin(requested())));
    assert_eq!(next.pin, Some(pin(requested())));
    assert_eq!(next.rolled_back.as_deref(), Some(&*value));
    // Then the pin's revision is wanted, under the next number, as who wrote it wrote it.
    *record(&mut asked) = next;
    record(&mut asked).history[0].author = Some("bob".to_owned());
    asked.app.author = Some("eve".to_owned());
    asked.wanted = steady().wanted;
    let (next, change) = writes(asked);
    assert_eq!(change, RecordChange::Wanted);
    let wanted = next.wanted().unwrap();
    assert_eq!((wanted.number, &wanted.hash), (3, &hash()));
    assert_eq!(wanted.author.as_deref(), Some("bob"));
    assert_eq!(wanted.rollback.as_deref(), Some("as alice asked"));
    assert!(wanted.has_succeeded(), "it did, as revision 1");
}

#[test]
fn a_request_without_admission_is_resolved_here() {
    for value in ["previous", "1", &hash().full()[..20]] {
        let (next, change) = writes(asking(second(Outcome::Succeeded), value));
        let cause = PinCause::Requested { by: None };
        assert_eq!(change, RecordChange::RolledBack(pin(cause)), "{value}");
        assert_eq!(next.rolled_back.as_deref(), Some(value));
    }
}

#[test]
fn what_means_no_kept_revision_or_is_about_another_spec_is_only_noted() {
    let of_another_spec = format!("{} instead of {} by alice", hash().short(), "c".repeat(12));
    for value in ["7", "nonsense", "2", "none", &of_another_spec] {
        let mut asked = asking(second(Outcome::Succeeded), value);
        let (next, change) = writes(asked.clone());
        assert_eq!(
            (change, &next.pin),
            (RecordChange::RequestNoted, &None),
            "{value}"
        );
        *record(&mut asked) = next;
        let report = waits(asked, &WaitFor::Change, Reason::Succeeded);
        assert_eq!(report.handled["platform.kubeop.io/rollback-to"], value);
    }
}

#[test]
fn s38_a_request_that_is_seen_with_a_newer_spec_is_none_about_that() {
    for value in ["previous", "1"] {
        let mut asked = asking(second(Outcome::Succeeded), value);
        asked.asked = Some(other("c"));
        let (next, change) = writes(asked);
        assert_eq!((change, next.pin), (RecordChange::RequestNoted, None), "{value}");
    }
    // It is about the spec that a pin stands in for.
    let mut pinned = pinned(requested());
    let mut third = Revision::started(1, other("d"), now());
    third.outcome = Outcome::Succeeded;
    record(&mut pinned).history.insert(0, third);
    let (next, _) = writes(asking(pinned, "1"));
    assert_eq!(next.pin.unwrap().hash, other("d"));
}

#[test]
fn s38_a_pinned_app_is_ready_and_says_what_lifts_the_pin() {
    let report = waits(pinned(requested()), &WaitFor::Change, Reason::Pinned);
    let ready = &report.conditions[&ConditionType::Ready];
    assert_eq!(ready.state, ConditionStatus::True);
    assert_eq!(
        ready.message,
        format!(
            "revision 3 ({}) is delivered and healthy instead of revision 2 (bbbbbbbbbbbb), as alice asked. A new spec \
             ends that, and so does:\nkubectl annotate --overwrite -n  apps.platform.kubeop.io/pay \
             platform.kubeop.io/rollback-to=none",
            hash().short()
        )
    );
    assert_eq!(
        report.conditions[&ConditionType::Stalled].state,
        ConditionStatus::False
    );
    assert_eq!(report.revision.as_deref(), Some(hash().short()));
}

#[test]
fn s38_a_new_spec_lifts_the_pin_even_where_it_is_the_pinned_revision() {
    for spec in [other("c"), hash()] {
        let mut new = pinned(requested());
        new.asked = Some(spec.clone());
        let (next, change) = writes(new);
        assert!(
            matches!(change, RecordChange::PinLifted { .. }),
            "{spec}: {change:?}"
        );
        assert_eq!(next.pin, None);
    }
}

#[test]
fn s38_none_and_the_specs_own_revision_lift_the_pin() {
    for value in [
        "none instead of bbbbbbbbbbbb after revision 3 by alice",
        "2",
        "previous",
    ] {
        let (next, change) = writes(asking(pinned(requested()), value));
        assert!(
            matches!(change, RecordChange::PinLifted { .. }),
            "{value}: {change:?}"
        );
        assert_eq!(next.pin, None, "{value}");
    }
}

#[test]
fn s39_an_undone_deployment_pins_its_revision_once() {
    let mut undone = second(Outcome::Succeeded);
    undone.undone = Some(hash());
    let (next, change) = writes(undone.clone());
    assert_eq!(change, RecordChange::RolledBack(pin(PinCause::Undone)));
    *record(&mut undone) = next;
    undone.wanted = steady().wanted;
    assert_eq!(writes(undone).1, RecordChange::Wanted);
}

#[test]
fn s39_undone_twice_the_spec_is_delivered_again() {
    let mut twice = pinned(PinCause::Undone);
    twice.undone = Some(other("b"));
    let (next, change) = writes(twice);
    assert!(matches!(change, RecordChange::PinLifted { .. }), "{change:?}");
    assert_eq!(next.pin, None);
}

#[test]
fn s39_an_undo_to_what_is_not_kept_is_none() {
    let mut undone = second(Outcome::Succeeded);
    undone.undone = Some(other("f"));
    waits(undone, &WaitFor::Change, Reason::Succeeded);
}

#[test]
fn a_pin_that_cannot_be_followed_is_dropped_before_and_kept_after_it_was() {
    let mut never = second(Outcome::Succeeded);
    record(&mut never).pin = Some(pin(requested()));
    never.wanted = Err("the Secret is gone".to_owned());
    let (next, change) = writes(never);
    assert!(matches!(change, RecordChange::PinLifted { .. }), "{change:?}");
    assert_eq!(next.pin, None);
    let mut delivered = pinned(requested());
    delivered.wanted = Err("the Secret is gone".to_owned());
    waits(delivered.clone(), &WaitFor::Person, Reason::RevisionLost);
    let (next, _) = writes(asking(delivered, "none"));
    assert_eq!(next.pin, None, "the way out that its message tells");
}

/// B is rolled out and something of it is not ready.
fn late(on_failure: OnFailure, outcome: Outcome) -> Observed {
    let mut o = second(outcome);
    o.app.on_failure = on_failure;
    o.now = now().checked_add(SignedDuration::from_secs(600)).unwrap();
    live(&mut o, "Thing").health = Health::Progressing {
        why: "it crashes".into(),
    };
    o
}

#[test]
fn a_rollout_that_misses_its_deadline_is_rolled_back_where_the_spec_wants_it() {
    let mut failed = late(OnFailure::RollBack, Outcome::InProgress);
    let (next, change) = writes(failed.clone());
    assert!(matches!(change, RecordChange::DeadlineMissed(_)), "{change:?}");
    *record(&mut failed) = next;
    let (next, change) = writes(failed.clone());
    let RecordChange::RolledBack(pin) = change else {
        panic!("{change:?}")
    };
    let why = "Thing pay: it crashes".to_owned();
    assert_eq!((&pin.hash, &pin.cause), (&hash(), &PinCause::Automatic { why }));
    assert_eq!(next.pin, Some(pin));
    waits(
        late(OnFailure::Stay, Outcome::Failed),
        &WaitFor::Health,
        Reason::Unhealthy,
    );
}

#[test]
fn after_an_automatic_rollback_the_app_is_not_ready_and_stalled() {
    let why = "Thing pay: it crashes".to_owned();
    let rolled_back = pinned(PinCause::Automatic { why });
    let report = waits(
        rolled_back.clone(),
        &WaitFor::Change,
        Reason::RolledBackAutomatically,
    );
    let state = |kind| report.conditions[&kind].state;
    assert_eq!(state(ConditionType::Ready), ConditionStatus::False);
    assert_eq!(state(ConditionType::Stalled), ConditionStatus::True);
    assert_eq!(state(ConditionType::Reconciling), ConditionStatus::False);
    let message = &report.conditions[&ConditionType::Ready].message;
    assert!(
        message.starts_with("revision 2 (bbbbbbbbbbbb) failed: Thing pay: it crashes. revision 3 ("),
        "{message}"
    );
    // Asked for by a person it is what was asked for.
    let (next, _) = writes(asking(rolled_back.clone(), "3"));
    let mut agreed = rolled_back;
    agreed.app.rollback = Some("3".to_owned());
    *record(&mut agreed) = next;
    waits(agreed, &WaitFor::Change, Reason::Pinned);
}

#[test]
fn a_container_that_crashes_right_after_it_was_ready_is_no_success() {
    let crashing = |seconds: i64| {
        let mut o = second(Outcome::Succeeded);
        record(&mut o).history[1].finished = Some(now());
        o.now = now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let live = live(&mut o, "Thing");
        live.crashes = true;
        live.health = Health::Progressing {
            why: "container x: exit code 3".into(),
        };
        o
    };
    let (next, change) = writes(crashing(2));
    assert_eq!(change, RecordChange::Relapsed);
    assert_eq!(next.wanted().unwrap().outcome, Outcome::InProgress);
    assert!(!next.wanted().unwrap().has_succeeded());
    // What ran for a while and then crashes was one.
    waits(crashing(61), &WaitFor::Health, Reason::Progressing);
}

#[test]
fn without_an_earlier_success_there_is_nothing_to_roll_back_to() {
    let mut first = late(OnFailure::RollBack, Outcome::Failed);
    record(&mut first).history[0].outcome = Outcome::Failed;
    waits(first, &WaitFor::Health, Reason::Unhealthy);
}

#[test]
fn trimming_keeps_what_is_pinned_and_what_it_stands_in_for() {
    let mut o = pinned(requested());
    let record = record(&mut o);
    for number in 4..9 {
        let mut more = Revision::started(number, other(&number.to_string()), now());
        more.outcome = Outcome::Succeeded;
        record.history.push(more);
    }
    record.delivered = Some(8);
    record.trim(1);
    let numbers: Vec<u64> = record.history.iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, [2, 3, 8]);
}
