//! Admission: (Facts, Request) -> violations or patches, one file a rule.
//!
//! [`chain`] is the place to start: read top to bottom it tells what is refused and what is added.

pub mod annotations;
mod app;
pub mod chain;
pub mod code;
mod embedded;
#[cfg(test)]
mod embedded_tests;
pub mod facts;
mod finalizer;
mod hosts;
#[cfg(test)]
mod hosts_tests;
mod lists;
mod needs;
mod no_trace;
mod one_pass;
mod ownership_labels;
mod plan;
mod project_namespace;
mod protect;
mod references;
mod registry_allowlist;
pub mod request;
mod requests;
mod scope;
mod stamps;
#[cfg(test)]
mod stamps_tests;
#[cfg(test)]
mod tests;
pub mod verdict;

pub use chain::{mutate, unreadable, validate};
pub use code::Code;
pub use facts::{ClusterFacts, Fact, Facts, Known, NamespaceFacts, ProjectFacts, TenantFacts};
pub use request::{GroupVersionKindRef, Operation, Request, UserInfo};
pub use verdict::{Status, Verdict, Violation, refusal};
