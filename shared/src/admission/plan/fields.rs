//! Which fields of an object change: names, never values.

use crate::api::names::ANNOTATION_REVISION;
use serde_json::Value;
use std::collections::BTreeMap;

/// Paths of the fields that differ. The revision on a Deployment's own metadata always does, and is left out.
pub(super) fn changed(before: &Value, after: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    compare("", Some(before), Some(after), &mut fields);
    let revision = format!("metadata.annotations[{ANNOTATION_REVISION}]");
    fields.retain(|field| *field != revision);
    fields
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, fields: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            for key in after.keys().chain(gone) {
                compare(&member(path, key), before.get(key), after.get(key), fields);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => lists(path, before, after, fields),
        _ => fields.push(path.to_owned()),
    }
}

/// Lists of named items are compared by name, so that one that is put in front changes no other.
fn lists(path: &str, before: &[Value], after: &[Value], fields: &mut Vec<String>) {
    let mut pairs: Vec<(usize, Option<usize>, Option<usize>)> = Vec::new();
    if let (Some(old), Some(new)) = (by_name(before), by_name(after)) {
        pairs.extend(
            new.iter()
                .map(|(name, at)| (*at, old.get(name).copied(), Some(*at))),
        );
        let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
        pairs.extend(gone.map(|(_, at)| (*at, Some(*at), None)));
        pairs.sort_unstable();
    } else {
        let all = 0..before.len().max(after.len());
        pairs.extend(all.map(|index| (index, Some(index), Some(index))));
    }
    for (index, old, new) in pairs {
        let item = |list: &'_ [Value], at: Option<usize>| at.and_then(|at| list.get(at)).cloned();
        let (old, new) = (item(before, old), item(after, new));
        compare(&format!("{path}[{index}]"), old.as_ref(), new.as_ref(), fields);
    }
}

/// Place of each item by its name; none where not all have one of their own.
fn by_name(list: &[Value]) -> Option<BTreeMap<&str, usize>> {
    let names = list.iter().enumerate();
    let names: Option<BTreeMap<&str, usize>> = names
        .map(|(at, item)| Some((item.get("name")?.as_str()?, at)))
        .collect();
    names.filter(|names| names.len() == list.len())
}

fn member(path: &str, key: &str) -> String {
    let simple = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match (key.bytes().all(simple), path) {
        (true, "") => key.to_owned(),
        (true, path) => format!("{path}.{key}"),
        (false, path) => format!("{path}[{key}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::changed;
    use serde_json::json;

    #[test]
    fn names_of_fields_and_no_values() {
        let before =
            json!({"data": {"a": "1", "b.c": "2", "gone": "secret"}, "spec": {"list": [1, 2], "same": {}}});
        let after =
            json!({"data": {"a": "1", "b.c": "3", "new": "secret"}, "spec": {"list": [1, 3, 4], "same": {}}});
        assert_eq!(
            changed(&before, &after),
            [
                "data[b.c]",
                "data.new",
                "data.gone",
                "spec.list[1]",
                "spec.list[2]"
            ]
        );
        assert_eq!(changed(&before, &before), Vec::<String>::new());
    }

    #[test]
    fn items_of_a_list_are_known_by_their_names() {
        let before = json!({"c": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]});
        let after = json!({"c": [{"name": "z", "v": 1}, {"name": "a", "v": 1}, {"name": "b", "v": 2}]});
        assert_eq!(changed(&before, &after), ["c[0]", "c[2].v"]);
        assert_eq!(changed(&after, &before), ["c[0]", "c[1].v"]);
    }

    #[test]
    fn the_revision_of_a_deployment_is_no_change() {
        let of = |hash: &str| json!({"metadata": {"annotations": {"platform.kubeop.io/revision": hash}}});
        assert_eq!(changed(&of("a"), &of("b")), Vec::<String>::new());
    }
}
