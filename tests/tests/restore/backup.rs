//! A backup: all objects of the project, as they would be written to a store and created from it.

use std::collections::BTreeSet;

use kubeop_tests::{Cluster, Identity};
use serde_json::{Value, json};

/// The project's namespace.
pub const NS: &str = "kubeop-web";

/// In which order objects come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Namespaces, secrets, configuration, accounts, Pods, their owners, and then the rest by name of its kind.
    Velero,
    /// What matters most comes last.
    AppsFirst,
}

pub struct Backup {
    objects: Vec<Value>,
}

/// Plural names, as Velero orders them.
const KINDS: [&str; 12] = [
    "secrets",
    "configmaps",
    "serviceaccounts",
    "pods",
    "replicasets.apps",
    "apps.platform.kubeop.io",
    "deployments.apps",
    "projects.platform.kubeop.io",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "services",
    "tenants.platform.kubeop.io",
];

impl Backup {
    pub async fn of(cluster: &Cluster) -> Backup {
        let mut objects = vec![cluster.get(&format!("namespace/{NS}")).await.unwrap()];
        for kind in KINDS {
            let list = cluster.get(&format!("{kind} -n {NS}")).await.unwrap();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            objects.extend(items.into_iter().filter(is_saved));
        }
        objects.iter_mut().for_each(strip);
        Backup { objects }
    }

    /// Creates the objects anew, as this account.
    pub async fn restore(&self, cluster: &Cluster, account: &Identity, order: Order) {
        let rights = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "velero"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "User", "name": account.user, "apiGroup": "rbac.authorization.k8s.io"}]});
        cluster.apply(&rights.to_string()).await.unwrap();
        let mut objects: Vec<&Value> = self.objects.iter().collect();
        if order == Order::AppsFirst {
            // A namespace must be there before what stands in it.
            let rank = |object: &&Value| match object["kind"].as_str() {
                Some("Namespace") => 0,
                Some("Tenant") => 1,
                Some("Project") => 2,
                Some("App") => 3,
                Some("ConfigMap") => 5,
                _ => 4,
            };
            objects.sort_by_key(rank);
        }
        let kubectl = cluster.kubectl_as(account).unwrap();
        for object in objects {
            let created = kubectl
                .run_with_input(["create", "-f", "-"], &object.to_string())
                .await
                .unwrap();
            // Like Velero: what is there already stays as it is.
            assert!(
                created.status == 0 || created.stderr.contains("AlreadyExists"),
                "{}: {}",
                object["metadata"]["name"],
                created.stderr
            );
        }
    }

    /// Names of the objects of a kind, sorted.
    pub fn names_of(&self, kind: &str) -> Vec<String> {
        let of_kind = self.objects.iter().filter(|object| object["kind"] == kind);
        let names: BTreeSet<_> = of_kind
            .filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        names.into_iter().collect()
    }
}

/// Velero brings no ended Pod back, and the cluster makes its own of these.
fn is_saved(object: &Value) -> bool {
    object["status"]["phase"] != "Succeeded" && object["metadata"]["name"] != "kube-root-ca.crt"
}

fn strip(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "generation",
            "managedFields",
            "ownerReferences",
            "selfLink",
        ] {
            metadata.remove(field);
        }
    }
    // A Service gets new addresses.
    if object["kind"] == "Service"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
}
