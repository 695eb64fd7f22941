//! What becomes of a Certificate: whether it may have what it asks for, who has its Secret, and what is done next. What
//! stands in the Secret was judged before; here are only digests of it.

mod decide;
#[cfg(test)]
mod decide_tests;
mod observed;
mod owner;
mod refusal;
mod told;

pub use decide::{Action, Decision, decide};
pub use observed::{
    Asked, External, ExternalState, Holding, Issued, Observed, Record, RecordState, SecretState, Trust,
};
pub use owner::{Claim, owner};
pub use refusal::refusal;
pub use told::holding;
