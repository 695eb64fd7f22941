//! The canonical form of what an App says, its hash, and the record of revisions.

pub mod canonical;
pub mod hash;
pub mod record;
mod record_data;
mod record_text;
pub mod rollback;
mod skip;
mod stored;
#[cfg(test)]
mod tests;

pub use canonical::RevisionSpec;
pub use hash::{Digest, HASH_VERSION, RevisionHash};
pub use record::{
    HookKey, HookOutcome, HookRun, InventoryEntry, ObjectKey, Outcome, Phase, Record, RecordError, Revision,
};
pub use rollback::{Meant, NotMeant, Pin, PinCause, RollbackRequest};
pub use skip::SkipRequest;
pub use stored::StoredError;
