//! What a test may ask of its cluster.

use serde::{Deserialize, Serialize};

use crate::identity::Identity;

/// How a cluster is started. The default suits most tests: one fake node, audit log on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// How many fake nodes.
    pub fake_nodes: usize,
    /// Whether the API server writes an audit log.
    pub audit: Audit,
    /// Appended to the API server's arguments.
    pub api_server_args: Vec<String>,
    /// Known besides those of [`Identity::standard`].
    pub identities: Vec<Identity>,
}

/// Whether the API server writes an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audit {
    /// Every request, at level Metadata.
    On,
    /// None: for measurements of time.
    Off,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            fake_nodes: 1,
            audit: Audit::On,
            api_server_args: Vec::new(),
            identities: Vec::new(),
        }
    }
}
