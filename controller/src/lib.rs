//! The controller of kubeOP: it observes, lets `kubeop_shared::delivery` decide, and acts.
//!
//! - `app` and `project` are the two loops; each observes, decides and acts.
//! - `watches` fills `world`, what is known of the cluster; a change there wakes the loops.
//! - `touch` makes others try again when what kept Pods from being created is gone.
//! - `kube_io` is the only place that talks to the API server.

pub mod app;
pub mod config;
pub mod http;
pub mod kube_io;
pub mod project;
mod queue;
pub mod run;
mod touch;
mod watches;
pub mod world;
