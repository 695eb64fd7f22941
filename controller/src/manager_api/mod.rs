//! The manager API: Apps and what became of them over HTTPS, for who has no kubectl.
//!
//! Whatever is asked of a cluster is asked as the caller, by the bearer token of the request: `upstream` has no identity of
//! its own, so RBAC and admission decide as they do for kubectl. `endpoints` is the table of all that there is, from which
//! both the router and `/openapi.json` are made. `analytics` counts what the watches have brought.

mod analytics;
mod apps;
mod caller;
mod certificate;
mod endpoint;
mod endpoints;
mod manifest;
mod openapi;
mod page;
mod problem;
mod query;
mod revisions;
mod server;
mod serving;
mod trust;
mod upstream;
mod warning;

pub use server::{ManagerApi, OpeningError};
pub use serving::Worlds;
