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

/// Managers of `kubectl rollout undo`. What they share with us after a rollback that we hold is ours alone: else it
/// would stay when a later revision leaves it out.
const UNDOES: [(&str, &str); 2] = [("kubectl", "Update"), ("kubectl-rollout", "Update")];

/// Whether an entry is what we apply.
#[must_use]
pub fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(names::FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// Whether an entry is of somebody who applies this top-level field, and so says all of it.
#[must_use]
pub fn applies(entry: &ManagedFieldsEntry, field: &str) -> bool {
    let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.as_object());
    let says = |fields: &Map<String, Value>| fields.keys().any(|key| key.strip_prefix("f:") == Some(field));
    entry.operation.as_deref() == Some("Apply") && fields.is_some_and(says)
}

/// Whether a manager, as a conflict names it, is one whose fields become ours.
#[must_use]
pub fn becomes_ours(manager: &str) -> bool {
    BEFORE_US.iter().any(|(name, _)| *name == manager)
}

fn is_of(entry: &ManagedFieldsEntry, managers: &[(&str, &str)]) -> bool {
    let main = entry.subresource.as_deref().unwrap_or_default().is_empty();
    let known = managers.iter().any(|(name, operation)| {
        entry.manager.as_deref() == Some(name) && entry.operation.as_deref() == Some(operation)
    });
    main && known
}

/// The entries after our apply, with the fields of those before us moved into ours, and those that `kubectl rollout
/// undo` shares with us taken off its own; none where there is nothing to move. What we then no longer apply is
/// removed by the next apply.
#[must_use]
pub fn taken_over(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let came_before_us = |entry: &&ManagedFieldsEntry| is_of(entry, &BEFORE_US);
    let mut ours = entries.iter().find(|entry| is_ours(entry))?.clone();
    let applied = ours.fields_v1.take().map_or(Value::Null, |fields| fields.0);
    let mut fields = applied.clone();
    let mut moved = false;
    for entry in entries.iter().filter(came_before_us) {
        moved = true;
        if let Some(theirs) = &entry.fields_v1 {
            unite(&mut fields, &theirs.0);
        }
    }
    let mut kept = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| !is_ours(entry) && !came_before_us(entry))
    {
        let mut entry = entry.clone();
        if is_of(&entry, &UNDOES)
            && let Some(FieldsV1(theirs)) = &mut entry.fields_v1
        {
            let before = theirs.clone();
            let empty = subtract(theirs, &applied);
            moved |= *theirs != before;
            if empty {
                continue;
            }
        }
        kept.push(entry);
    }
    ours.fields_v1 = Some(FieldsV1(fields));
    kept.push(ours);
    moved.then_some(kept)
}

/// Takes the fields of `other` out of a set of fields. Returns whether nothing is left.
fn subtract(from: &mut Value, other: &Value) -> bool {
    let (Value::Object(from), Value::Object(other)) = (from, other) else {
        return false;
    };
    from.retain(|name, value| {
        let Some(other) = other.get(name) else { return true };
        let leaf = value.as_object().is_some_and(Map::is_empty);
        !(leaf || subtract(value, other))
    });
    from.is_empty()
}

pub(super) fn unite(into: &mut Value, other: &Value) {
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
pub(super) mod tests {
    use super::{becomes_ours, owns_replicas, taken_over};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
    use serde_json::{Value, json};

    pub fn entry(manager: &str, operation: &str, subresource: &str, fields: &Value) -> ManagedFieldsEntry {
        serde_json::from_value(json!({
            "manager": manager, "operation": operation, "subresource": subresource, "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }))
        .unwrap()
    }

    #[test]
    fn what_an_undo_shares_with_us_is_ours_alone_and_a_restart_stays() {
        let template =
            |fields: Value| json!({"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}});
        let ours = template(
            json!({"k:{\"name\":\"pay\"}": {".": {}, "f:image": {}, "f:env": {"k:{\"name\":\"A\"}":
            {".": {}, "f:name": {}, "f:value": {}}}}}),
        );
        let mut theirs = template(json!({"k:{\"name\":\"pay\"}": {"f:env": {"k:{\"name\":\"A\"}":
            {".": {}, "f:name": {}, "f:value": {}}}, "f:image": {}}}));
        let entries = [
            entry("kubeop", "Apply", "", &ours),
            entry("kubectl", "Update", "", &theirs),
        ];
        let moved = taken_over(&entries).unwrap();
        assert_eq!(moved, [entries[0].clone()]);
        assert_eq!(taken_over(&moved), None, "once is enough");
        let restarted = json!({"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}});
        theirs["f:spec"]["f:template"]["f:metadata"] = restarted.clone();
        let entries = [
            entry("kubeop", "Apply", "", &ours),
            entry("kubectl-rollout", "Update", "", &theirs),
        ];
        let left = json!({"f:spec": {"f:template": {"f:metadata": restarted}}});
        let moved = taken_over(&entries).unwrap();
        assert_eq!(
            moved,
            [entry("kubectl-rollout", "Update", "", &left), entries[0].clone()]
        );
        let edited = [entries[0].clone(), entry("kubectl-edit", "Update", "", &ours)];
        assert_eq!(taken_over(&edited), None, "those of people stay theirs");
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
