//! Tests on a real node, where Pods run: `KUBEOP_TEST_REAL_NODE=1`, as root.

mod pods;
