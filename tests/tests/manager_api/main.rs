//! The manager API over HTTPS, on a real API server, with both programs: what it does, what it refuses, what it counts,
//! and what it says of itself.

mod analytics;
mod apps;
mod clients;
mod document;
mod page;
mod refusals;
mod replicas;
mod support;
