//! Tests on a real node, where Pods run: `KUBEOP_TEST_REAL_NODE=1`, as root.

mod evenings;
mod hooks;
mod pods;
mod rollback;
#[path = "../evenings/support.rs"]
#[allow(dead_code, reason = "shared with the evenings on fake nodes")]
mod support;
