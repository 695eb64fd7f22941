//! What the controller does with Projects and Apps, on a real API server.

mod adoption;
mod apps;
mod deletion;
mod drift;
mod given;
mod hooks;
mod kinds;
mod manifests;
mod once;
mod projects;
mod prune;
mod steady;
mod support;
mod tightened;
mod uninstall;
mod with_webhook;
