//! Image references and the registry allowlist.

pub mod allowlist;
pub mod reference;

pub use allowlist::{Allowlist, AllowlistEntryError};
pub use reference::{ImageReference, ReferenceError};
