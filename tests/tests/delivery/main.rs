//! What the controller does with Projects and Apps, on a real API server.

mod apps;
mod support;
