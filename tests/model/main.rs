//! The decision core under everything that can happen: the shipped `decide`, walked through every order of
//! crashes, stale reads, edits, new specs, deletions, denied deletes and a deposed leader's late write.
//!
//! `just prove` goes deeper than the normal run. Bugs of the acting half can be switched on here, and the
//! walk finds each of them: so it is known that it would.

mod canonical;
mod others;
mod specs;
mod walks;
mod world;

use kubeop_shared::delivery::{Action, JobState, WaitFor};
use kubeop_shared::revision::{HookOutcome, ObjectKey};
use specs::Specs;
use stateright::{Model, Property};
use world::{Late, World, held, target};

/// More steps than any way to the end needs.
const STEPS: usize = 60;

/// What must be seen to happen, else the walk proves nothing.
const DELIVERED: &str = "a revision is delivered";

/// A mistake that the acting half could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    /// The record is written whatever stands there now.
    UnguardedRecord,
    /// Objects are applied whatever stands there now.
    UnguardedApply,
    /// What is to be pruned is looked up by a record that may be stale.
    StalePrune,
    /// A denied delete is taken for done.
    ForgetsDenied,
    /// Jobs get names of their own, not of their hook, revision and attempt.
    UnnamedJobs,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An attempt was started twice, or a hook that had succeeded.
    HookTwice,
    /// A hook started while another ran.
    TwoHooksAtOnce,
    /// An object was written before the pre hooks of its revision succeeded.
    BeforeItsHooks,
    /// A late write brought back what a newer one had replaced.
    OldRevisionCameBack,
    /// Something was deleted that the record says is wanted, or that another App holds.
    DeletedWhatIsWanted,
    /// The App was let go with objects, Jobs or a record left.
    LeftBehind,
    /// The controller acts on and on, though nobody else does anything.
    NoEnd,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Event {
    /// The controller decides and acts.
    Step,
    /// News of one kind reach the controller.
    AppNews,
    RecordNews,
    ThingNews,
    JobNews,
    /// The controller crashes and starts again.
    Crash,
    /// The next write is sent, then the leader is deposed; another starts.
    Depose,
    /// The late write arrives, or is lost.
    LateLands,
    LateIsLost,
    /// The other spec.
    Spec,
    Delete,
    Retry,
    Skip,
    /// A person goes back to the other spec, or lifts that.
    RollBack,
    Lift,
    JobSucceeds,
    JobFails,
    Healthy,
    Edit(ObjectKey),
    Remove(ObjectKey),
    /// Another App takes an object over.
    Taken(ObjectKey),
    /// Deletions are denied from now on, or allowed again.
    Deny,
    Allow,
    /// What was refused is tried again.
    TimePasses,
}

/// Which events cost from the budget, besides those that always may happen.
struct Delivery {
    specs: Specs,
    bug: Option<Bug>,
    budget: u8,
    may: fn(&Event) -> bool,
    /// Which news may be late; all others are heard at once.
    late_news: fn(&Event) -> bool,
    start: Start,
}

/// Where a walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The App was just created.
    New,
    /// The first spec is delivered.
    Delivered,
}

impl Delivery {
    fn of(budget: u8, may: fn(&Event) -> bool) -> Self {
        Self {
            specs: Specs::new(),
            bug: None,
            budget,
            may,
            late_news: |_| true,
            start: Start::New,
        }
    }

    /// With only some news late, from a delivered App: a smaller walk, so that it can be a longer one.
    fn delivered(self, late_news: fn(&Event) -> bool) -> Self {
        Self {
            late_news,
            start: Start::Delivered,
            ..self
        }
    }

    fn with(self, bug: Bug) -> Self {
        Self {
            bug: Some(bug),
            ..self
        }
    }

    /// Whether a step would only wait.
    fn rests(&self, world: &World) -> Option<WaitFor> {
        match world.decision(&self.specs) {
            Action::Wait(wait) => Some(wait.what),
            _ => None,
        }
    }

    /// Where nothing is on its way any more, waiting must have a reason.
    fn goes_on(&self, world: &World) -> bool {
        if !world.is_fresh() || world.late.is_some() {
            return true;
        }
        let Some(app) = &world.app else { return true };
        let record = world.record.as_ref().map(|(record, _)| record);
        let target = target(&self.specs, record, app.spec);
        match self.rests(world) {
            None => true,
            Some(WaitFor::Change) => {
                app.deleting && !app.finalizer
                    || self.is_delivered(world, target) && app.wish.is_none_or(|wish| wish == target)
            }
            Some(WaitFor::Hook) => {
                let mut jobs = world.jobs.iter();
                jobs.any(|job| matches!(job.state, JobState::Running { .. })) && self.is_held(world, target)
            }
            Some(WaitFor::Health) => world.things.values().any(|thing| !thing.healthy),
            Some(WaitFor::Person) => world.record.as_ref().is_some_and(|(record, _)| {
                record
                    .hooks
                    .iter()
                    .any(|run| matches!(run.outcome, HookOutcome::Failed { .. }))
                    && self.is_held(world, target)
            }),
            Some(WaitFor::Deletion) => !world.mind.refused.is_empty(),
            Some(WaitFor::Retry) => world.mind.failed,
            Some(WaitFor::Project) => false,
        }
    }

    /// Whether a controller that is left alone, with all the news, has nothing more to do at some point.
    fn comes_to_rest(&self, mut world: World) -> bool {
        world.late = None;
        (0..STEPS).any(|_| {
            world.hear_all();
            let rests = self.rests(&world).is_some();
            world.step(&self.specs, self.bug);
            rests
        })
    }

    /// What is delivered while hooks stand before something else: it is as it was delivered, but for what the
    /// new revision changed already.
    fn is_held(&self, world: &World, asked: usize) -> bool {
        let record = world.record.as_ref().map(|(record, _)| record);
        let held = record.and_then(|record| held(&self.specs, record, asked));
        held.is_none_or(|spec| {
            let mut objects = self.specs.wanted(spec).objects.iter();
            objects.all(|object| {
                let thing = world.things.get(&object.key);
                thing.is_some_and(|thing| {
                    thing.ours && (thing.says == Some(spec) || thing.says == Some(asked))
                })
            })
        })
    }

    fn is_delivered(&self, world: &World, spec: usize) -> bool {
        let wanted = self.specs.wanted(spec);
        let Some((record, _)) = &world.record else {
            return false;
        };
        let objects = wanted.objects.iter().all(|object| {
            let thing = world.things.get(&object.key);
            thing.is_some_and(|thing| thing.says == Some(spec) && thing.healthy && thing.ours)
        });
        let ours = world.things.values().filter(|thing| thing.ours).count();
        objects
            && ours == wanted.objects.len()
            && record.inventory.len() == wanted.objects.len()
            && record.delivered_hash() == Some(&wanted.hash)
            && world
                .jobs
                .iter()
                .all(|job| !job.held || matches!(job.state, JobState::Running { .. }))
    }

    fn controller(&self, world: &World, events: &mut Vec<Event>) {
        let mind = &world.mind;
        for (stale, news) in [
            (mind.app != world.app, Event::AppNews),
            (mind.record != world.record, Event::RecordNews),
            (mind.things != world.things, Event::ThingNews),
            (mind.jobs != world.jobs, Event::JobNews),
        ] {
            if stale {
                events.push(news);
            }
        }
        match world.decision(&self.specs) {
            Action::Wait(_) => {}
            // A new leader waits until no write of the old one can arrive, before it does what no precondition
            // can guard, or what cannot be made undone: create, prune, let go.
            Action::Apply { objects, .. }
                if world.late.is_some() && objects.iter().any(|target| target.over.is_none()) => {}
            Action::Look
            | Action::Delete { .. }
            | Action::RunHook { .. }
            | Action::ReleaseRecord
            | Action::ReleaseApp
                if world.late.is_some() => {}
            action => {
                events.push(Event::Step);
                if world.late.is_none() && action != Action::Look {
                    events.push(Event::Depose);
                }
            }
        }
        if world.late.is_some() {
            events.extend([Event::LateLands, Event::LateIsLost]);
        }
        if !mind.refused.is_empty() || mind.failed {
            events.push(Event::TimePasses);
        }
    }

    fn others(&self, world: &World, events: &mut Vec<Event>) {
        if world
            .jobs
            .iter()
            .any(|job| matches!(job.state, JobState::Running { .. }))
        {
            events.extend([Event::JobSucceeds, Event::JobFails]);
        }
        if world.things.values().any(|thing| !thing.healthy) {
            events.push(Event::Healthy);
        }
        events.push(Event::Crash);
        if let Some(app) = &world.app {
            events.extend([Event::Spec, Event::Retry, Event::Skip]);
            events.extend([Event::RollBack, Event::Lift]);
            if !app.deleting {
                events.push(Event::Delete);
            }
        }
        for key in world.things.keys() {
            events.extend([
                Event::Edit(key.clone()),
                Event::Remove(key.clone()),
                Event::Taken(key.clone()),
            ]);
        }
        events.push(if world.denied { Event::Allow } else { Event::Deny });
    }
}

/// What always may happen, as often as it can.
fn is_free(event: &Event) -> bool {
    matches!(
        event,
        Event::Step
            | Event::AppNews
            | Event::RecordNews
            | Event::ThingNews
            | Event::JobNews
            | Event::LateLands
            | Event::LateIsLost
            | Event::JobSucceeds
            | Event::Healthy
            | Event::Allow
            | Event::TimePasses
    )
}

impl Model for Delivery {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let mut world = World::new(self.budget);
        while self.start == Start::Delivered && self.rests(&world) != Some(WaitFor::Change) {
            match self.rests(&world) {
                None => world.step(&self.specs, None),
                Some(WaitFor::Hook) => world.end_jobs(&JobState::Succeeded),
                Some(_) => world.change_things(|_| true, |thing| thing.healthy = true),
            }
            world.hear_all();
        }
        world.renumber();
        vec![world]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        self.controller(world, events);
        self.others(world, events);
        events.retain(|event| is_free(event) || (world.budget > 0 && (self.may)(event)));
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut next = world.clone();
        if !is_free(&event) {
            next.budget -= 1;
        }
        next.happen(&self.specs, &event, self.bug);
        for news in [
            Event::AppNews,
            Event::RecordNews,
            Event::ThingNews,
            Event::JobNews,
        ] {
            if !(self.late_news)(&news) {
                next.happen(&self.specs, &news, self.bug);
            }
        }
        next.renumber();
        if !is_free(&event) && !self.comes_to_rest(next.clone()) {
            next.fault = next.fault.or(Some(Fault::NoEnd));
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing goes wrong", |_, world: &World| world.fault.is_none()),
            Property::always("no object of ours is forgotten", |_, world: &World| {
                world.app.is_none() || world.knows_all_of_its_objects()
            }),
            Property::always("it goes on until all is delivered", |model: &Self, world| {
                model.goes_on(world)
            }),
            Property::sometimes(DELIVERED, |model: &Self, world| {
                model.rests(world) == Some(WaitFor::Change) && world.app.is_some()
            }),
        ]
    }
}

impl World {
    fn happen(&mut self, specs: &Specs, event: &Event, bug: Option<Bug>) {
        match event {
            Event::Step => self.step(specs, bug),
            Event::AppNews => self.mind.app = self.app.clone(),
            Event::RecordNews => self.mind.record = self.record.clone(),
            Event::ThingNews => self.mind.things = self.things.clone(),
            Event::JobNews => self.mind.jobs = self.jobs.clone(),
            Event::Crash => self.restart(),
            Event::Depose => {
                self.late = Some(Box::new(Late {
                    action: self.decision(specs),
                    mind: self.mind.clone(),
                }));
                self.restart();
            }
            Event::LateLands => self.land(specs, bug),
            Event::LateIsLost => self.late = None,
            Event::Spec => self.edit_app(|app| {
                app.spec = 1 - app.spec;
                app.wish = None;
            }),
            Event::RollBack => self.roll_back(specs, true),
            Event::Lift => self.roll_back(specs, false),
            Event::Delete => self.delete_app(),
            Event::Retry => self.edit_app(|app| app.retry += 1),
            Event::Skip => self.edit_app(|app| app.skip += 1),
            Event::JobSucceeds => self.end_jobs(&JobState::Succeeded),
            Event::JobFails => self.end_jobs(&JobState::Failed {
                exit_code: Some(3),
                message: "no such table".into(),
            }),
            Event::Healthy => self.change_things(|_| true, |thing| thing.healthy = true),
            Event::Edit(key) => self.change_things(|other| other == key, |thing| thing.says = None),
            Event::Taken(key) => self.change_things(|other| other == key, |thing| thing.ours = false),
            Event::Remove(key) => drop(self.things.remove(key)),
            Event::Deny => self.denied = true,
            Event::Allow => self.denied = false,
            Event::TimePasses => {
                self.mind.refused.clear();
                self.mind.failed = false;
                // Another App no longer asks for what it took.
                self.things.retain(|_, thing| thing.ours);
            }
        }
    }
}
