//! A random schedule: what persons and crashes do to one App, drawn from a number.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use crate::objects;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The App's spec becomes this one: a new one, or one that it had before.
    Spec(Spec),
    /// A failed hook is to run again.
    Retry,
    /// A person goes back to the latest success besides what is wanted.
    RollBack,
    /// Somebody changes the image of the Deployment.
    EditDeployment,
    /// Somebody deletes the Deployment.
    DeleteDeployment,
    /// Somebody changes a ConfigMap.
    EditConfig,
    /// Somebody labels the App: no revision.
    Label,
    /// The controller is killed, and started again after a while.
    Kill(Duration),
    /// Nothing, for a while.
    Wait(Duration),
}

/// What an App can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Number of the spec in its schedule. Its images have this as their tag.
    pub number: usize,
    /// How its last pre hook ends.
    exit_code: u8,
    run_for: &'static str,
    needs: &'static str,
}

impl Spec {
    fn draw(rng: &mut Rng, number: usize, exit_code: u8) -> Spec {
        Spec {
            number,
            exit_code,
            run_for: rng.choice(["0s", "0s", "700ms", "2s"]).unwrap_or("0s"),
            needs: rng.choice(["None", "Config"]).unwrap_or("None"),
        }
    }

    pub fn fails(&self) -> bool {
        self.exit_code != 0
    }

    pub fn tag(&self) -> String {
        format!("spec-{}", self.number)
    }

    pub fn app(&self, project: &str) -> Value {
        let Spec {
            exit_code,
            run_for,
            needs,
            ..
        } = self;
        objects::revision(project, &self.tag(), *exit_code, run_for, needs)
    }
}

/// What happens, one after the other; at the end a spec that can be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub first: Spec,
    pub then: Vec<Act>,
    pub last: Spec,
}

impl Schedule {
    pub fn draw(seed: u64) -> Schedule {
        let mut rng = Rng::with_seed(seed);
        let first = Spec::draw(&mut rng, 0, 0);
        let mut specs = vec![first.clone()];
        let mut then = Vec::new();
        for _ in 0..rng.usize(5..14) {
            then.push(match rng.u8(0..13) {
                0..3 => {
                    let exit_code = if rng.u8(0..3) == 0 { 3 } else { 0 };
                    let spec = Spec::draw(&mut rng, specs.len(), exit_code);
                    specs.push(spec.clone());
                    Act::Spec(spec)
                }
                3 => {
                    // One whose hook failed would fail again: nothing more is told by it.
                    let good: Vec<_> = specs.iter().filter(|spec| !spec.fails()).collect();
                    Act::Spec(rng.choice(good).unwrap_or(&first).clone())
                }
                4 => Act::Retry,
                5 => Act::EditDeployment,
                6 => Act::DeleteDeployment,
                7 => Act::EditConfig,
                8 => Act::Label,
                9 => Act::RollBack,
                10 | 11 => Act::Kill(Duration::from_millis(rng.u64(0..1500))),
                _ => Act::Wait(Duration::from_millis(rng.u64(0..4000))),
            });
        }
        let last = Spec::draw(&mut rng, specs.len(), 0);
        Schedule { first, then, last }
    }

    /// How often a hook of each spec may run again, by tag: once for each time that a person asked for it, and only
    /// where it fails.
    pub fn retries(&self) -> BTreeMap<String, usize> {
        let asked = self.then.iter().filter(|act| **act == Act::Retry).count();
        let specs = self.then.iter().filter_map(|act| match act {
            Act::Spec(spec) if spec.fails() => Some(spec.tag()),
            _ => None,
        });
        specs.map(|tag| (tag, asked)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_schedule_and_everything_happens_in_some() {
        assert_eq!(Schedule::draw(7), Schedule::draw(7));
        assert_ne!(Schedule::draw(7), Schedule::draw(8));
        let all: Vec<Act> = (0..50).flat_map(|seed| Schedule::draw(seed).then).collect();
        let some = |is: fn(&Act) -> bool| all.iter().filter(|act| is(act)).count() >= 5;
        assert!(some(|act| matches!(act, Act::Spec(spec) if spec.fails())));
        assert!(some(
            |act| matches!(act, Act::Spec(spec) if !spec.fails() && spec.number == 0)
        ));
        assert!(some(|act| matches!(act, Act::Retry)));
        assert!(some(|act| matches!(act, Act::RollBack)));
        assert!(some(|act| matches!(act, Act::EditDeployment)));
        assert!(some(|act| matches!(act, Act::DeleteDeployment)));
        assert!(some(|act| matches!(act, Act::Kill(_))));
    }
}
