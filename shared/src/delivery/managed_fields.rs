//! Who owns which fields of an object, as server-side apply keeps it in `metadata.managedFields`
//! (<https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>).

use crate::api::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Map, Value};

/// Managers whose fields become ours when an App takes over what was applied by hand. Those of people who
/// scale, restart or edit (`kubectl-rollout`, `kubectl-edit`...) stay theirs.
const BEFORE_US: [(&str, &str); 3] = [
    ("kubectl-client-side-apply", "Update"),
    ("kubectl", "Apply"),
    ("before-first-apply", "Update"),
];

/// Whether an entry is what we apply.
#[must_use]
pub fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(names::FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// Whether a manager, as a conflict names it, is one whose fields become ours.
#[must_use]
pub fn becomes_ours(manager: &str) -> bool {
    BEFORE_US.iter().any(|(name, _)| *name == manager)
}

fn came_before_us(entry: &ManagedFieldsEntry) -> bool {
    let main = entry.subresource.as_deref().unwrap_or_default().is_empty();
    let known = BEFORE_US.iter().any(|(name, operation)| {
        entry.manager.as_deref() == Some(name) && entry.operation.as_deref() == Some(operation)
    });
    main && known
}

/// The entries after our apply, with the fields of those before us moved into ours; none where there is
/// nothing to move. What we then no longer apply is removed by the next apply.
#[must_use]
pub fn taken_over(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    if !entries.iter().any(came_before_us) {
        return None;
    }
    let mut ours = entries.iter().find(|entry| is_ours(entry))?.clone();
    let mut fields = ours.fields_v1.take().map_or(Value::Null, |fields| fields.0);
    for entry in entries.iter().filter(|entry| came_before_us(entry)) {
        if let Some(theirs) = &entry.fields_v1 {
            unite(&mut fields, &theirs.0);
        }
    }
    ours.fields_v1 = Some(FieldsV1(fields));
    let others = entries
        .iter()
        .filter(|entry| !is_ours(entry) && !came_before_us(entry));
    Some(others.cloned().chain([ours]).collect())
}

fn unite(into: &mut Value, other: &Value) {
    let Value::Object(other) = other else { return };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(into) = into else { return };
    for (name, value) in other {
        unite(
            into.entry(name.clone())
                .or_insert_with(|| Value::Object(Map::new())),
            value,
        );
    }
}

/// Whether our apply set `spec.replicas`.
#[must_use]
pub fn owns_replicas(entries: &[ManagedFieldsEntry]) -> bool {
    let fields = entries
        .iter()
        .find(|entry| is_ours(entry))
        .and_then(|entry| entry.fields_v1.as_ref());
    fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
}

#[cfg(test)]
mod tests {
    use super::{becomes_ours, owns_replicas, taken_over};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
    use serde_json::{Value, json};

    fn entry(manager: &str, operation: &str, subresource: &str, fields: &Value) -> ManagedFieldsEntry {
        serde_json::from_value(json!({
            "manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }))
        .unwrap()
    }

    /// S24: a key that kubectl owned becomes ours, so that it goes when we stop applying it; another
    /// controller's stays.
    #[test]
    fn s24_what_kubectl_applied_becomes_ours_and_nothing_else() {
        let ours = entry(
            "kubeop",
            "Apply",
            "",
            &json!({"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {}}}),
        );
        let theirs = entry(
            "kubectl-client-side-apply",
            "Update",
            "",
            &json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}}),
        );
        let other = entry("some-controller", "Update", "", &json!({"f:data": {"f:c": {}}}));
        let restart = entry("kubectl-rollout", "Update", "", &json!({"f:spec": {}}));
        let got = taken_over(&[theirs, ours, other.clone(), restart.clone()]).unwrap();
        assert_eq!(got.len(), 3);
        assert_eq!(&got[..2], &[other, restart]);
        assert_eq!(
            got[2].fields_v1.as_ref().unwrap().0,
            json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:metadata": {"f:labels": {}}})
        );
    }

    #[test]
    fn there_is_nothing_to_take_over_from_people_and_controllers() {
        let ours = entry("kubeop", "Apply", "", &json!({}));
        for (manager, operation, subresource) in [
            ("kubectl-edit", "Update", ""),
            ("kubectl-scale", "Update", "scale"),
            ("kubectl", "Update", ""),
            ("kubectl-client-side-apply", "Update", "status"),
            ("kube-controller-manager", "Update", ""),
        ] {
            let other = entry(manager, operation, subresource, &json!({"f:spec": {}}));
            assert_eq!(taken_over(&[ours.clone(), other]), None, "{manager} {operation}");
        }
        assert!(becomes_ours("before-first-apply") && !becomes_ours("kubectl-rollout"));
    }

    #[test]
    fn replicas_are_ours_while_our_entry_names_them() {
        let with = entry("kubeop", "Apply", "", &json!({"f:spec": {"f:replicas": {}}}));
        let scaled = entry("kubeop", "Apply", "scale", &json!({"f:spec": {"f:replicas": {}}}));
        assert!(owns_replicas(&[with]));
        assert!(!owns_replicas(&[scaled]));
    }
}
