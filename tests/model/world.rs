//! What is true: the App, its record, its objects and Jobs, and what one controller believes of them.
//!
//! The controller is the shipped `decide`; this file plays the API server and the acting half. Everything
//! that the shipped acting half guards is guarded here, unless a seeded bug takes the guard away.

use std::collections::{BTreeMap, BTreeSet};

use kubeop_shared::api::app::HookNeeds;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::delivery::{
    Action, AppView, Attempted, Failure, Gate, JobState, JobView, Live, Look, Observed, RecordView, Refusal,
    Report, Source, Stage, Target, WaitFor, decide,
};
use kubeop_shared::health::Health;
use kubeop_shared::revision::{HookKey, HookOutcome, InventoryEntry, ObjectKey, Phase, Record};

use crate::specs::{Specs, later, now};
use crate::{Bug, Fault};

/// The App's name, and the label on what is its.
pub const APP: &str = "pay";

/// The App object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct App {
    pub version: u64,
    pub spec: usize,
    pub deleting: bool,
    pub finalizer: bool,
    pub retry: u64,
    pub skip: u64,
    /// The value of `rollback-to`, and which request it is.
    pub rollback: Option<(String, u64)>,
    /// The kept spec that a person rolled back to and that nothing has lifted since.
    pub wish: Option<usize>,
}

/// A delivered object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Thing {
    pub uid: u64,
    pub version: u64,
    /// Which spec it says; none after a hand edit.
    pub says: Option<usize>,
    pub healthy: bool,
    /// It carries our label. Otherwise another App has taken it.
    pub ours: bool,
}

/// What one controller believes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Mind {
    pub app: Option<App>,
    pub record: Option<(Record, u64)>,
    pub things: BTreeMap<ObjectKey, Thing>,
    pub jobs: Vec<JobView>,
    pub applied: BTreeMap<ObjectKey, InventoryEntry>,
    pub look: Option<Looked>,
    pub refused: BTreeSet<ObjectKey>,
    /// An apply met an object of another App.
    pub failed: bool,
}

/// What was read live.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Looked {
    /// Version of the App: what was looked for.
    pub of: u64,
    pub record: Option<u64>,
    pub things: BTreeMap<ObjectKey, Thing>,
}

/// A write on its way, and what its writer believed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Late {
    pub action: Action,
    pub mind: Mind,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub app: Option<App>,
    pub record: Option<(Record, u64)>,
    pub things: BTreeMap<ObjectKey, Thing>,
    pub jobs: Vec<JobView>,
    pub mind: Mind,
    /// A write of a leader that was deposed, still on its way.
    pub late: Option<Box<Late>>,
    /// A policy denies every deletion of delivered objects.
    pub denied: bool,
    /// Attempts that were started, ever.
    pub started: BTreeSet<(HookKey, u32)>,
    /// Hooks that succeeded, ever.
    pub succeeded: BTreeSet<HookKey>,
    pub fault: Option<Fault>,
    /// What others may still do.
    pub budget: u8,
    pub clock: u64,
    landing: bool,
}

/// Whether an action was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Yes,
    /// The API server refused it, since something had changed.
    Stale,
}

impl World {
    pub fn new(budget: u8) -> Self {
        let app = App {
            version: 1,
            spec: 0,
            deleting: false,
            finalizer: false,
            retry: 0,
            skip: 0,
            rollback: None,
            wish: None,
        };
        let mut world = Self {
            app: Some(app),
            record: None,
            things: BTreeMap::new(),
            jobs: Vec::new(),
            mind: Mind::default(),
            late: None,
            denied: false,
            started: BTreeSet::new(),
            succeeded: BTreeSet::new(),
            fault: None,
            budget,
            clock: 1,
            landing: false,
        };
        world.restart();
        world
    }

    pub fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn blame(&mut self, fault: Fault) {
        self.fault = self.fault.or(Some(fault));
    }

    /// A controller starts: it lists everything, and remembers nothing.
    pub fn restart(&mut self) {
        self.mind = Mind {
            app: self.app.clone(),
            record: self.record.clone(),
            things: self.things.clone(),
            jobs: self.jobs.clone(),
            ..Mind::default()
        };
    }

    /// All news reach the controller.
    pub fn hear_all(&mut self) {
        let mind = std::mem::take(&mut self.mind);
        self.restart();
        self.mind.applied = mind.applied;
        self.mind.look = mind.look;
        self.mind.refused = mind.refused;
        self.mind.failed = mind.failed;
    }

    /// Whether the controller believes what is true.
    pub fn is_fresh(&self) -> bool {
        let mind = &self.mind;
        mind.app == self.app
            && mind.record == self.record
            && mind.things == self.things
            && mind.jobs == self.jobs
    }

    pub fn observed(&self, specs: &Specs) -> Option<Observed> {
        let mind = &self.mind;
        let app = mind.app.as_ref()?;
        // Before an App is let go, a record that is not known is looked for.
        let record = mind
            .record
            .as_ref()
            .or(self.record.as_ref().filter(|_| app.deleting));
        let version = record.map(|(_, version)| *version);
        let looked = mind
            .look
            .as_ref()
            .filter(|look| look.record == version && look.of == app.version);
        let mut live: BTreeMap<ObjectKey, Live> = looked
            .map(|look| {
                look.things
                    .iter()
                    .map(|(key, thing)| (key.clone(), seen(specs, key, thing)))
                    .collect()
            })
            .unwrap_or_default();
        let target = target(specs, record.map(|(record, _)| record), app.spec);
        let held = record.and_then(|(record, _)| held(specs, record, target));
        if !app.deleting {
            let held = held.iter().flat_map(|spec| &specs.wanted(*spec).objects);
            for object in specs.wanted(target).objects.iter().chain(held) {
                if let Some(thing) = mind.things.get(&object.key).filter(|thing| thing.ours) {
                    live.insert(object.key.clone(), seen(specs, &object.key, thing));
                }
            }
        }
        let refusal = |key: &ObjectKey| {
            let refusal = Refusal {
                message: "denied".into(),
                until: later(),
            };
            (key.clone(), refusal)
        };
        Some(Observed {
            now: now(),
            app: AppView {
                name: APP.into(),
                uid: "u1".into(),
                generation: 1,
                deleting: app.deleting,
                finalizer: app.finalizer,
                history_limit: 2,
                progress_deadline: 600,
                retry: (app.retry > 0).then(|| app.retry.to_string()),
                skip: (app.skip > 0).then(|| format!("migrate by {}", app.skip)),
                rollback: app
                    .rollback
                    .as_ref()
                    .map(|(value, number)| format!("{value} by {number}")),
                ..AppView::default()
            },
            gate: Gate::Open,
            asked: Some(specs.wanted(app.spec).hash.clone()),
            wanted: Ok(specs.wanted(target).clone()),
            undone: None,
            held: held.map(|spec| specs.wanted(spec).clone()),
            record: record.map_or(RecordView::Absent, |(record, version)| RecordView::Present {
                record: Box::new(record.clone()),
                resource_version: version.to_string(),
            }),
            applied: mind.applied.clone(),
            live,
            look: if looked.is_some() {
                Look::Live
            } else {
                Look::Caches
            },
            jobs: mind.jobs.clone(),
            failure: mind.failed.then(|| Failure {
                attempted: Attempted::Apply,
                generation: 1,
                reason: Reason::Conflict,
                message: "it belongs to another App".into(),
                retry_at: later(),
            }),
            refused: mind.refused.iter().map(refusal).collect(),
            fights: BTreeMap::new(),
            compliant: None,
            status: Report::default(),
        })
    }

    /// What the controller does next. The status is written in passing: nothing depends on it.
    pub fn decision(&self, specs: &Specs) -> Action {
        let Some(mut observed) = self.observed(specs) else {
            return waits(WaitFor::Change);
        };
        match decide(&observed) {
            Action::WriteStatus(report) => {
                observed.status = *report;
                decide(&observed)
            }
            action => action,
        }
    }

    /// One action of the controller, carried out and answered.
    pub fn step(&mut self, specs: &Specs, bug: Option<Bug>) {
        let action = self.decision(specs);
        if self.act(specs, &action, bug) == Done::Stale {
            // Not a fault: it reads again.
            self.mind.app = self.app.clone();
            self.mind.record = self.record.clone();
            if let Action::Apply { objects, .. } = &action {
                for Target { key, .. } in objects {
                    remember(&mut self.mind.things, key, self.things.get(key));
                }
            }
        }
    }

    /// The write of a deposed leader arrives; nobody hears the answer.
    pub fn land(&mut self, specs: &Specs, bug: Option<Bug>) {
        let Some(late) = self.late.take() else { return };
        let Late { action, mind } = *late;
        let present = std::mem::replace(&mut self.mind, mind);
        self.landing = true;
        self.act(specs, &action, bug);
        self.landing = false;
        self.mind = present;
    }

    fn act(&mut self, specs: &Specs, action: &Action, bug: Option<Bug>) -> Done {
        match action {
            Action::Wait(_) | Action::WriteStatus(_) => Done::Yes,
            Action::AddFinalizer => self.write_app(|app| app.finalizer = true),
            Action::ReleaseApp => self.release_app(),
            Action::WriteRecord { record, over, .. } => self.write_record(record, over.as_ref(), bug),
            Action::RunHook { key, attempt } => self.run_hook(key, *attempt, bug),
            Action::ReleaseJob { name } => {
                if let Some(job) = self.jobs.iter_mut().find(|job| job.name == *name) {
                    job.held = false;
                }
                self.mind.jobs = self.jobs.clone();
                Done::Yes
            }
            Action::DeleteJob { name } => {
                self.jobs.retain(|job| job.name != *name);
                self.mind.jobs = self.jobs.clone();
                Done::Yes
            }
            Action::Apply { objects, of, .. } => self.apply(specs, objects, *of, bug),
            Action::Look => {
                self.look(specs, bug);
                Done::Yes
            }
            Action::Delete {
                key,
                uid,
                resource_version,
            } => {
                self.delete(specs, key, uid, resource_version, bug);
                Done::Yes
            }
            Action::ReleaseRecord => {
                self.record = None;
                self.mind.record = None;
                Done::Yes
            }
        }
    }

    fn write_app(&mut self, change: impl Fn(&mut App)) -> Done {
        let version = self.tick();
        let (Some(app), Some(seen)) = (&mut self.app, &self.mind.app) else {
            return Done::Stale;
        };
        if app.version != seen.version {
            return Done::Stale;
        }
        change(app);
        app.version = version;
        self.mind.app = self.app.clone();
        Done::Yes
    }

    fn release_app(&mut self) -> Done {
        if self.write_app(|_| {}) == Done::Stale {
            return Done::Stale;
        }
        let left =
            self.things.values().any(|thing| thing.ours) || !self.jobs.is_empty() || self.record.is_some();
        if left {
            self.blame(Fault::LeftBehind);
        }
        self.app = None;
        self.mind.app = None;
        Done::Yes
    }

    fn write_record(&mut self, record: &Record, over: Option<&String>, bug: Option<Bug>) -> Done {
        let there = self.record.as_ref().map(|(_, version)| version.to_string());
        if there.as_ref() != over && bug != Some(Bug::UnguardedRecord) {
            return Done::Stale;
        }
        let written = (record.clone(), self.tick());
        self.mind
            .applied
            .retain(|key, entry| record.inventory.get(key) != Some(entry));
        if let Some(look) = &mut self.mind.look
            && look.record.map(|version| version.to_string()).as_ref() == over
        {
            look.record = Some(written.1);
        }
        let skipped = record
            .hooks
            .iter()
            .filter(|run| matches!(run.outcome, HookOutcome::Skipped { .. }));
        self.succeeded.extend(skipped.map(|run| run.key.clone()));
        self.record = Some(written);
        self.mind.record.clone_from(&self.record);
        Done::Yes
    }

    fn run_hook(&mut self, key: &HookKey, attempt: u32, bug: Option<Bug>) -> Done {
        if !self.landing && self.mind.jobs != self.jobs {
            // The Jobs are read before one is started: a late write may have made one.
            self.mind.jobs = self.jobs.clone();
            return Done::Yes;
        }
        let name = format!("{}-{}-{}-{attempt}", key.phase, key.name, key.hash.short());
        // A Job of this name that exists already counts.
        let named = bug != Some(Bug::UnnamedJobs);
        if !(named && self.jobs.iter().any(|job| job.name == name)) {
            if !self.started.insert((key.clone(), attempt)) || self.succeeded.contains(key) {
                self.blame(Fault::HookTwice);
            }
            let running = |job: &JobView| matches!(job.state, JobState::Running { .. });
            // Nothing guards the creation of another object against one that is on its way.
            if self.jobs.iter().any(running) && !self.landing {
                self.blame(Fault::TwoHooksAtOnce);
            }
            self.jobs.push(JobView {
                name,
                key: key.clone(),
                attempt,
                held: true,
                deadline: None,
                state: JobState::Running { why: None },
            });
        }
        self.mind.jobs = self.jobs.clone();
        Done::Yes
    }

    fn apply(&mut self, specs: &Specs, targets: &[Target], of: Source, bug: Option<Bug>) -> Done {
        for Target { key, over } in targets {
            let there = self.things.get(key);
            if there.is_some_and(|thing| !thing.ours) {
                self.mind.failed = true;
                return Done::Yes;
            }
            let same = there.map(|thing| thing.version.to_string()) == *over;
            // uid and version guard what was seen. Nothing guards a creation: if it exists meanwhile, it is applied.
            if over.is_some() && !same && bug != Some(Bug::UnguardedApply) {
                return Done::Stale;
            }
            let Some(spec) = self.mind.app.as_ref().map(|app| app.spec) else {
                return Done::Stale;
            };
            let known = self.mind.record.as_ref().map(|(record, _)| record);
            let spec = target(specs, known, spec);
            let spec = match of {
                Source::Wanted => Some(spec),
                Source::Held => known.and_then(|record| held(specs, record, spec)),
            };
            let Some(spec) = spec else { return Done::Stale };
            let wanted = self.record.as_ref().and_then(|(record, _)| record.wanted());
            let wanted = wanted.map(|revision| &revision.hash);
            let newer = |says: usize| says != spec && wanted == Some(&specs.wanted(says).hash);
            if self.landing && !same && there.and_then(|thing| thing.says).is_some_and(newer) {
                self.blame(Fault::OldRevisionCameBack);
            }
            self.put(specs, key, spec);
        }
        Done::Yes
    }

    fn put(&mut self, specs: &Specs, key: &ObjectKey, spec: usize) {
        let before_hooks = specs.wanted(spec).pre.iter().any(|name| {
            let key = HookKey {
                hash: specs.wanted(spec).hash.clone(),
                phase: Phase::Pre,
                name: name.clone(),
            };
            !self.succeeded.contains(&key)
        });
        let stage = Stage::of(&key.group, &key.kind);
        let asked_for = specs.wanted(spec).needs == HookNeeds::Config && Stage::BEFORE_HOOKS.contains(&stage);
        if before_hooks && !asked_for {
            self.blame(Fault::BeforeItsHooks);
        }
        let version = self.tick();
        let before = self.things.get(key);
        let same = before.is_some_and(|thing| thing.says == Some(spec));
        let thing = Thing {
            uid: before.map_or(version, |thing| thing.uid),
            version,
            says: Some(spec),
            healthy: same && before.is_some_and(|thing| thing.healthy),
            ours: true,
        };
        let rendered = specs.rendered(key, spec);
        let entry = InventoryEntry {
            uid: Some(uid(key, &thing)),
            rendered: Some(rendered.clone()),
            owned: Some(rendered),
        };
        self.things.insert(key.clone(), thing.clone());
        self.mind.things.insert(key.clone(), thing);
        self.mind.applied.insert(key.clone(), entry);
    }

    fn look(&mut self, specs: &Specs, bug: Option<Bug>) {
        let live = bug != Some(Bug::StalePrune);
        let (record, things) = if live {
            (self.record.clone(), self.things.clone())
        } else {
            (self.mind.record.clone(), self.things.clone())
        };
        self.mind.record.clone_from(&record);
        if self.mind.app.as_ref().is_some_and(|app| app.deleting) {
            self.mind.jobs = self.jobs.clone();
        }
        let app = self.mind.app.as_ref();
        let asked: Vec<ObjectKey> = match app {
            Some(app) if !app.deleting => {
                let record = record.as_ref().map(|(record, _)| record);
                let objects = specs.wanted(target(specs, record, app.spec)).objects.iter();
                objects.map(|object| object.key.clone()).collect()
            }
            _ => Vec::new(),
        };
        let inventory = record.iter().flat_map(|(record, _)| record.inventory.keys());
        let known: BTreeSet<ObjectKey> = inventory.chain(self.mind.applied.keys()).cloned().collect();
        let found = known
            .into_iter()
            .filter(|key| !asked.contains(key))
            .filter_map(|key| {
                let thing = things.get(&key).filter(|thing| thing.ours)?.clone();
                Some((key, thing))
            });
        self.mind.look = Some(Looked {
            of: app.map(|app| app.version).unwrap_or_default(),
            record: record.as_ref().map(|(_, version)| *version),
            things: found.collect(),
        });
    }

    fn delete(&mut self, specs: &Specs, key: &ObjectKey, only: &str, version: &str, bug: Option<Bug>) {
        let Some(thing) = self.things.get(key) else {
            if let Some(look) = &mut self.mind.look {
                look.things.remove(key);
            }
            return;
        };
        if uid(key, thing) != only || thing.version.to_string() != version {
            self.mind.look = None;
            return;
        }
        if self.denied {
            if bug == Some(Bug::ForgetsDenied) {
                if let Some(look) = &mut self.mind.look {
                    look.things.remove(key);
                }
            } else {
                self.mind.refused.insert(key.clone());
            }
            return;
        }
        let mine = thing.ours;
        let wanted = self.record.as_ref().and_then(|(record, _)| record.wanted());
        let wanted = wanted.and_then(|revision| specs.of_hash(&revision.hash));
        let asked_for = wanted.is_some_and(|wanted| wanted.objects.iter().any(|object| object.key == *key));
        let leaving = self.app.as_ref().is_none_or(|app| app.deleting);
        // A delete that was on its way can hit what is wanted again: its preconditions hold, and drift puts it back.
        if !mine || (asked_for && !leaving && !self.landing) {
            self.blame(Fault::DeletedWhatIsWanted);
        }
        self.things.remove(key);
        self.mind.things.remove(key);
        self.mind.refused.remove(key);
        if let Some(look) = &mut self.mind.look {
            look.things.remove(key);
        }
    }

    /// Whether every object of ours stands in the inventory: otherwise nobody will ever take it away.
    pub fn knows_all_of_its_objects(&self) -> bool {
        let inventory = self.record.as_ref().map(|(record, _)| &record.inventory);
        let known = |key: &ObjectKey| inventory.is_some_and(|inventory| inventory.contains_key(key));
        self.things.iter().all(|(key, thing)| !thing.ours || known(key))
    }
}

/// No two objects have the same.
fn uid(key: &ObjectKey, thing: &Thing) -> String {
    format!("{}-{}", key.kind, thing.uid)
}

/// What `decide` sees of an object.
fn seen(specs: &Specs, key: &ObjectKey, thing: &Thing) -> Live {
    Live {
        uid: uid(key, thing),
        resource_version: thing.version.to_string(),
        deleting: false,
        owned: thing.says.map(|spec| specs.rendered(key, spec)),
        health: if thing.healthy {
            Health::Ready
        } else {
            Health::Progressing {
                why: "it starts".into(),
            }
        },
        replicas: None,
        owns_replicas: false,
        keep: false,
        crashes: false,
        note: None,
    }
}

fn remember(things: &mut BTreeMap<ObjectKey, Thing>, key: &ObjectKey, thing: Option<&Thing>) {
    match thing {
        Some(thing) => things.insert(key.clone(), thing.clone()),
        None => things.remove(key),
    };
}

fn waits(what: WaitFor) -> Action {
    Action::Wait(kubeop_shared::delivery::Wait { what, until: None })
}

/// The spec that is to be delivered while the App says this one: a pin may hold another.
pub fn target(specs: &Specs, record: Option<&Record>, asked: usize) -> usize {
    let pin = record.and_then(|record| record.pin.as_ref());
    let pin = pin.filter(|pin| pin.holds(&specs.wanted(asked).hash));
    pin.and_then(|pin| specs.position(&pin.hash)).unwrap_or(asked)
}

/// The spec that is delivered while hooks stand before the one that is asked for.
pub fn held(specs: &Specs, record: &Record, asked: usize) -> Option<usize> {
    let wanted = specs.wanted(asked);
    let key = |name: &String| HookKey {
        hash: wanted.hash.clone(),
        phase: Phase::Pre,
        name: name.clone(),
    };
    let delivered = record.delivered_hash().filter(|hash| **hash != wanted.hash)?;
    let waits = wanted.pre.iter().any(|name| !record.is_done(&key(name)));
    waits.then(|| specs.position(delivered)).flatten()
}
