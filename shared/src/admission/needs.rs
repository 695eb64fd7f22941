//! A pre hook runs before anything is delivered. One that refers to what only its App delivers is told so, with the
//! switch that brings configuration first.

use crate::api::app::{Hook, HookNeeds, Hooks};
use crate::manifests::Object;
use serde_json::Value;

/// Fields of a hook that name an object: list, field of its items, field of that, kind.
const REFERENCES: [(&str, &[&str], &str, &str); 6] = [
    ("envFrom", &["configMapRef"], "name", "ConfigMap"),
    ("envFrom", &["secretRef"], "name", "Secret"),
    ("env", &["valueFrom", "configMapKeyRef"], "name", "ConfigMap"),
    ("env", &["valueFrom", "secretKeyRef"], "name", "Secret"),
    ("volumes", &["configMap"], "name", "ConfigMap"),
    ("volumes", &["secret"], "secretName", "Secret"),
];

/// Warns of every pre hook that refers to one of `objects`.
pub(super) fn check(hooks: Option<&Hooks>, objects: &[Object], warnings: &mut Vec<String>) {
    let Some(hooks) = hooks.filter(|hooks| hooks.needs.unwrap_or_default() == HookNeeds::None) else {
        return;
    };
    for (index, hook) in hooks.pre.iter().flatten().enumerate() {
        for (path, kind, name) in references(hook) {
            let delivered = objects
                .iter()
                .find(|object| object.gvk.group.is_empty() && object.gvk.kind == kind && object.name == name);
            if let Some(object) = delivered {
                warnings.push(format!(
                    "spec.hooks.pre[{index}].{path}: {kind} {name:?} is delivered by this App ({}), and only after \
                     its pre hooks. To deliver it before them: spec.hooks.needs: Config",
                    object.path
                ));
            }
        }
    }
}

/// What a hook refers to: path of the field, kind, name.
fn references(hook: &Hook) -> Vec<(String, &'static str, String)> {
    let mut found = Vec::new();
    for (list, way, field, kind) in REFERENCES {
        let items = match list {
            "envFrom" => &hook.env_from,
            "env" => &hook.env,
            _ => &hook.volumes,
        };
        for (index, item) in items.iter().flatten().enumerate() {
            let there = way.iter().try_fold(item, |value, name| value.get(name));
            if let Some(name) = there.and_then(|value| value.get(field)).and_then(Value::as_str) {
                let path = format!("{list}[{index}].{}.{field}", way.join("."));
                found.push((path, kind, name.to_owned()));
            }
        }
    }
    for (index, volume) in hook.volumes.iter().flatten().enumerate() {
        let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
        for (source, value) in sources.into_iter().flatten().enumerate() {
            for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                let name = value.get(field).and_then(|projected| projected.get("name"));
                if let Some(name) = name.and_then(Value::as_str) {
                    let path = format!("volumes[{index}].projected.sources[{source}].{field}.name");
                    found.push((path, kind, name.to_owned()));
                }
            }
        }
    }
    if let Some(account) = &hook.service_account_name {
        found.push(("serviceAccountName".to_owned(), "ServiceAccount", account.clone()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::api::app::Hooks;
    use crate::manifests::read_manifests;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn warnings(needs: &str, hook: &Value) -> Vec<String> {
        let manifests = ["ConfigMap", "Secret", "ServiceAccount"]
            .map(|kind| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "settings"}}));
        let read = read_manifests("spec.delivery.raw.manifests", &manifests).unwrap();
        let mut pre = json!({"name": "migrate", "image": "ghcr.io/acme/m:1"});
        pre.as_object_mut()
            .unwrap()
            .extend(hook.as_object().unwrap().clone());
        let hooks: Hooks = serde_json::from_value(json!({"needs": needs, "pre": [pre]})).unwrap();
        let mut warnings = Vec::new();
        check(Some(&hooks), &read.objects, &mut warnings);
        warnings
    }

    #[rstest]
    #[case("envFrom[0].configMapRef.name", json!({"envFrom": [{"configMapRef": {"name": "settings"}}]}))]
    #[case("envFrom[1].secretRef.name", json!({"envFrom": [{"configMapRef": {"name": "other"}},
        {"secretRef": {"name": "settings"}}]}))]
    #[case("env[0].valueFrom.secretKeyRef.name", json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef":
        {"name": "settings", "key": "a"}}}]}))]
    #[case("volumes[0].secret.secretName", json!({"volumes": [{"name": "v", "secret": {"secretName": "settings"}}]}))]
    #[case("volumes[0].projected.sources[0].configMap.name", json!({"volumes": [{"name": "v", "projected":
        {"sources": [{"configMap": {"name": "settings"}}]}}]}))]
    #[case("serviceAccountName", json!({"serviceAccountName": "settings"}))]
    fn s47_a_hook_that_needs_what_comes_later_is_told_the_switch(#[case] path: &str, #[case] hook: Value) {
        let told = warnings("None", &hook);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with(&format!("spec.hooks.pre[0].{path}: ")),
            "{told:?}"
        );
        for part in ["spec.delivery.raw.manifests[", "spec.hooks.needs: Config"] {
            assert!(told[0].contains(part), "{told:?}");
        }
        assert_eq!(warnings("Config", &hook), Vec::<String>::new());
    }

    #[test]
    fn s47_what_comes_from_elsewhere_is_nobodys_business() {
        let hook = json!({"envFrom": [{"secretRef": {"name": "of-the-platform"}}]});
        assert_eq!(warnings("None", &hook), Vec::<String>::new());
    }
}
