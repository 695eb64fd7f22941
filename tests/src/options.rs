//! What a test may ask of its cluster.

use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::images::TestImage;
use crate::programs::Level;

/// How a cluster is started. The default suits most tests: one fake node, audit log on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// How many fake nodes.
    pub fake_nodes: usize,
    /// Whether there is a node on which Pods really run.
    pub real_node: RealNode,
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
    /// The same, with what was asked for of Deployments and Jobs.
    Bodies,
    /// None: for measurements of time.
    Off,
}

/// Whether there is a node on which Pods really run. It needs root and Debian packages, and there is one at a time
/// per machine: a test asks [`crate::keeper::real_node::asked_for`] first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RealNode {
    /// None: nodes pretend.
    None,
    /// One, with the images of [`crate::images`] on it.
    One {
        /// Besides these: a test's App may name any.
        more_images: Vec<TestImage>,
    },
}

impl Options {
    /// A real node and no fake ones.
    pub fn real_node() -> Self {
        let real_node = RealNode::One {
            more_images: Vec::new(),
        };
        Options {
            fake_nodes: 0,
            real_node,
            ..Options::default()
        }
    }

    /// The programs that it takes.
    pub(crate) fn level(&self) -> Level {
        match self.real_node {
            RealNode::None => Level::ControlPlane,
            RealNode::One { .. } => Level::RealNode,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            fake_nodes: 1,
            real_node: RealNode::None,
            audit: Audit::On,
            api_server_args: Vec::new(),
            identities: Vec::new(),
        }
    }
}
