//! The test cluster.

pub mod generated;
