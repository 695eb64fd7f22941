//! The rules of kubeOP.
//!
//! Everything here is a function of its arguments: no client, no async runtime, no clock, no
//! environment. The webhook and the controller both stand on it, so what admission accepts is exactly
//! what delivery can do. Modules stand on floors; an import only ever points down:
//! `api` `image` `host` `level` | `manifests` `revision` `dns` | `render` `health` | `admission` `delivery`
//! `certificate`.

pub mod admission;
pub mod api;
pub mod certificate;
pub mod delivery;
pub mod dns;
pub mod duration;
pub mod health;
pub mod host;
pub mod image;
pub mod level;
pub mod manifests;
pub mod render;
pub mod revision;

#[cfg(test)]
mod vectors;
