//! Manifests as kubectl reads them, and every place in them where an image stands.

pub mod field_path;
pub mod images;
mod lists;
pub mod object;
pub mod read;
#[cfg(test)]
mod read_tests;
mod server_set;
mod text;

pub use field_path::FieldPath;
pub use images::{Found, Place, find_images, image_finder};
pub use object::{GroupVersionKind, Object};
pub use read::{Fault, FaultKind, read_manifests};
