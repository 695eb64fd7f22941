//! One row for each thing that `decide` can say.

mod prune;
mod requests;
mod rollback;

use super::{
    Action, AppView, ApplyCause, Attempted, Failure, Gate, JobState, JobView, Live, Look, Observed,
    RecordChange, RecordView, Refusal, Report, Source, Stage, Target, Wait, WaitFor, Wanted, WantedObject,
    decide,
};
use crate::api::AppSpec;
use crate::api::app::{AppDeletionPolicy, HookNeeds};
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::health::Health;
use crate::revision::{
    Digest, HookKey, HookOutcome, HookRun, InventoryEntry, ObjectKey, Outcome, Phase, Record, RecordError,
    Revision, RevisionHash, RevisionSpec,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn now() -> Timestamp {
    "2026-11-25T06:00:00Z".parse().unwrap()
}

fn hash() -> RevisionHash {
    let spec: AppSpec = serde_json::from_value(
        json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": "nginx"}}}),
    )
    .unwrap();
    RevisionHash::of(&RevisionSpec::new(&spec, Vec::new()))
}

fn key(kind: &str) -> ObjectKey {
    ObjectKey {
        group: String::new(),
        version: "v1".into(),
        kind: kind.into(),
        name: "pay".into(),
    }
}

fn target(kind: &str, over: Option<&str>) -> Target {
    Target {
        key: key(kind),
        over: over.map(str::to_owned),
    }
}

fn rendered() -> Digest {
    Digest::of_text("rendered")
}

fn hook(phase: Phase) -> HookKey {
    HookKey {
        hash: hash(),
        phase,
        name: "migrate".into(),
    }
}

/// A steady App with one pre hook, a Service and a workload: nothing is to be done but its status.
fn steady() -> Observed {
    let kinds = ["Service", "Thing"];
    let entry = InventoryEntry {
        uid: Some("o1".into()),
        rendered: Some(rendered()),
        owned: Some(rendered()),
    };
    let mut revision = Revision::started(1, hash(), now());
    revision.outcome = Outcome::Succeeded;
    revision.applied = Some(now());
    let run = HookRun {
        key: hook(Phase::Pre),
        attempt: 1,
        outcome: HookOutcome::Succeeded,
        finished: now(),
    };
    let record = Record {
        owner: Some("u1".into()),
        delivered: Some(1),
        history: vec![revision],
        hooks: vec![run],
        inventory: kinds.map(|kind| (key(kind), entry.clone())).into(),
        ..Record::default()
    };
    let live = Live {
        uid: "o1".into(),
        resource_version: "7".into(),
        deleting: false,
        owned: Some(rendered()),
        health: Health::Ready,
        note: None,
        replicas: None,
        owns_replicas: false,
        keep: false,
        crashes: false,
    };
    let object = |kind: &str| WantedObject {
        key: key(kind),
        stage: Stage::of("", kind),
        rendered: rendered(),
    };
    Observed {
        now: now(),
        app: AppView {
            name: "pay".into(),
            uid: "u1".into(),
            generation: 1,
            finalizer: true,
            history_limit: 10,
            progress_deadline: 600,
            ..AppView::default()
        },
        gate: Gate::Open,
        asked: Some(hash()),
        undone: None,
        wanted: Ok(Wanted {
            hash: hash(),
            pre: vec!["migrate".into()],
            post: vec![],
            needs: HookNeeds::None,
            objects: kinds.map(object).into(),
            images: vec![],
            left: vec![],
        }),
        held: None,
        record: RecordView::Present {
            record: Box::new(record),
            resource_version: "9".into(),
        },
        applied: [].into(),
        live: kinds.map(|kind| (key(kind), live.clone())).into(),
        jobs: vec![],
        look: Look::Caches,
        failure: None,
        refused: [].into(),
        fights: [].into(),
        compliant: None,
        status: Report::default(),
    }
}

fn changed(change: impl FnOnce(&mut Observed)) -> Observed {
    let mut observed = steady();
    change(&mut observed);
    observed
}

fn record(observed: &mut Observed) -> &mut Record {
    match &mut observed.record {
        RecordView::Present { record, .. } => record,
        other => panic!("{other:?}"),
    }
}

fn live<'o>(observed: &'o mut Observed, kind: &str) -> &'o mut Live {
    let live = observed.live.get_mut(&key(kind));
    live.unwrap()
}

fn job(state: JobState) -> JobView {
    JobView {
        name: "j".into(),
        key: hook(Phase::Pre),
        attempt: 1,
        held: true,
        deadline: None,
        state,
    }
}

/// What is decided, status apart: that is taken for written.
fn acts(mut observed: Observed) -> (Action, Report) {
    match decide(&observed) {
        Action::WriteStatus(report) => {
            observed.status = *report;
            let action = decide(&observed);
            assert!(
                matches!(action, Action::Wait(_)),
                "a status is written before waiting: {action:?}"
            );
            (action, observed.status)
        }
        action => (action, observed.status),
    }
}

fn waits(observed: Observed, what: &WaitFor, reason: Reason) -> Report {
    let (action, report) = acts(observed);
    let Action::Wait(wait) = action else {
        panic!("{action:?}")
    };
    assert_eq!(wait.what, *what);
    assert_eq!(report.conditions[&ConditionType::Ready].reason, reason);
    report
}

#[test]
fn a_steady_app_waits_for_a_change() {
    let report = waits(steady(), &WaitFor::Change, Reason::Succeeded);
    assert_eq!(report.revision.as_deref(), Some(hash().short()));
}

#[test]
fn a_new_app_first_gets_the_finalizer() {
    let new = changed(|o| {
        o.app.finalizer = false;
        o.record = RecordView::Absent;
        o.live.clear();
    });
    assert_eq!(acts(new).0, Action::AddFinalizer);
}

#[test]
fn the_inventory_is_recorded_before_anything_else() {
    let new = changed(|o| {
        o.record = RecordView::Absent;
        o.live.clear();
    });
    let (
        Action::WriteRecord {
            record,
            over: None,
            change: RecordChange::Wanted,
        },
        _,
    ) = acts(new)
    else {
        panic!("the record comes first")
    };
    assert_eq!(record.inventory.len(), 2);
    assert_eq!(record.wanted().map(|revision| revision.number), Some(1));
}

#[test]
fn a_pre_hook_runs_before_anything_is_applied() {
    let fresh = changed(|o| {
        record(o).hooks.clear();
        o.live.clear();
    });
    assert_eq!(
        acts(fresh).0,
        Action::RunHook {
            key: hook(Phase::Pre),
            attempt: 1
        }
    );
}

#[test]
fn a_running_hook_is_awaited() {
    let running = changed(|o| {
        record(o).hooks.clear();
        o.jobs.push(job(JobState::Running { why: None }));
    });
    waits(running, &WaitFor::Hook, Reason::HookRunning);
}

#[test]
fn an_outcome_is_recorded_before_its_job_is_let_go() {
    let ended = changed(|o| {
        record(o).hooks.clear();
        o.jobs.push(job(JobState::Succeeded));
    });
    let (action, _) = acts(ended.clone());
    assert!(
        matches!(
            action,
            Action::WriteRecord {
                change: RecordChange::HookEnded(_),
                ..
            }
        ),
        "{action:?}"
    );
    let recorded = changed(|o| o.jobs.push(job(JobState::Succeeded)));
    assert_eq!(acts(recorded).0, Action::ReleaseJob { name: "j".into() });
}

fn failed() -> Observed {
    changed(|o| {
        let outcome = HookOutcome::Failed {
            exit_code: Some(3),
            message: "no such table".into(),
        };
        record(o).hooks[0].outcome = outcome;
        record(o).history[0].outcome = Outcome::Failed;
    })
}

#[test]
fn a_failed_hook_pauses_the_app_and_says_the_way_out() {
    let report = waits(failed(), &WaitFor::Person, Reason::HookFailed);
    let message = &report.conditions[&ConditionType::Stalled].message;
    for part in [
        "exit code 3",
        "no such table",
        "apps.platform.kubeop.io/pay",
        "retry-hooks",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_retry_is_recorded_and_is_the_next_attempt() {
    let mut retried = failed();
    retried.app.retry = Some("1".into());
    let (
        Action::WriteRecord {
            record: next,
            change: RecordChange::Retried,
            ..
        },
        _,
    ) = acts(retried.clone())
    else {
        panic!("the request is recorded first")
    };
    *record(&mut retried) = *next;
    assert_eq!(
        acts(retried).0,
        Action::RunHook {
            key: hook(Phase::Pre),
            attempt: 2
        }
    );
}

#[test]
fn stages_are_applied_in_order() {
    let fresh = changed(|o| {
        for entry in record(o).inventory.values_mut() {
            entry.rendered = None;
        }
    });
    let wanted = Action::Apply {
        stage: Stage::Services,
        objects: vec![target("Service", Some("7"))],
        cause: ApplyCause::Changed,
        of: Source::Wanted,
    };
    assert_eq!(acts(fresh).0, wanted);
}

#[test]
fn what_was_applied_is_recorded() {
    let applied = changed(|o| {
        record(o).delivered = None;
        record(o).history[0].applied = None;
    });
    let (action, _) = acts(applied);
    assert!(
        matches!(
            action,
            Action::WriteRecord {
                change: RecordChange::Applied,
                ..
            }
        ),
        "{action:?}"
    );
}

#[test]
fn drift_is_a_lost_field_a_lost_object_or_another_object() {
    let drift = |over| Action::Apply {
        stage: Stage::Workloads,
        objects: vec![target("Thing", over)],
        cause: ApplyCause::Drift,
        of: Source::Wanted,
    };
    for drifted in [
        changed(|o| live(o, "Thing").owned = None),
        changed(|o| live(o, "Thing").uid = "another".into()),
    ] {
        assert_eq!(acts(drifted).0, drift(Some("7")));
    }
    let gone = changed(|o| drop(o.live.remove(&key("Thing"))));
    assert_eq!(acts(gone).0, drift(None));
}

#[test]
fn an_object_that_is_being_deleted_is_not_written() {
    let going = changed(|o| {
        live(o, "Thing").deleting = true;
        live(o, "Thing").health = Health::Progressing {
            why: "it is being deleted".into(),
        };
    });
    waits(going, &WaitFor::Health, Reason::Progressing);
}

#[test]
fn health_is_awaited_until_the_deadline() {
    let slow = |seconds: i64| {
        changed(|o| {
            record(o).history[0].outcome = Outcome::InProgress;
            live(o, "Thing").health = Health::Progressing {
                why: "it starts".into(),
            };
            o.now = now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        })
    };
    let (action, _) = acts(slow(599));
    let Action::Wait(wait) = action else {
        panic!("{action:?}")
    };
    assert_eq!(wait.until, now().checked_add(SignedDuration::from_secs(600)).ok());
    let (action, _) = acts(slow(600));
    assert!(
        matches!(
            action,
            Action::WriteRecord {
                change: RecordChange::DeadlineMissed(_),
                ..
            }
        ),
        "{action:?}"
    );
}

#[test]
fn a_rollout_that_recovers_after_its_deadline_succeeds() {
    let late = changed(|o| record(o).history[0].outcome = Outcome::Failed);
    let (action, _) = acts(late);
    assert!(
        matches!(
            action,
            Action::WriteRecord {
                change: RecordChange::Succeeded,
                ..
            }
        ),
        "{action:?}"
    );
}

#[test]
fn a_new_spec_supersedes_what_is_in_progress() {
    let other = changed(|o| {
        o.app.author = Some("alice".into());
        record(o).history[0].outcome = Outcome::InProgress;
        if let Ok(wanted) = &mut o.wanted {
            let other: AppSpec = serde_json::from_value(
                json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": "other"}}}),
            )
            .unwrap();
            wanted.hash = RevisionHash::of(&RevisionSpec::new(&other, Vec::new()));
        }
    });
    let (
        Action::WriteRecord {
            record,
            change: RecordChange::Wanted,
            ..
        },
        _,
    ) = acts(other)
    else {
        panic!("another revision is wanted")
    };
    assert_eq!(record.history[0].outcome, Outcome::Superseded);
    assert_eq!(record.history[1].number, 2);
    assert_eq!(record.history[1].author.as_deref(), Some("alice"));
}

#[test]
fn what_forbids_delivery_is_said() {
    let shut = Gate::Shut {
        reason: Reason::ProjectNotReady,
        message: "it waits".into(),
    };
    waits(
        changed(|o| o.gate = shut),
        &WaitFor::Project,
        Reason::ProjectNotReady,
    );
    waits(
        changed(|o| o.app.suspended = true),
        &WaitFor::Person,
        Reason::Suspended,
    );
    waits(
        changed(|o| {
            o.asked = None;
            o.wanted = Err("spec cannot be read".into());
        }),
        &WaitFor::Person,
        Reason::Invalid,
    );
    // Brought back from a backup, without its record: nothing tells which hooks ran.
    let until = Timestamp::MAX;
    waits(
        changed(|o| {
            o.record = RecordView::Absent;
            o.gate = Gate::Restoring { until };
        }),
        &WaitFor::Change,
        Reason::Waiting,
    );
    let newer = RecordView::Unusable(RecordError::Newer { format: 2 });
    waits(
        changed(|o| o.record = newer),
        &WaitFor::Person,
        Reason::NewerRecord,
    );
}

#[test]
fn a_failed_action_is_told_and_tried_again_later_or_with_a_new_spec() {
    let failing = changed(|o| {
        live(o, "Thing").owned = None;
        o.failure = Some(Failure {
            attempted: Attempted::Apply,
            generation: 1,
            reason: Reason::Conflict,
            message: "somebody owns it".into(),
            retry_at: now().checked_add(SignedDuration::from_secs(4)).unwrap(),
        });
    });
    let report = waits(failing.clone(), &WaitFor::Retry, Reason::Conflict);
    assert_eq!(
        report.conditions[&ConditionType::Applied].message,
        "somebody owns it"
    );
    let mut later = failing.clone();
    later.now = now().checked_add(SignedDuration::from_secs(4)).unwrap();
    assert!(matches!(acts(later).0, Action::Apply { .. }));
    let mut edited = failing;
    edited.app.generation = 2;
    assert!(matches!(acts(edited).0, Action::Apply { .. }));
}

#[test]
fn a_status_that_cannot_be_written_is_no_hot_loop_and_is_not_forgotten() {
    let retry_at = now().checked_add(SignedDuration::from_secs(4)).unwrap();
    let failing = changed(|o| {
        o.failure = Some(Failure {
            attempted: Attempted::Status,
            generation: 1,
            reason: Reason::Retrying,
            message: "no answer".into(),
            retry_at,
        });
    });
    let Action::Wait(wait) = decide(&failing) else {
        panic!("it is written too early")
    };
    assert_eq!(wait.until, Some(retry_at));
    let mut later = failing;
    later.now = retry_at;
    assert!(matches!(decide(&later), Action::WriteStatus(_)));
}

#[test]
fn deletion_goes_backwards_and_ends_with_the_app() {
    let mut going = changed(|o| {
        o.app.deleting = true;
        o.jobs.push(job(JobState::Succeeded));
    });
    let delete = |kind| Action::Delete {
        key: key(kind),
        uid: "o1".into(),
        resource_version: "7".into(),
    };
    assert_eq!(acts(going.clone()).0, Action::Look);
    going.look = Look::Live;
    assert_eq!(acts(going.clone()).0, delete("Thing"));
    // The Service waits until it is really gone.
    live(&mut going, "Thing").deleting = true;
    let (action, _) = acts(going.clone());
    let wait = Wait {
        what: WaitFor::Deletion,
        until: None,
    };
    assert_eq!(action, Action::Wait(wait));
    going.live.remove(&key("Thing"));
    assert_eq!(acts(going.clone()).0, delete("Service"));
    going.live.clear();
    assert_eq!(acts(going.clone()).0, Action::DeleteJob { name: "j".into() });
    going.jobs.clear();
    assert_eq!(acts(going.clone()).0, Action::ReleaseRecord);
    going.record = RecordView::Absent;
    assert_eq!(acts(going.clone()).0, Action::ReleaseApp);
    going.app.finalizer = false;
    assert!(matches!(decide(&going), Action::Wait(_)));
}

#[test]
fn an_object_that_somebody_keeps_changing_is_left_alone_for_a_while() {
    let later = now().checked_add(SignedDuration::from_secs(600)).unwrap();
    let mut fought = changed(|o| live(o, "Thing").owned = None);
    let fight = Refusal {
        message: "hpa keeps changing .spec.replicas".into(),
        until: later,
    };
    fought.fights.insert(key("Thing"), fight);
    waits(fought.clone(), &WaitFor::Change, Reason::Conflict);
    fought.now = later;
    assert!(matches!(acts(fought).0, Action::Apply { .. }));
}

#[test]
fn deletion_lets_go_where_it_must_not_delete() {
    let orphan = changed(|o| {
        o.app.deleting = true;
        o.app.deletion_policy = AppDeletionPolicy::Orphan;
    });
    let namespace = changed(|o| {
        o.app.deleting = true;
        o.gate = Gate::NamespaceGoes;
    });
    for observed in [orphan, namespace] {
        assert_eq!(acts(observed).0, Action::ReleaseRecord);
    }
}

#[test]
fn the_record_of_an_earlier_app_of_this_name_is_cleared_first() {
    let restored = changed(|o| record(o).owner = Some("u0".into()));
    assert_eq!(acts(restored).0, Action::ReleaseRecord);
}

/// A restore strips owners. Then no hook runs again.
#[test]
fn a_record_without_an_owner_is_adopted() {
    waits(
        changed(|o| record(o).owner = None),
        &WaitFor::Change,
        Reason::Succeeded,
    );
}

#[test]
fn s42_what_stays_old_on_purpose_is_said_of_a_ready_app() {
    let observed = changed(|o| live(o, "Service").note = Some("old Pods remain".into()));
    let Action::WriteStatus(report) = decide(&observed) else {
        panic!("the status does not say so yet")
    };
    for kind in [ConditionType::Ready, ConditionType::Healthy] {
        let stated = &report.conditions[&kind];
        assert_eq!(stated.state, ConditionStatus::True);
        assert!(
            stated.message.ends_with("Service pay: old Pods remain"),
            "{}",
            stated.message
        );
    }
}
