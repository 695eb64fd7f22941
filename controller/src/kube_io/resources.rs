//! From kinds to the resources of the API, and addresses of single objects.

use kube::core::{ApiResource, GroupVersionKind};
use kubeop_shared::api::names;
use kubeop_shared::revision::ObjectKey;

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

/// The resource of a kind that needs no discovery.
pub fn known_resource(key: &ObjectKey) -> Option<ApiResource> {
    let built_in = matches!(
        key.group.as_str(),
        "" | "apps" | "batch" | "autoscaling" | "policy" | "networking.k8s.io" | "rbac.authorization.k8s.io"
    );
    (built_in || key.group == names::GROUP).then(|| api_resource(&key.group, &key.version, &key.kind))
}
