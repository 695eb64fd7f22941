//! The order in which kinds are delivered: each stage may refer to what the ones before it made.

use std::fmt;

/// A stage of delivery. Deletion goes through them backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Accounts, Roles and configuration.
    Configuration,
    /// `RoleBindings`: the API server refuses one whose Role is not there yet.
    Bindings,
    /// Storage and services.
    Services,
    /// What starts Pods, and everything that is not named elsewhere.
    Workloads,
    /// What leads traffic to them.
    Routes,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 5] = [
        Self::Configuration,
        Self::Bindings,
        Self::Services,
        Self::Workloads,
        Self::Routes,
    ];

    /// What hooks may ask for: accounts with their rights, and configuration.
    pub const BEFORE_HOOKS: [Self; 2] = [Self::Configuration, Self::Bindings];

    /// The stage of a kind.
    #[must_use]
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "ServiceAccount" | "ConfigMap" | "Secret" | "LimitRange" | "ResourceQuota")
            | ("rbac.authorization.k8s.io", "Role") => Self::Configuration,
            ("rbac.authorization.k8s.io", "RoleBinding") => Self::Bindings,
            ("", "PersistentVolumeClaim" | "Service" | "Endpoints")
            | ("discovery.k8s.io", "EndpointSlice")
            | ("networking.k8s.io", "NetworkPolicy")
            | ("policy", "PodDisruptionBudget") => Self::Services,
            ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io" | "platform.kubeop.io", _) => {
                Self::Routes
            }
            _ => Self::Workloads,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "configuration",
            Self::Bindings => "role bindings",
            Self::Services => "services",
            Self::Workloads => "workloads",
            Self::Routes => "routes",
        })
    }
}
