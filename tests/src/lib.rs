//! The test cluster.
