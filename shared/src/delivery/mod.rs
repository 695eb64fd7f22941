//! The decision core: `decide(observed)` -> next action.
//!
//! Pure: what was observed goes in, one action comes out, time is an argument. It sees digests, never
//! objects, so that a model checker can walk through everything that can happen.

mod action;
mod changes;
mod compliance;
mod decide;
#[cfg(test)]
mod decide_tests;
mod deletion;
mod hooks;
pub mod managed_fields;
mod observed;
mod prune;
mod report;
mod rights;
mod rollback;
mod rollout;
mod situation;
mod stage;
pub mod strays;
#[cfg(test)]
mod world_tests;

pub use action::{Action, ApplyCause, RecordChange, Source, Target, Wait, WaitFor};
pub use compliance::{Rules, Running, compliance};
pub use decide::decide;
pub use observed::{
    AppView, Attempted, Failure, Gate, JobState, JobView, Live, Look, Observed, OnFailure, RecordView,
    Refusal, Wanted, WantedObject,
};
pub use report::{Report, Stated};
pub use rights::grant;
pub use stage::Stage;
