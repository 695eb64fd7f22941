//! An update that admission puts right whole leaves no trace.
//!
//! Before admission the API server notes when each field manager wrote, and sorts the managers by that. Where
//! what a manager wrote is then put back, this order would be all that is left of the update: a new
//! resourceVersion for a second apply of the same manifest, whenever somebody else wrote in between.

use super::Request;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Puts back who manages what, where the patch leaves the object as it was, managed by the same.
pub(super) fn add(request: &Request<'_>, object: &RawValue, patch: &mut Vec<Value>) {
    // Hardly any update is put right, so a tree of values costs nothing here.
    if !patch.is_empty()
        && let Some(old) = request.old_object
        && let Some(managers) = managers_before(old, object, patch)
    {
        patch.push(json!({"op": "add", "path": "/metadata/managedFields", "value": managers}));
    }
}

fn managers_before(old: &RawValue, new: &RawValue, patch: &[Value]) -> Option<Value> {
    let mut old: Value = serde_json::from_str(old.get()).ok()?;
    let mut new: Value = serde_json::from_str(new.get()).ok()?;
    let patch: json_patch::Patch = serde_json::from_value(json!(patch)).ok()?;
    json_patch::patch(&mut new, &patch).ok()?;
    let (before, now) = (take_managers(&mut old)?, take_managers(&mut new)?);
    (old == new && before != now && without_times(&before) == without_times(&now)).then_some(before)
}

/// Takes the managers out, and what the API server sets by itself whatever a request says.
fn take_managers(object: &mut Value) -> Option<Value> {
    object.as_object_mut()?.remove("status");
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    for field in ["creationTimestamp", "generation", "resourceVersion", "uid"] {
        metadata.remove(field);
    }
    metadata.remove("managedFields")
}

/// Managers in an order of their own.
fn without_times(managers: &Value) -> Option<Vec<String>> {
    let text = |manager: &Value| {
        let mut manager = manager.clone();
        manager.as_object_mut()?.remove("time");
        Some(manager.to_string())
    };
    let mut texts: Vec<String> = managers.as_array()?.iter().map(text).collect::<Option<_>>()?;
    texts.sort();
    Some(texts)
}
