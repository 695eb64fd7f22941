//! Objects that the attempts are about.

use serde_json::{Value, json};

/// The namespace of the project that they belong to.
pub const HOME: &str = "kubeop-web";
/// The namespace of another project.
pub const ELSEWHERE: &str = "kubeop-shop";
/// The deployer account of their project.
pub const DEPLOYER: &str = "system:serviceaccount:kubeop-web:kubeop-deployer";
/// An object of the people's own namespace.
pub fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": HOME}})
}

pub fn pod(name: &str, image: &str) -> Value {
    let mut pod = object("v1", "Pod", name);
    pod["spec"] = json!({"containers": [{"name": "a", "image": image}]});
    pod
}

/// A workload of this kind with this image.
pub fn workload(api_version: &str, kind: &str, image: &str) -> Value {
    let restart = if matches!(kind, "Job" | "CronJob") {
        "Never"
    } else {
        "Always"
    };
    let template = json!({"metadata": {"labels": {"app": "x"}},
        "spec": {"restartPolicy": restart, "containers": [{"name": "a", "image": image}]}});
    let mut object = object(api_version, kind, "x");
    match kind {
        "PodTemplate" => object["template"] = template,
        "Job" => object["spec"] = json!({"template": template}),
        "CronJob" => {
            object["spec"] =
                json!({"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}});
        }
        "ReplicationController" => object["spec"] = json!({"selector": {"app": "x"}, "template": template}),
        _ => {
            object["spec"] = json!({"selector": {"matchLabels": {"app": "x"}}, "template": template});
            if kind == "StatefulSet" {
                object["spec"]["serviceName"] = json!("x");
            }
        }
    }
    object
}

/// An App of kind Image.
pub fn app(name: &str, image: &str) -> Value {
    let mut app = object("platform.kubeop.io/v1alpha1", "App", name);
    app["spec"] = json!({"projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": image}}});
    app
}

/// An App of kind Raw.
pub fn raw(name: &str, manifests: &[Value]) -> Value {
    let mut app = object("platform.kubeop.io/v1alpha1", "App", name);
    app["spec"] = json!({"projectRef": "web", "delivery": {"kind": "Raw", "raw": {"manifests": manifests}}});
    app
}

/// A binding of the people's namespace to a ClusterRole.
pub fn binding(role: &str) -> Value {
    let mut binding = object("rbac.authorization.k8s.io/v1", "RoleBinding", "mine");
    binding["roleRef"] =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    binding["subjects"] = json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "edith"}]);
    binding
}

/// A Role of the people's namespace with one rule.
pub fn role(group: &str, resource: &str, verb: &str) -> Value {
    let mut role = object("rbac.authorization.k8s.io/v1", "Role", "mine");
    role["rules"] = json!([{"apiGroups": [group], "resources": [resource], "verbs": [verb]}]);
    role
}
