//! Items that somebody put into a list of ours: what tells items apart may itself be edited, and then the list holds
//! theirs beside ours.

use super::managed_fields::{is_ours, unite};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Map, Value};

/// Items that somebody put into a list that we apply whole, and that stand in the way: moved into ours, so that our next
/// apply takes them out. With who put them there, and where. None where there are none.
#[must_use]
pub fn claimed(entries: &[ManagedFieldsEntry], wanted: &Value) -> Option<Strays> {
    let mut kept = Vec::new();
    let mut ours = entries.iter().find(|entry| is_ours(entry))?.clone();
    let mut fields = ours.fields_v1.take().map_or(Value::Null, |fields| fields.0);
    let mut by = Vec::new();
    for entry in entries.iter().filter(|entry| !is_ours(entry)) {
        let mut entry = entry.clone();
        let main = entry.subresource.as_deref().unwrap_or_default().is_empty();
        if main && let Some(FieldsV1(theirs)) = &mut entry.fields_v1 {
            let mut places = Vec::new();
            if let Some(moved) = take_strays(theirs, wanted, "", &mut places) {
                unite(&mut fields, &moved);
            }
            let manager = entry.manager.clone().unwrap_or_default();
            by.extend(places.into_iter().map(|place| (manager.clone(), place)));
        }
        if entry
            .fields_v1
            .as_ref()
            .is_none_or(|fields| fields.0 != Value::Object(Map::new()))
        {
            kept.push(entry);
        }
    }
    ours.fields_v1 = Some(FieldsV1(fields));
    kept.push(ours);
    (!by.is_empty()).then_some(Strays { entries: kept, by })
}

/// Items of lists that changed hands.
#[derive(Clone, Debug, PartialEq)]
pub struct Strays {
    /// All entries from now on.
    pub entries: Vec<ManagedFieldsEntry>,
    /// Manager and path of each item.
    pub by: Vec<(String, String)>,
}

/// Takes the items out of a set of fields that a wanted list does not have. Returns them as a set of fields.
fn take_strays(theirs: &mut Value, wanted: &Value, path: &str, places: &mut Vec<String>) -> Option<Value> {
    let theirs = theirs.as_object_mut()?;
    let mut moved = Map::new();
    theirs.retain(|name, fields| {
        if let Some(member) = name.strip_prefix("f:") {
            if let Some(wanted) = wanted.get(member) {
                let path = format!("{path}.{member}");
                moved.extend(take_strays(fields, wanted, &path, places).map(|taken| (name.clone(), taken)));
                return !(moved.contains_key(name) && fields.as_object().is_some_and(Map::is_empty));
            }
        } else if let Some(item) = name.strip_prefix("k:")
            && let Some(list) = wanted.as_array()
        {
            let keys: Map<String, Value> = serde_json::from_str(item).unwrap_or_default();
            let is_it = |wanted: &&Value| {
                keys.iter()
                    .all(|(key, value)| wanted.get(key).is_none_or(|wanted| wanted == value))
            };
            let Some(wanted) = list.iter().find(is_it) else {
                places.push(format!("{path}[{item}]"));
                moved.insert(name.clone(), fields.take());
                return false;
            };
            let path = format!("{path}[{item}]");
            moved.extend(take_strays(fields, wanted, &path, places).map(|taken| (name.clone(), taken)));
        }
        true
    });
    (!moved.is_empty()).then_some(Value::Object(moved))
}

#[cfg(test)]
mod tests {
    use super::super::managed_fields::tests::entry;
    use super::claimed;
    use serde_json::json;

    #[test]
    fn an_item_that_somebody_put_into_our_list_is_claimed() {
        let item = |port: u32| format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}");
        let all = json!({".": {}, "f:port": {}, "f:name": {}});
        let ours = entry("kubeop", "Apply", "", &json!({"f:spec": {"f:selector": {}}}));
        let theirs = entry(
            "kubectl-patch",
            "Update",
            "",
            &json!({"f:spec": {"f:ports": {item(9999): all.clone()}}}),
        );
        let status = entry(
            "cloud",
            "Update",
            "status",
            &json!({"f:spec": {"f:ports": {item(9999): all.clone()}}}),
        );
        let wanted = json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": 8080, "name": "http"}]}});
        let strays = claimed(&[ours.clone(), theirs, status.clone()], &wanted).unwrap();
        let fields = json!({"f:spec": {"f:selector": {}, "f:ports": {item(9999): all.clone()}}});
        assert_eq!(strays.entries, [status, entry("kubeop", "Apply", "", &fields)]);
        let place = ".spec.ports[{\"port\":9999,\"protocol\":\"TCP\"}]";
        assert_eq!(strays.by, [("kubectl-patch".to_owned(), place.to_owned())]);
        // What we want ourselves, and lists that we do not apply, stay theirs.
        let shared = entry(
            "kubectl-patch",
            "Update",
            "",
            &json!({"f:spec": {"f:ports": {item(8080): all.clone()},
            "f:others": {item(1): all}}}),
        );
        assert_eq!(claimed(&[ours, shared], &wanted), None);
    }
}
