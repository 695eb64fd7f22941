//! One object that is given twice: the later would undo the earlier, at every delivery.

use super::{Object, is_cluster_scoped};
use std::collections::HashMap;

/// Each object for the namespace `home` that was given before, and the path of the first. Versions of a kind are the
/// same object. What belongs elsewhere is left out: it is refused for that.
#[must_use]
pub fn duplicates<'o>(objects: &'o [Object], home: &str) -> Vec<(&'o Object, &'o str)> {
    let mut first = HashMap::new();
    let mut again = Vec::new();
    for object in objects {
        let Object {
            gvk, namespace, name, ..
        } = object;
        let elsewhere = namespace.as_deref().is_some_and(|namespace| namespace != home);
        if name.is_empty() || elsewhere || is_cluster_scoped(&gvk.group, &gvk.kind) {
            continue;
        }
        let key = (&gvk.group, &gvk.kind, name);
        match first.get(&key) {
            Some(path) => again.push((object, *path)),
            None => drop(first.insert(key, object.path.as_str())),
        }
    }
    again
}

#[cfg(test)]
mod tests {
    use super::duplicates;
    use crate::manifests::read_manifests;
    use serde_json::{Value, json};

    fn object(version: &str, kind: &str, name: &str, namespace: Option<&str>) -> Value {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
    }

    #[test]
    fn the_same_object_is_told_by_group_kind_and_name() {
        let given = [
            object("autoscaling/v1", "HorizontalPodAutoscaler", "a", None),
            object("v1", "ConfigMap", "a", None),
            object("v1", "Secret", "a", None),
            object("v1", "ConfigMap", "a", Some("elsewhere")),
            object("v1", "ConfigMap", "a", Some("elsewhere")),
            object("v1", "Namespace", "a", None),
            object("v1", "Namespace", "a", None),
            object("v1", "ConfigMap", "a", Some("home")),
            object("autoscaling/v2", "HorizontalPodAutoscaler", "a", None),
        ];
        let objects = read_manifests("m", &given).unwrap().objects;
        let again: Vec<_> = duplicates(&objects, "home")
            .into_iter()
            .map(|(object, first)| (object.path.as_str(), first))
            .collect();
        assert_eq!(again, [("m[7]", "m[1]"), ("m[8]", "m[0]")]);
    }
}
