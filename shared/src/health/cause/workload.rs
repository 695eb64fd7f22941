//! Which workload a Pod, or a ReplicaSet between the two, belongs to.

use super::super::text;
use serde_json::Value;

/// A workload of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// API group; empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

impl Workload {
    /// A workload.
    #[must_use]
    pub fn new(group: &str, kind: &str, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Where a Pod comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What a user knows it by; a Pod that nobody made is its own.
    pub workload: Workload,
    /// What creates it: the workload, or its ReplicaSet.
    pub owner: Workload,
    /// Which form of its template the Pod has: the ReplicaSet, or the revision of a `StatefulSet` or `DaemonSet`.
    pub template: String,
}

/// Labels that a controller puts on a ReplicaSet and its Pods, and the kind of that controller.
const HASHES: [(&str, &str, &str); 2] = [
    ("pod-template-hash", "apps", "Deployment"),
    ("rollouts-pod-template-hash", "argoproj.io", "Rollout"),
];
const REVISION: &str = "controller-revision-hash";

/// Where a Pod comes from, by its owner reference and its labels.
#[must_use]
pub fn origin(pod: &Value) -> Origin {
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let controller = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    let Some(owner) = owners.into_iter().flatten().find(controller) else {
        let name = text(pod, "/metadata/name").unwrap_or_default();
        let itself = Workload::new("", "Pod", name);
        return Origin {
            owner: itself.clone(),
            workload: itself,
            template: String::new(),
        };
    };
    let field = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default();
    let label = |name: &str| pod.pointer("/metadata/labels")?.get(name)?.as_str();
    let (kind, name) = (field("kind"), field("name"));
    let (group, _) = field("apiVersion").split_once('/').unwrap_or_default();
    let owner = Workload::new(group, kind, name);
    if kind == "ReplicaSet" {
        let made_by = HASHES.iter().find_map(|(hash, group, kind)| {
            let base = name.strip_suffix(label(hash)?)?.strip_suffix('-')?;
            Some(Workload::new(group, kind, base))
        });
        if let Some(workload) = made_by {
            return Origin {
                workload,
                owner,
                template: name.to_owned(),
            };
        }
    }
    Origin {
        workload: owner.clone(),
        owner,
        template: label(REVISION).unwrap_or_default().to_owned(),
    }
}

/// The name of the Deployment that made a ReplicaSet, where all that is known is the ReplicaSet's name. The last
/// part is a hash in an alphabet without vowels (`SafeEncodeString` of k8s.io/apimachinery); another last part
/// means that people made it.
#[must_use]
pub fn deployment_of(replica_set: &str) -> Option<&str> {
    const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";
    let (base, hash) = replica_set.rsplit_once('-')?;
    let hashed = !hash.is_empty() && hash.len() <= 10 && hash.chars().all(|char| ALPHABET.contains(char));
    (hashed && !base.is_empty()).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::{Workload, deployment_of, origin};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn pod(api_version: &str, kind: &str, name: &str, labels: &Value) -> Value {
        let owner = json!({"apiVersion": api_version, "kind": kind, "name": name, "controller": true});
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "not-me"});
        json!({"metadata": {"name": "p", "labels": labels, "ownerReferences": [other, owner]}})
    }

    #[rstest]
    #[case::of_a_deployment("apps/v1", "ReplicaSet", "my-pay-6d4cf56db6", json!({"pod-template-hash": "6d4cf56db6"}), ("apps", "Deployment", "my-pay"), "my-pay-6d4cf56db6")]
    #[case::of_an_argo_rollout("apps/v1", "ReplicaSet", "pay-7c9", json!({"rollouts-pod-template-hash": "7c9"}), ("argoproj.io", "Rollout", "pay"), "pay-7c9")]
    #[case::of_a_replica_set_of_people("apps/v1", "ReplicaSet", "pay-7c9", json!({}), ("apps", "ReplicaSet", "pay-7c9"), "")]
    #[case::of_a_replica_set_with_a_strange_label("apps/v1", "ReplicaSet", "pay", json!({"pod-template-hash": "zz"}), ("apps", "ReplicaSet", "pay"), "")]
    #[case::of_a_stateful_set("apps/v1", "StatefulSet", "db", json!({"controller-revision-hash": "db-59"}), ("apps", "StatefulSet", "db"), "db-59")]
    #[case::of_a_job("batch/v1", "Job", "load", json!({}), ("batch", "Job", "load"), "")]
    fn a_pod_belongs_to(
        #[case] api_version: &str,
        #[case] kind: &str,
        #[case] name: &str,
        #[case] labels: Value,
        #[case] (group, wanted_kind, wanted): (&str, &str, &str),
        #[case] template: &str,
    ) {
        let origin = origin(&pod(api_version, kind, name, &labels));
        assert_eq!(origin.workload, Workload::new(group, wanted_kind, wanted));
        assert_eq!(origin.template, template);
        assert_eq!(
            (origin.owner.kind.as_str(), origin.owner.name.as_str()),
            (kind, name)
        );
    }

    #[test]
    fn a_pod_that_nobody_made_is_its_own_workload() {
        let origin = origin(&json!({"metadata": {"name": "p"}}));
        assert_eq!(origin.workload, Workload::new("", "Pod", "p"));
    }

    #[test]
    fn a_replica_set_tells_its_deployment_by_its_name() {
        assert_eq!(deployment_of("my-pay-6d4cf56db6"), Some("my-pay"));
        for of_people in ["pay-api", "pay", "pay-", "-6d4cf56db6", "pay-6d4cf56db6b6d"] {
            assert_eq!(deployment_of(of_people), None, "{of_people}");
        }
    }
}
