//! Manifests as kubectl reads them, and every place in them where an image stands.

mod custom;
pub mod duplicates;
pub mod field_path;
pub mod file;
pub mod foreign;
pub mod hosts;
pub mod images;
pub mod kinds;
mod lists;
pub mod object;
pub mod read;
#[cfg(test)]
mod read_tests;
mod server_set;
mod text;

pub use duplicates::duplicates;
pub use field_path::FieldPath;
pub use foreign::{HookTool, Work};
pub use images::{Found, Place, find_images, image_finder};
pub use kinds::{is_cluster_scoped, is_of_kubernetes};
pub use object::{GroupVersionKind, Object};
pub use read::{Fault, FaultKind, Faulty, Manifests, Notice, read_manifests};
