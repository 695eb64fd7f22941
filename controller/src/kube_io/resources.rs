//! From kinds to the resources of the API, and addresses of single objects.

use kube::core::{ApiResource, GroupVersionKind};

/// Where one object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its resource.
    pub resource: ApiResource,
    /// Its namespace; none for cluster-scoped ones.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.resource.kind, self.name)
    }
}

/// The address of an object of a built-in kind.
pub fn address(group: &str, version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Address {
    Address {
        resource: api_resource(group, version, kind),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// The resource of a kind whose plural follows the rule.
pub fn api_resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They do.
    Namespaced,
    /// They do not.
    Cluster,
}

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its resource.
    pub resource: ApiResource,
    /// Whether its objects live in a namespace.
    pub scope: Scope,
}
