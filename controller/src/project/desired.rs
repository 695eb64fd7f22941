//! What a Project keeps in its namespace: the deployer account, its rights, our right to act as it, and what the
//! Project says of members, quota and limit range.

use crate::kube_io::{Address, Preconditions, address};
use kube::api::DynamicObject;
use kubeop_shared::api::quantity::Quantity;
use kubeop_shared::api::{ProjectSpec, names};
use kubeop_shared::delivery::managed_fields;
use serde_json::{Value, json};

/// What members may do.
const EDIT: &str = "edit";
const RBAC: &str = "rbac.authorization.k8s.io";

/// One object that a Project keeps, or would keep if it said so.
pub(super) struct Part {
    pub at: Address,
    pub need: Need,
    /// What it is to be; none: it is not to be.
    pub wanted: Option<Value>,
}

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing can be delivered without it.
    Delivery,
    /// The Project asks for it.
    Asked,
}

/// What is to be done about a part.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// Nothing.
    None,
    /// To apply it.
    Apply,
    /// To delete it, and apply it anew: what differs cannot be changed.
    Replace(Preconditions),
    /// To delete it.
    Delete(Preconditions),
    /// It is somebody else's, and stays.
    Foreign,
}

/// All parts, in the order in which they are needed.
pub(super) fn parts(project: &str, namespace: &str, spec: &ProjectSpec) -> Vec<Part> {
    let part = |group: &str, kind: &str, name: &str, need: Need, body: Option<Value>| {
        let at = address(group, "v1", kind, Some(namespace), name);
        let labels = json!({names::LABEL_PROJECT_ID: project});
        let wanted = body.map(|mut object| {
            let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
            let head = [
                ("apiVersion", json!(at.resource.api_version)),
                ("kind", json!(kind)),
                ("metadata", metadata),
            ];
            if let Some(fields) = object.as_object_mut() {
                fields.extend(head.map(|(field, value)| (field.to_owned(), value)));
            }
            object
        });
        Part { at, need, wanted }
    };
    let binding = |name: &str, need: Need, role: &str, subjects: Option<Value>| {
        let role = json!({"apiGroup": RBAC, "kind": "ClusterRole", "name": role});
        let body = subjects.map(|subjects| json!({"roleRef": role, "subjects": subjects}));
        part(RBAC, "RoleBinding", name, need, body)
    };
    let account = |name: &str, namespace: &str| json!([{"kind": "ServiceAccount", "name": name, "namespace": namespace}]);
    let members = (!spec.members.is_empty()).then(|| json!(spec.members));
    let said = |spec: &Option<Value>| spec.as_ref().map(|spec| json!({"spec": spec}));
    vec![
        // It is impersonated, so it needs no token.
        part(
            "",
            "ServiceAccount",
            names::DEPLOYER,
            Need::Delivery,
            Some(json!({"automountServiceAccountToken": false})),
        ),
        binding(
            names::DEPLOYER,
            Need::Delivery,
            names::DEPLOYER,
            Some(account(names::DEPLOYER, namespace)),
        ),
        binding(
            names::IMPERSONATE_DEPLOYER,
            Need::Delivery,
            names::IMPERSONATE_DEPLOYER,
            Some(account(names::CONTROLLER, names::SYSTEM_NAMESPACE)),
        ),
        binding(names::KEPT, Need::Asked, EDIT, members),
        part("", "ResourceQuota", names::KEPT, Need::Asked, said(&spec.quota)),
        part(
            "",
            "LimitRange",
            names::KEPT,
            Need::Asked,
            said(&spec.limit_range),
        ),
    ]
}

impl Part {
    /// What is to be done, where `live` is what is there.
    pub(super) fn act(&self, live: Option<&DynamicObject>, project: &str) -> Act {
        let Some(live) = live else {
            return self.wanted.as_ref().map_or(Act::None, |_| Act::Apply);
        };
        let ours = is_ours(live, project);
        match &self.wanted {
            None if ours && live.metadata.deletion_timestamp.is_none() => Act::Delete(exactly(live)),
            None => Act::None,
            Some(wanted) if holds(live, wanted) => Act::None,
            Some(_) if !ours && self.need == Need::Asked => Act::Foreign,
            // The role of a binding cannot be changed.
            Some(wanted)
                if ours
                    && live
                        .data
                        .get("roleRef")
                        .is_some_and(|role| Some(role) != wanted.get("roleRef")) =>
            {
                Act::Replace(exactly(live))
            }
            Some(_) => Act::Apply,
        }
    }
}

/// Whether we made an object for this Project: it says so, or, where that was taken off it, our fields do.
pub(super) fn is_ours(live: &DynamicObject, project: &str) -> bool {
    let label = live
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(names::LABEL_PROJECT_ID));
    match label {
        Some(label) => label == project,
        None => live
            .metadata
            .managed_fields
            .iter()
            .flatten()
            .any(managed_fields::is_ours),
    }
}

/// This very object, as it was read.
pub(super) fn exactly(live: &DynamicObject) -> Preconditions {
    Preconditions {
        uid: live.metadata.uid.clone(),
        resource_version: live.metadata.resource_version.clone(),
    }
}

/// Whether a live object says everything that is wanted of it.
fn holds(live: &DynamicObject, wanted: &Value) -> bool {
    let counts = ["ResourceQuota", "LimitRange"].map(Some);
    let same = if counts.contains(&wanted.get("kind").and_then(Value::as_str)) {
        same_amount
    } else {
        Value::eq
    };
    serde_json::to_value(live).is_ok_and(|live| covers(&live, wanted, same))
}

fn covers(live: &Value, wanted: &Value, same: fn(&Value, &Value) -> bool) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| live.get(key).is_some_and(|live| covers(live, value, same))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| covers(live, wanted, same))
        }
        (live, wanted) => same(live, wanted),
    }
}

/// Whether two values are the same, or amounts of the same size: the API server writes them its own way.
fn same_amount(live: &Value, wanted: &Value) -> bool {
    let amount = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text).ok(),
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        _ => None,
    };
    live == wanted
        || amount(live)
            .zip(amount(wanted))
            .is_some_and(|(live, wanted)| live == wanted)
}

#[cfg(test)]
mod tests {
    use super::{Act, Part, parts};
    use kube::api::DynamicObject;
    use kubeop_shared::api::ProjectSpec;
    use rstest::rstest;
    use serde_json::{Value, json};

    const ACCOUNT: usize = 0;
    const BINDING: usize = 1;
    const MEMBERS: usize = 3;
    const QUOTA: usize = 4;

    fn part(index: usize, spec: &Value) -> Part {
        let spec: ProjectSpec = serde_json::from_value(spec.clone()).unwrap();
        parts("web", "kubeop-web", &spec).remove(index)
    }

    fn said() -> Value {
        json!({"tenantRef": "acme", "members": [{"kind": "User", "name": "ann"}],
            "quota": {"hard": {"cpu": "1000m", "pods": 10}}})
    }

    fn unsaid() -> Value {
        json!({"tenantRef": "acme"})
    }

    fn live(object: &Value) -> DynamicObject {
        let mut object = object.clone();
        object["metadata"]["uid"] = json!("u");
        object["metadata"]["resourceVersion"] = json!("7");
        serde_json::from_value(object).unwrap()
    }

    fn kind(act: &Act) -> &'static str {
        match act {
            Act::None => "none",
            Act::Apply => "apply",
            Act::Replace(_) => "replace",
            Act::Delete(_) => "delete",
            Act::Foreign => "foreign",
        }
    }

    /// What is done where the object is as wanted but for `path`, which is `value`.
    fn act(index: usize, spec: &Value, path: &str, value: Value) -> &'static str {
        let wanted = part(index, &said()).wanted.unwrap();
        let mut found = wanted.clone();
        *found.pointer_mut(path).unwrap() = value;
        kind(&part(index, spec).act(Some(&live(&found)), "web"))
    }

    #[rstest]
    #[case::as_wanted(BINDING, "/metadata/name", json!("kubeop-deployer"), "none")]
    #[case::another_subject(BINDING, "/subjects/0/name", json!("somebody"), "apply")]
    #[case::another_role(BINDING, "/roleRef/name", json!("cluster-admin"), "replace")]
    #[case::account_of_another(ACCOUNT, "/metadata/labels", json!({}), "apply")]
    #[case::role_of_another(BINDING, "/metadata/labels", json!({}), "apply")]
    #[case::members_of_another(MEMBERS, "/metadata/labels", json!({"app.kubeop.io/project-id": "shop"}), "foreign")]
    #[case::the_same_amount(QUOTA, "/spec/hard", json!({"cpu": "1", "pods": "10", "more": "1"}), "none")]
    #[case::another_amount(QUOTA, "/spec/hard/cpu", json!("2"), "apply")]
    #[case::a_name_is_no_amount(MEMBERS, "/subjects/0/name", json!("ann "), "apply")]
    fn what_is_there_is_put_right(
        #[case] index: usize,
        #[case] path: &str,
        #[case] value: Value,
        #[case] wanted: &str,
    ) {
        assert_eq!(act(index, &said(), path, value), wanted);
    }

    #[rstest]
    #[case::ours(json!({"app.kubeop.io/project-id": "web"}), "delete")]
    #[case::of_another_project(json!({"app.kubeop.io/project-id": "shop"}), "none")]
    #[case::somebodys(json!({}), "none")]
    fn what_is_no_longer_asked_for_goes_if_it_is_ours(#[case] labels: Value, #[case] wanted: &str) {
        assert_eq!(act(QUOTA, &unsaid(), "/metadata/labels", labels), wanted);
    }

    #[test]
    fn what_lost_its_label_is_known_by_our_fields() {
        let mut found = part(QUOTA, &said()).wanted.unwrap();
        found["metadata"]["labels"] = json!({});
        found["metadata"]["managedFields"] = json!([{"manager": "kubeop", "operation": "Apply"}]);
        assert_eq!(
            kind(&part(QUOTA, &said()).act(Some(&live(&found)), "web")),
            "apply"
        );
        assert_eq!(
            kind(&part(QUOTA, &unsaid()).act(Some(&live(&found)), "web")),
            "delete"
        );
    }

    #[test]
    fn what_is_not_there_is_made_where_it_is_asked_for() {
        for (index, spec, wanted) in [
            (ACCOUNT, unsaid(), "apply"),
            (MEMBERS, unsaid(), "none"),
            (MEMBERS, said(), "apply"),
        ] {
            assert_eq!(kind(&part(index, &spec).act(None, "web")), wanted);
        }
    }
}
