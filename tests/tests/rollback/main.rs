//! Rollback that sticks: by annotation, by `kubectl rollout undo`, by an older manifest, and by itself. With both
//! programs on a real API server.

mod automatic;
mod leftovers;
mod plan;
mod requests;
mod seed_page;
#[path = "../evenings/support.rs"]
#[allow(dead_code, reason = "shared with the evenings")]
mod support;
mod told;
mod undo;
