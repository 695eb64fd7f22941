//! The controller of kubeOP: it observes, lets `kubeop_shared::delivery` decide, and acts.
//!
//! - `app`, `project`, `dns` and `certificate` are loops; each observes, decides and acts.
//! - `watches` fills `world`, what is known of the cluster; `route` says which loop a change there wakes.
//! - `touch` makes others try again when what kept Pods from being created is gone.
//! - `leader` sees to it that one process does all this, and the others stand by.
//! - `kube_io` is where the loops talk to the API server.
//! - `manager_api` lets people without kubectl ask for all this, as themselves.
//! - `release` and `explain` are what else the program can do.

pub mod app;
pub mod certificate;
pub mod config;
pub mod dns;
mod explain;
pub mod http;
pub mod kube_io;
mod leader;
pub mod manager_api;
mod metrics;
pub mod project;
mod queue;
mod release;
mod route;
pub mod run;
mod touch;
mod watches;
pub mod world;
