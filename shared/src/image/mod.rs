//! Image references as nodes read them, and the list of registries that they may come from.

pub mod allowlist;
pub mod error;
mod grammar;
pub mod placeholder;
pub mod reference;
pub mod registries;

pub use allowlist::{Allowlist, AllowlistEntryError};
pub use error::ReferenceError;
pub use placeholder::is_placeholder;
pub use reference::ImageReference;
pub use registries::{NotListed, Registries};
