//! The harness of the end-to-end tests: a real Kubernetes that starts in seconds, and kubeOP on it.
//!
//! - [`Cluster`] is what a test holds: a client, `kubectl`, the audit log.
//! - [`KubeOp`] is kubeOP running on it.
//! - [`keeper`] is the other side: a process of its own that starts the cluster's programs and always ends them.
//! - [`programs`] builds those programs, once per machine.
//! - [`load`] asks admission again and again, and says what failed.
//! - [`manager_api`] asks the manager API as somebody with a token.
//! - [`proxy`] stands between a program and the API server, counts, and harms.
//!
//! There is no node agent at level 2: [`kwok`](https://kwok.sigs.k8s.io) plays the nodes. What its Pods do is
//! told in [`fake`].

pub mod audit;
pub mod cache;
pub mod cluster;
mod condition;
pub mod fake;
pub mod generated;
pub mod https;
pub mod identity;
pub mod images;
pub mod keeper;
pub mod kubectl;
pub mod kubeop;
pub mod load;
pub mod manager_api;
pub mod options;
pub mod page;
mod pki;
mod process;
pub mod programs;
pub mod proxy;
pub mod python;
pub mod replicas;
pub mod seed;
pub mod service;
pub mod skip;
pub mod upgrade;
pub mod usage;
pub mod wait;

pub use audit::AuditLog;
pub use cluster::Cluster;
pub use condition::condition;
pub use identity::Identity;
pub use kubectl::Output;
pub use kubeop::KubeOp;
pub use options::Options;
