//! The custom resources on a real API server: schema and rules alone, no program of ours runs.

mod good_objects;
mod refused_apps;
mod refused_others;
mod support;
