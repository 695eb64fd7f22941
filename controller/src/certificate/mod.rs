//! The loop of Certificates: what is asked for, what the Secret really holds, and the one hand that writes it, which is
//! kubeOP's own CA or cert-manager. That CA has its place in the same loop.

mod act;
mod authority;
mod external;
mod judge;
mod look;
mod memory;
mod observe;
mod rights;
mod told;

pub use authority::State;
pub use external::{DEFINITION, REQUESTS};
pub use memory::Memory;

use crate::kube_io::Cluster;
use crate::queue::Next;
use crate::watches::{Absence, Attendant, Concerns};
use crate::world::{NamespacedName, World};
use kubeop_certs::rotation::Lifetimes;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// What is looked at in this loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// kubeOP's own CA.
    Authority,
    /// A Certificate.
    Certificate(NamespacedName),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Authority => f.write_str("the CA of Certificates"),
            Self::Certificate(key) => write!(f, "{key}"),
        }
    }
}

/// Everything that the loop works with.
pub struct Certificates<C> {
    /// The API server.
    pub cluster: C,
    /// What is known of it.
    pub world: Arc<World>,
    /// Watches of Secrets, and of what cert-manager is asked.
    pub watches: Attendant,
    /// Watches of Secrets that are in the way.
    pub absence: Absence,
    /// Tells others what became of the CA, or of a Secret that they name, too.
    pub wake: mpsc::UnboundedSender<Concerns>,
    /// kubeOP's own namespace.
    pub namespace: String,
    /// How long CAs and certificates live.
    pub lifetimes: Lifetimes,
    /// What is known of the CA.
    pub authority: Mutex<authority::State>,
    /// What is remembered of Certificates.
    pub memories: Mutex<HashMap<NamespacedName, Memory>>,
    /// Namespaces outside projects in which Secrets may be written.
    pub bound: Mutex<HashSet<String>>,
}

impl<C: Cluster> Certificates<C> {
    /// Makes a Certificate what it says, as far as that goes now.
    pub async fn reconcile(&self, key: Key) -> Next {
        match key {
            Key::Authority => self.look_after_authority().await,
            Key::Certificate(key) => self.look_after(key).await,
        }
    }

    fn tell(&self, concerned: Concerns) {
        // Nobody listens any more: the program ends.
        let _ = self.wake.send(concerned);
    }
}
