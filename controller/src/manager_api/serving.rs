//! What the handlers work with.

use super::analytics::access::Access;
use super::analytics::leader::Leader;
use super::upstream::Upstream;
use crate::http::Phase;
use crate::world::World;
use kubeop_serving::Bodies;
use std::sync::Arc;
use tokio::sync::watch;

/// It.
pub(super) struct Serving {
    /// Where Apps are.
    pub api_server: Upstream,
    /// What clients send.
    pub bodies: Bodies,
    /// What callers may list.
    pub access: Access,
    /// Who counts, where this replica does not.
    pub leader: Leader,
    /// What this process is about.
    pub phases: watch::Receiver<Phase>,
    /// What it knows of the cluster; none where it does not lead.
    pub worlds: Worlds,
}

/// What is known of the cluster, once it is; none while this process does not lead.
pub type Worlds = watch::Receiver<Option<Arc<World>>>;
