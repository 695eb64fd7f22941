//! What the controller does with Projects and Apps, on a real API server.

mod apps;
mod deletion;
mod drift;
mod given;
mod hooks;
mod manifests;
mod projects;
mod steady;
mod support;
mod with_webhook;
