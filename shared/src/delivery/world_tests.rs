//! A small world in which whatever `decide` says happens, together with what others do at any moment:
//! crashes, edits, deletions, new specs, hooks that fail. What must hold, holds after every step.

use super::{
    Action, AppView, Gate, JobState, JobView, Live, Look, Observed, RecordView, Report, Stage, Target,
    WaitFor, Wanted, WantedObject, decide,
};
use crate::api::AppSpec;
use crate::api::app::HookNeeds;
use crate::api::conditions::{ConditionStatus, ConditionType};
use crate::health::Health;
use crate::revision::{
    Digest, HookKey, InventoryEntry, ObjectKey, Phase, Record, RevisionHash, RevisionSpec,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// More than any run needs.
const STEPS: usize = 400;

/// What others do.
#[derive(Clone, Debug)]
enum Event {
    /// The controller loses its memory.
    Crash,
    /// Another spec, one of three.
    Spec(usize),
    /// `retry-hooks` gets a new value.
    Retry,
    /// Every running Job ends.
    JobsEnd(End),
    /// Every object becomes healthy.
    Healthy,
    /// Somebody edits an object.
    Edit(usize),
    /// Somebody deletes an object.
    Remove(usize),
    /// The Project stops delivery, or lets it go on.
    Gate(Gate),
    /// Time passes.
    Seconds(i64),
    /// Some steps of the controller.
    Steps(usize),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Badly,
}

struct World {
    now: Timestamp,
    app: AppView,
    gate: Gate,
    spec: usize,
    record: Option<(Record, u64)>,
    applied: BTreeMap<ObjectKey, InventoryEntry>,
    live: BTreeMap<ObjectKey, Live>,
    look: Look,
    jobs: Vec<JobView>,
    status: Report,
    counter: u64,
    /// Every attempt that was ever started.
    started: BTreeSet<(HookKey, u32)>,
    /// Every hook that ever succeeded.
    succeeded: BTreeSet<HookKey>,
    app_is_there: bool,
}

/// Three specs: each with other hooks and objects.
fn wanted(spec: usize) -> Wanted {
    let said: AppSpec = serde_json::from_value(json!({
        "projectRef": "web",
        "delivery": {"kind": "Image", "image": {"ref": format!("ghcr.io/acme/pay:{spec}")}},
    }))
    .unwrap();
    let hash = RevisionHash::of(&RevisionSpec::new(&said, Vec::new()));
    let kinds = [
        ("", "ConfigMap"),
        ("", "Service"),
        ("apps", "Deployment"),
        ("networking.k8s.io", "Ingress"),
    ];
    let object = |(group, kind): (&str, &str)| WantedObject {
        key: ObjectKey {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            name: "pay".into(),
        },
        stage: Stage::of(group, kind),
        rendered: Digest::of_text(&format!("{kind} {spec}")),
    };
    let names = |count: usize, prefix: &str| (0..count).map(|index| format!("{prefix}{index}")).collect();
    Wanted {
        hash,
        pre: names([2, 1, 0][spec], "pre"),
        post: names([1, 0, 1][spec], "post"),
        needs: HookNeeds::None,
        objects: kinds.into_iter().take([4, 3, 2][spec] + 1).map(object).collect(),
        images: vec![],
        left: vec![],
    }
}

impl World {
    fn new() -> Self {
        Self {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            app: AppView {
                name: "pay".into(),
                uid: "u1".into(),
                generation: 1,
                history_limit: 2,
                progress_deadline: 600,
                ..AppView::default()
            },
            gate: Gate::Open,
            spec: 0,
            record: None,
            applied: BTreeMap::new(),
            live: BTreeMap::new(),
            look: Look::Caches,
            jobs: Vec::new(),
            status: Report::default(),
            counter: 0,
            started: BTreeSet::new(),
            succeeded: BTreeSet::new(),
            app_is_there: true,
        }
    }

    fn observed(&self) -> Observed {
        Observed {
            now: self.now,
            app: self.app.clone(),
            gate: self.gate.clone(),
            asked: Some(wanted(self.spec).hash),
            wanted: Ok(wanted(self.spec)),
            undone: None,
            // The model walks with it.
            held: None,
            record: self
                .record
                .as_ref()
                .map_or(RecordView::Absent, |(record, version)| RecordView::Present {
                    record: Box::new(record.clone()),
                    resource_version: version.to_string(),
                }),
            applied: self.applied.clone(),
            live: self.live.clone(),
            jobs: self.jobs.clone(),
            look: self.look,
            failure: None,
            refused: BTreeMap::new(),
            fights: BTreeMap::new(),
            compliant: None,
            status: self.status.clone(),
        }
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// One step; what is awaited, if nothing else is to be done.
    fn step(&mut self) -> Option<WaitFor> {
        let observed = self.observed();
        let action = decide(&observed);
        assert_eq!(action, decide(&observed), "the same answer to the same question");
        match action {
            Action::Wait(wait) => return Some(wait.what),
            Action::AddFinalizer => self.app.finalizer = true,
            Action::WriteRecord { record, over, .. } => {
                let known = self.record.as_ref().map(|(_, version)| version.to_string());
                assert_eq!(over, known, "a record is written over the one that was seen");
                let read = Record::from_data(&record.to_data()).expect("what is written can be read");
                let version = self.next_number();
                self.applied
                    .retain(|key, entry| read.inventory.get(key) != Some(entry));
                self.record = Some((
                    Record {
                        owner: record.owner,
                        ..read
                    },
                    version,
                ));
            }
            Action::RunHook { key, attempt } => self.run_hook(key, attempt),
            Action::ReleaseJob { name } => {
                let job = self
                    .jobs
                    .iter_mut()
                    .find(|job| job.name == name)
                    .expect("the Job is there");
                job.held = false;
                let recorded = self.record.as_ref().and_then(|(record, _)| record.hook(&job.key));
                assert!(
                    recorded.is_some(),
                    "a Job is let go after its outcome is recorded"
                );
            }
            Action::DeleteJob { name } => {
                // A revision that is forgotten with a failed hook is a new one when it comes back.
                let gone = self.jobs.extract_if(.., |job| job.name == name);
                let keys: Vec<_> = gone.map(|job| job.key).collect();
                self.started.retain(|(key, _)| !keys.contains(key));
            }
            Action::Look => self.look = Look::Live,
            Action::Apply { stage, objects, .. } => self.apply(stage, &objects),
            Action::Delete {
                key,
                uid,
                resource_version,
            } => {
                let live = self.live.remove(&key).expect("what is deleted exists");
                assert_eq!((live.uid, live.resource_version), (uid, resource_version));
                let wanted = wanted(self.spec).objects.iter().any(|object| object.key == key);
                assert!(self.app.deleting || !wanted, "what is wanted stays: {key}");
            }
            Action::ReleaseRecord => {
                assert!(self.jobs.is_empty(), "the record outlives the Jobs");
                self.record = None;
            }
            Action::ReleaseApp => {
                assert!(self.record.is_none());
                self.app_is_there = false;
                self.app.finalizer = false;
            }
            Action::WriteStatus(report) => {
                let holds = |kind| {
                    report
                        .conditions
                        .get(&kind)
                        .is_some_and(|said| said.state == ConditionStatus::True)
                };
                assert!(!(holds(ConditionType::Reconciling) && holds(ConditionType::Stalled)));
                assert!(!(holds(ConditionType::Ready) && holds(ConditionType::Stalled)));
                self.status = *report;
            }
        }
        None
    }

    fn run_hook(&mut self, key: HookKey, attempt: u32) {
        assert!(
            self.started.insert((key.clone(), attempt)),
            "an attempt is started once: {key:?} {attempt}"
        );
        assert!(
            !self.succeeded.contains(&key),
            "a hook that succeeded never runs again: {key:?}"
        );
        let running = self
            .jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Running { .. }))
            .count();
        assert_eq!(running, 0, "one hook at a time");
        let name = format!("job-{}", self.next_number());
        let state = JobState::Running { why: None };
        self.jobs.push(JobView {
            name,
            key,
            attempt,
            held: true,
            deadline: None,
            state,
        });
    }

    fn apply(&mut self, stage: Stage, targets: &[Target]) {
        for Target { key, over } in targets {
            let seen = self.live.get(key).map(|live| &live.resource_version);
            assert_eq!(over.as_ref(), seen, "an apply says over what it goes");
        }
        let keys = targets.iter().map(|target| &target.key);
        let wanted = wanted(self.spec);
        let (record, _) = self
            .record
            .as_ref()
            .expect("the record is there before anything is applied");
        for name in &wanted.pre {
            let key = HookKey {
                hash: wanted.hash.clone(),
                phase: Phase::Pre,
                name: name.clone(),
            };
            assert!(record.is_done(&key), "pre hooks come before delivered objects");
        }
        for key in keys.clone() {
            assert!(
                record.inventory.contains_key(key),
                "an object is recorded before it is applied"
            );
            let object = wanted
                .objects
                .iter()
                .find(|object| object.key == *key)
                .expect("only what is wanted");
            assert_eq!(object.stage, stage);
        }
        for key in keys {
            let object = wanted.objects.iter().find(|object| object.key == *key).unwrap();
            let version = self.next_number().to_string();
            let before = self.live.get(key);
            let changed = before.is_none_or(|live| live.owned.as_ref() != Some(&object.rendered));
            let uid = before.map_or_else(|| format!("uid-{version}"), |live| live.uid.clone());
            let health = match before {
                Some(live) if !changed => live.health.clone(),
                _ => Health::Progressing {
                    why: "it is new".into(),
                },
            };
            let owned = Some(object.rendered.clone());
            let entry = InventoryEntry {
                uid: Some(uid.clone()),
                rendered: owned.clone(),
                owned: owned.clone(),
            };
            let live = Live {
                uid,
                resource_version: version,
                deleting: false,
                owned,
                health,
                note: None,
                replicas: None,
                owns_replicas: false,
                keep: false,
                crashes: false,
            };
            self.live.insert(key.clone(), live);
            self.applied.insert(key.clone(), entry);
        }
    }

    fn happen(&mut self, event: &Event) {
        self.look = Look::Caches;
        match event {
            Event::Crash => self.applied.clear(),
            Event::Spec(spec) => {
                self.app.generation += i64::from(self.spec != *spec);
                self.spec = *spec;
            }
            Event::Retry => self.app.retry = Some(self.next_number().to_string()),
            Event::JobsEnd(end) => self.jobs_end(*end),
            Event::Healthy => self
                .live
                .values_mut()
                .for_each(|live| live.health = Health::Ready),
            Event::Edit(index) => {
                if let Some(live) = self.live.values_mut().nth(*index) {
                    live.owned = None;
                }
            }
            Event::Remove(index) => {
                if let Some(key) = self.live.keys().nth(*index).cloned() {
                    self.live.remove(&key);
                }
            }
            Event::Gate(gate) => self.gate = gate.clone(),
            Event::Seconds(seconds) => {
                self.now = self.now.checked_add(SignedDuration::from_secs(*seconds)).unwrap();
            }
            Event::Steps(count) => {
                for _ in 0..*count {
                    if self.step().is_some() {
                        break;
                    }
                }
            }
        }
    }

    fn jobs_end(&mut self, end: End) {
        for job in &mut self.jobs {
            if !matches!(job.state, JobState::Running { .. }) {
                continue;
            }
            job.state = match end {
                End::Well => {
                    self.succeeded.insert(job.key.clone());
                    JobState::Succeeded
                }
                End::Badly => JobState::Failed {
                    exit_code: Some(3),
                    message: "no such table".into(),
                },
            };
        }
    }

    /// Runs until nothing is to be done, with everybody else helping.
    fn settle(&mut self) {
        for _ in 0..STEPS {
            match self.step() {
                None => {}
                Some(WaitFor::Hook) => self.jobs_end(End::Well),
                Some(WaitFor::Health) => self.happen(&Event::Healthy),
                Some(WaitFor::Person) => self.happen(&Event::Retry),
                Some(WaitFor::Project) => self.gate = Gate::Open,
                Some(WaitFor::Change) => return,
                Some(WaitFor::Deletion | WaitFor::Retry) => {
                    unreachable!("deletions are at once, and nothing fails")
                }
            }
        }
        panic!(
            "no end within {STEPS} steps; last action: {:?}",
            decide(&self.observed())
        );
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        1 => Just(Event::Crash),
        2 => (0..3_usize).prop_map(Event::Spec),
        1 => Just(Event::Retry),
        3 => Just(Event::JobsEnd(End::Well)),
        1 => Just(Event::JobsEnd(End::Badly)),
        2 => Just(Event::Healthy),
        1 => (0..4_usize).prop_map(Event::Edit),
        1 => (0..4_usize).prop_map(Event::Remove),
        1 => Just(Event::Gate(Gate::Open)),
        1 => Just(Event::Gate(Gate::Shut { reason: crate::api::conditions::Reason::ProjectNotReady, message: "it waits".into() })),
        1 => (1..700_i64).prop_map(Event::Seconds),
        8 => (1..9_usize).prop_map(Event::Steps),
    ];
    prop::collection::vec(event, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_happens_what_is_wanted_is_delivered_in_the_end(events in events()) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        world.settle();
        // A hook of a revision that was superseded may still run.
        world.jobs_end(End::Well);
        world.settle();
        let wanted = wanted(world.spec);
        for object in &wanted.objects {
            prop_assert_eq!(world.live[&object.key].owned.as_ref(), Some(&object.rendered));
        }
        prop_assert_eq!(world.live.len(), wanted.objects.len(), "what is no longer wanted is gone");
        let (record, _) = world.record.as_ref().unwrap();
        prop_assert_eq!(record.delivered_hash(), Some(&wanted.hash));
        prop_assert!(record.inventory.keys().eq(world.live.keys()));
        let ready = &world.status.conditions[&ConditionType::Ready];
        prop_assert_eq!(ready.state, ConditionStatus::True);
        prop_assert_eq!(world.status.revision.as_deref(), Some(wanted.hash.short()));
        prop_assert!(world.jobs.iter().all(|job| !job.held), "no Job is held that is done");

        // And once it stands, nothing is done any more, also by a controller that starts anew.
        world.applied.clear();
        prop_assert_eq!(world.step(), Some(WaitFor::Change));
    }

    #[test]
    fn whatever_happened_a_deleted_app_leaves_nothing(events in events()) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        // Before its finalizer there is nothing to clean up.
        let finalizer = world.app.finalizer;
        world.app.deleting = true;
        world.settle();
        prop_assert_eq!(world.app_is_there, !finalizer);
        if finalizer {
            prop_assert!(world.record.is_none() && world.jobs.is_empty());
            prop_assert!(world.live.is_empty());
        }
    }
}
