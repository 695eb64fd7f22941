//! Why a host is not as it is wished, whoever makes the records.

use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use std::time::Duration;

/// How long to wait after a failure that passes.
pub const SOON: Duration = Duration::from_secs(1);

/// Why a host is not as it is wished.
#[derive(Debug)]
pub enum Failed {
    /// The server does not answer, which passes.
    Unreachable(String),
    /// Something that somebody has to change.
    Stuck(Standing),
}

impl Failed {
    /// Somebody has to change something.
    pub fn stuck(reason: Reason, message: impl Into<String>) -> Self {
        Self::Stuck(Standing::refused(reason, message))
    }
}
