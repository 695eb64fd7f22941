//! What a Project keeps in its namespace: the deployer account, its rights, and our right to act as it.

use crate::kube_io::{Address, address};
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use serde_json::{Value, json};

/// ClusterRole and name of the binding that lets the controller act as the deployer, in one namespace.
const IMPERSONATE: &str = "kubeop-impersonate-deployer";
/// The controller's own account.
const CONTROLLER: &str = "kubeop-controller";

/// One object that a Project keeps.
pub(super) struct Part {
    pub at: Address,
    pub object: Value,
}

/// All of them, in the order in which they are needed.
pub(super) fn parts(project: &str, namespace: &str) -> Vec<Part> {
    let rbac = "rbac.authorization.k8s.io";
    let part = |group: &str, kind: &str, name: &str, mut body: Value| {
        let api_version = if group.is_empty() {
            "v1".to_owned()
        } else {
            format!("{group}/v1")
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("apiVersion".to_owned(), json!(api_version));
            fields.insert("kind".to_owned(), json!(kind));
            let labels = json!({names::LABEL_PROJECT_ID: project});
            fields.insert(
                "metadata".to_owned(),
                json!({"name": name, "namespace": namespace, "labels": labels}),
            );
        }
        Part {
            at: address(group, "v1", kind, Some(namespace), name),
            object: body,
        }
    };
    let binding = |name: &str, account: &str, account_namespace: &str| {
        let role = json!({"apiGroup": rbac, "kind": "ClusterRole", "name": name});
        let subject = json!({"kind": "ServiceAccount", "name": account, "namespace": account_namespace});
        part(
            rbac,
            "RoleBinding",
            name,
            json!({"roleRef": role, "subjects": [subject]}),
        )
    };
    vec![
        // It is impersonated, so it needs no token.
        part(
            "",
            "ServiceAccount",
            names::DEPLOYER,
            json!({"automountServiceAccountToken": false}),
        ),
        binding(names::DEPLOYER, names::DEPLOYER, namespace),
        binding(IMPERSONATE, CONTROLLER, names::SYSTEM_NAMESPACE),
    ]
}

/// Whether a live object says everything that is wanted of it.
pub(super) fn holds(live: &DynamicObject, wanted: &Value) -> bool {
    serde_json::to_value(live).is_ok_and(|live| covers(&live, wanted))
}

fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| live.get(key).is_some_and(|live| covers(live, value))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| covers(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::{holds, parts};
    use serde_json::json;

    #[test]
    fn what_is_there_needs_no_write() {
        let [account, ..] = &parts("web", "kubeop-web")[..] else {
            panic!("there are parts")
        };
        let mut live = account.object.clone();
        live["metadata"]["uid"] = json!("1");
        assert!(holds(&serde_json::from_value(live).unwrap(), &account.object));
    }

    #[test]
    fn another_subject_is_put_right() {
        let [_, binding, _] = &parts("web", "kubeop-web")[..] else {
            panic!("there are three parts")
        };
        let mut live = binding.object.clone();
        live["subjects"][0]["name"] = json!("somebody");
        assert!(!holds(&serde_json::from_value(live).unwrap(), &binding.object));
    }
}
