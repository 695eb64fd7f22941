//! Lists of objects, told by their shape and taken apart to any depth.
//!
//! kubectl takes everything with `items` for a list, and then drops the rest of it in silence. Here the
//! kind must end in `List` as well, and a list that carries more is refused.

use super::read::{Fault, FaultKind, Found};
use serde_json::{Map, Value};

/// What a list may hold besides its items.
const FIELDS_OF_A_LIST: [&str; 4] = ["apiVersion", "kind", "metadata", "items"];

/// An object that is no list, and where it was found.
pub(super) struct Item {
    pub path: String,
    pub line: Option<usize>,
    pub map: Map<String, Value>,
}

/// The objects of a value, in order: itself, or those of its items if it is a list.
pub(super) fn flatten(found: Found) -> Vec<Result<Item, Fault>> {
    let mut items = Vec::new();
    add(found, &mut items);
    items
}

fn add(found: Found, items: &mut Vec<Result<Item, Fault>>) {
    let Found { path, line, value } = found;
    let Value::Object(mut map) = value else {
        items.push(Err(Fault {
            path,
            kind: FaultKind::NotAnObject,
            line,
            why: "is no object with apiVersion, kind and metadata".into(),
        }));
        return;
    };
    match shape(&map) {
        Shape::Object => items.push(Ok(Item { path, line, map })),
        Shape::NoList => items.push(Err(Fault {
            path: format!("{path}.items"),
            kind: FaultKind::NotAnObject,
            line,
            why: "is no list, in an object of kind List".into(),
        })),
        Shape::List => {
            if let Some(field) = map.keys().find(|key| !FIELDS_OF_A_LIST.contains(&key.as_str())) {
                items.push(Err(Fault {
                    path: format!("{path}.{field}"),
                    kind: FaultKind::NotAnObject,
                    line,
                    why: "stands in a list of objects, of which kubectl takes the items and drops the rest"
                        .into(),
                }));
                return;
            }
            let values = match map.remove("items") {
                Some(Value::Array(values)) => values,
                _ => Vec::new(),
            };
            let types = ItemTypes::of(&map);
            for (index, mut value) in values.into_iter().enumerate() {
                types.inherit(&mut value);
                let path = format!("{path}.items[{index}]");
                add(Found { path, line, value }, items);
            }
        }
    }
}

enum Shape {
    Object,
    List,
    /// Of kind `List`, with items that are something else.
    NoList,
}

fn shape(map: &Map<String, Value>) -> Shape {
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
    if !kind.ends_with("List") {
        return Shape::Object;
    }
    match map.get("items") {
        Some(Value::Null) => Shape::List,
        Some(Value::Array(items)) if kind == "List" || items.iter().all(Value::is_object) => Shape::List,
        Some(_) if kind == "List" => Shape::NoList,
        _ => Shape::Object,
    }
}

/// What items of a typed list are, unless they say it themselves: `RoleList` holds Roles.
struct ItemTypes {
    api_version: Option<Value>,
    kind: String,
}

impl ItemTypes {
    fn of(list: &Map<String, Value>) -> Self {
        let kind = list.get("kind").and_then(Value::as_str).unwrap_or_default();
        Self {
            api_version: list.get("apiVersion").cloned(),
            kind: kind.strip_suffix("List").unwrap_or_default().to_owned(),
        }
    }

    /// As apimachinery does, only an item that says neither inherits.
    fn inherit(&self, item: &mut Value) {
        let Value::Object(item) = item else { return };
        if self.kind.is_empty() || says(item, "kind") || says(item, "apiVersion") {
            return;
        }
        item.insert("kind".into(), self.kind.clone().into());
        if let Some(api_version) = &self.api_version {
            item.insert("apiVersion".into(), api_version.clone());
        }
    }
}

fn says(item: &Map<String, Value>, field: &str) -> bool {
    !matches!(item.get(field), None | Some(Value::Null)) && item.get(field) != Some(&Value::from(""))
}

#[cfg(test)]
mod tests {
    use super::super::read::{Fault, FaultKind};
    use super::super::{Object, read_manifests};
    use serde_json::{Value, json};

    fn read(manifest: Value) -> Result<Vec<Object>, Vec<Fault>> {
        read_manifests("spec.delivery.raw.manifests", &[manifest])
            .map(|read| read.objects)
            .map_err(|faulty| faulty.faults)
    }

    fn paths(manifest: Value) -> Vec<(String, String)> {
        let objects = read(manifest).unwrap();
        objects.into_iter().map(|o| (o.path, o.gvk.kind)).collect()
    }

    fn at(suffix: &str, kind: &str) -> (String, String) {
        (format!("spec.delivery.raw.manifests[0]{suffix}"), kind.into())
    }

    fn config_map(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
    }

    #[test]
    fn s22_a_list_gives_its_items() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [config_map("a"), config_map("b")]});
        assert_eq!(
            paths(list),
            [at(".items[0]", "ConfigMap"), at(".items[1]", "ConfigMap")]
        );
    }

    #[test]
    fn s22_items_of_a_typed_list_inherit_their_kind() {
        let list = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleList",
            "items": [{"metadata": {"name": "a"}}],
        });
        let objects = read(list).unwrap();
        assert_eq!(objects[0].gvk.to_string(), "rbac.authorization.k8s.io/v1 Role");
        assert_eq!(objects[0].value["kind"], "Role");
    }

    #[test]
    fn s22_a_typed_list_may_hold_another_kind() {
        let list = json!({"apiVersion": "v1", "kind": "SecretList", "items": [config_map("a")]});
        assert_eq!(paths(list), [at(".items[0]", "ConfigMap")]);
    }

    #[test]
    fn s22_lists_in_lists_keep_their_paths() {
        let inner = json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [config_map("a")]});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [config_map("b"), inner]});
        assert_eq!(
            paths(list),
            [
                at(".items[0]", "ConfigMap"),
                at(".items[1].items[0]", "ConfigMap")
            ]
        );
    }

    #[test]
    fn s22_empty_and_null_lists_are_no_objects() {
        for items in [json!([]), json!(null)] {
            let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items});
            assert_eq!(paths(list), []);
        }
    }

    #[test]
    fn s22_an_item_without_kind_is_refused_with_its_path() {
        let list = json!({
            "apiVersion": "v1",
            "kind": "List",
            "items": [config_map("a"), config_map("b"), {"metadata": {"name": "c"}}],
        });
        let faults = read(list).unwrap_err();
        assert_eq!(
            faults[0].path,
            "spec.delivery.raw.manifests[0].items[2].apiVersion"
        );
        assert_eq!(faults[1].path, "spec.delivery.raw.manifests[0].items[2].kind");
        assert_eq!(faults[0].kind, FaultKind::NotAnObject);
    }

    #[test]
    fn s22_a_list_with_windows_line_ends_is_read() {
        let list = "apiVersion: v1\r\nkind: List\r\nitems:\r\n- apiVersion: v1\r\n  kind: Secret\r\n  \
                    metadata:\r\n    name: a\r\n";
        assert_eq!(paths(list.into()), [at(".items[0]", "Secret")]);
    }

    #[test]
    fn a_list_that_carries_more_than_items_is_refused() {
        let list = json!({"apiVersion": "v1", "kind": "NotAList", "items": null, "spec": {"foo": "bar"}});
        assert_eq!(
            read(list).unwrap_err()[0].path,
            "spec.delivery.raw.manifests[0].spec"
        );
    }

    #[test]
    fn a_kind_that_does_not_end_in_list_is_an_object_whatever_its_items() {
        let basket = json!({
            "apiVersion": "acme.example/v1",
            "kind": "Basket",
            "metadata": {"name": "b"},
            "items": [config_map("a")],
        });
        assert_eq!(paths(basket), [at("", "Basket")]);
    }

    #[test]
    fn a_resource_whose_items_are_no_objects_is_no_list() {
        let addresses = json!({
            "apiVersion": "acme.example/v1",
            "kind": "AddressList",
            "metadata": {"name": "b"},
            "items": ["10.0.0.0/8"],
        });
        assert_eq!(paths(addresses), [at("", "AddressList")]);
    }
}
