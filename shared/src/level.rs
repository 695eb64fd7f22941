//! Whose list says no: lists stand at three levels, and each narrows the ones above.

use std::fmt;

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level<'l> {
    /// The cluster's.
    Cluster,
    /// This Tenant's.
    Tenant(&'l str),
    /// This Project's.
    Project(&'l str),
}

impl fmt::Display for Level<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the cluster"),
            Self::Tenant(name) => write!(f, "tenant {name}"),
            Self::Project(name) => write!(f, "project {name}"),
        }
    }
}
