//! What others do: people, other Apps, and the cluster's own controllers.

use kubeop_shared::delivery::JobState;
use kubeop_shared::revision::ObjectKey;

use crate::specs::Specs;
use crate::world::{App, Thing, World};

impl World {
    pub fn edit_app(&mut self, change: impl Fn(&mut App)) {
        let version = self.tick();
        if let Some(app) = &mut self.app {
            change(app);
            app.version = version;
        }
    }

    /// A person rolls back to the other spec, if that is kept, or wants what the App says.
    pub fn roll_back(&mut self, specs: &Specs, back: bool) {
        let record = self.record.as_ref().map(|(record, _)| record);
        let kept = |spec: usize| {
            let hash = &specs.wanted(spec).hash;
            record.is_some_and(|record| record.history.iter().any(|revision| revision.hash == *hash))
        };
        let Some(spec) = self.app.as_ref().map(|app| app.spec) else {
            return;
        };
        let other = 1 - spec;
        let (target, wish) = if back {
            (
                specs.wanted(other).hash.short().to_owned(),
                kept(other).then_some(other),
            )
        } else {
            ("none".to_owned(), None)
        };
        let value = format!("{target} instead of {}", specs.wanted(spec).hash.short());
        self.edit_app(|app| {
            let number = app.rollback.as_ref().map_or(0, |(_, number)| *number);
            app.rollback = Some((value.clone(), number + 1));
            app.wish = wish;
        });
    }

    /// Without our finalizer it is gone at once.
    pub fn delete_app(&mut self) {
        if self.app.as_ref().is_some_and(|app| !app.finalizer) {
            self.app = None;
        }
        self.edit_app(|app| app.deleting = true);
    }

    pub fn end_jobs(&mut self, state: &JobState) {
        for job in &mut self.jobs {
            if !matches!(job.state, JobState::Running { .. }) {
                continue;
            }
            if *state == JobState::Succeeded {
                self.succeeded.insert(job.key.clone());
            }
            job.state = state.clone();
        }
    }

    pub fn change_things(&mut self, which: impl Fn(&ObjectKey) -> bool, change: impl Fn(&mut Thing)) {
        let mut version = self.clock;
        for (key, thing) in &mut self.things {
            let before = thing.clone();
            if which(key) {
                change(thing);
            }
            if *thing != before {
                version += 1;
                thing.version = version;
            }
        }
        self.clock = version;
    }
}
