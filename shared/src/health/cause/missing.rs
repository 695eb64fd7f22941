//! What a Pod refers to and does not find, and the command that makes it.

use super::words::{is_name, quoted_after};
use serde_json::Value;
use std::collections::BTreeSet;

/// A ConfigMap or a Secret, or a key of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    kind: Kind,
    name: String,
    /// The key, where the object itself is there.
    key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ConfigMap,
    Secret,
}

impl Kind {
    const ALL: [Self; 2] = [Self::ConfigMap, Self::Secret];

    fn resource(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }

    /// The fields that refer to one whole, and to one key.
    fn references(self) -> [&'static str; 2] {
        match self {
            Self::ConfigMap => ["configMap", "configMapKeyRef"],
            Self::Secret => ["secret", "secretKeyRef"],
        }
    }
}

/// What the kubelet's words say is missing: `configmap "settings" not found`,
/// `couldn't find key mode in ConfigMap web/settings`.
pub(super) fn read(message: &str) -> Option<Missing> {
    let of_object = |kind: Kind| {
        let name = quoted_after(message, &format!("{} ", kind.resource()))?;
        let not_found = message.contains(&format!("\"{name}\" not found"));
        (not_found && is_name(name)).then(|| Missing {
            kind,
            name: name.to_owned(),
            key: None,
        })
    };
    let of_key = |kind: Kind| {
        let (_, rest) = message.split_once("couldn't find key ")?;
        let (key, rest) = rest.split_once(" in ")?;
        let (said, rest) = rest.split_once(' ')?;
        let (_, name) = rest.split_once('/')?;
        let name = name.split_whitespace().next()?;
        let ours = said.eq_ignore_ascii_case(kind.resource()) && is_name(name) && is_name(key);
        ours.then(|| Missing {
            kind,
            name: name.to_owned(),
            key: Some(key.to_owned()),
        })
    };
    let mut kinds = Kind::ALL.into_iter();
    kinds.find_map(|kind| of_key(kind).or_else(|| of_object(kind)))
}

impl Missing {
    /// The command that makes it. A pod spec tells which keys are needed.
    pub(super) fn remedy(&self, namespace: &str, spec: Option<&Value>) -> String {
        let Self { kind, name, key } = self;
        match (kind, key) {
            (Kind::ConfigMap, Some(key)) => patch("configmap", name, namespace, "data", key),
            (Kind::Secret, Some(key)) => patch("secret", name, namespace, "stringData", key),
            (kind, None) => {
                let what = match kind {
                    Kind::ConfigMap => "configmap",
                    Kind::Secret => "secret generic",
                };
                let keys = spec.map(|spec| self.keys(spec)).unwrap_or_default();
                let literals: Vec<String> = if keys.is_empty() {
                    vec!["--from-literal=<key>=<value>".to_owned()]
                } else {
                    let literal = |key: &String| format!("--from-literal={key}=<value>");
                    keys.iter().map(literal).collect()
                };
                format!(
                    "kubectl create {what} {name} -n {namespace} {}",
                    literals.join(" ")
                )
            }
        }
    }

    /// The keys that a pod spec wants of the object.
    fn keys(&self, spec: &Value) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        self.collect(spec, &mut keys);
        keys
    }

    fn collect(&self, value: &Value, keys: &mut BTreeSet<String>) {
        let [whole, one] = self.kind.references();
        let children: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => {
                if let Some(reference) = fields.get(one)
                    && reference.get("name").and_then(Value::as_str) == Some(&self.name)
                {
                    keys.extend(key_of(reference));
                }
                if let Some(source) = fields.get(whole)
                    && ["name", "secretName"]
                        .iter()
                        .any(|field| source.get(field).and_then(Value::as_str) == Some(&self.name))
                {
                    let items = source.get("items").and_then(Value::as_array);
                    keys.extend(items.into_iter().flatten().filter_map(key_of));
                }
                fields.values().collect()
            }
            _ => return,
        };
        for child in children {
            self.collect(child, keys);
        }
    }
}

fn key_of(reference: &Value) -> Option<String> {
    let key = reference.get("key").and_then(Value::as_str)?;
    is_name(key).then(|| key.to_owned())
}

fn patch(what: &str, name: &str, namespace: &str, field: &str, key: &str) -> String {
    format!(
        "kubectl patch {what} {name} -n {namespace} --type=merge -p '{{\"{field}\":{{\"{key}\":\"<value>\"}}}}'"
    )
}

#[cfg(test)]
mod tests {
    use super::read;
    use serde_json::json;

    #[test]
    fn a_missing_object_is_made_with_the_keys_that_are_needed() {
        let spec = json!({"containers": [{
            "env": [
                {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
                {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "log.level"}}},
                {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "others", "key": "x"}}},
                {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "settings", "key": "y"}}},
            ],
        }], "volumes": [{"name": "v", "configMap": {"name": "settings", "items": [{"key": "app.ini", "path": "a"}]}}]});
        let missing = read("configmap \"settings\" not found").unwrap();
        assert_eq!(
            missing.remedy("web", Some(&spec)),
            "kubectl create configmap settings -n web --from-literal=app.ini=<value> \
             --from-literal=log.level=<value> --from-literal=mode=<value>"
        );
        assert_eq!(
            missing.remedy("web", None),
            "kubectl create configmap settings -n web --from-literal=<key>=<value>"
        );
        let secret = read("MountVolume.SetUp failed for volume \"s\" : secret \"tls\" not found").unwrap();
        assert_eq!(
            secret.remedy("web", None),
            "kubectl create secret generic tls -n web --from-literal=<key>=<value>"
        );
    }

    #[test]
    fn a_missing_key_is_added() {
        let missing = read("couldn't find key mode in ConfigMap web/settings").unwrap();
        assert_eq!(
            missing.remedy("web", None),
            "kubectl patch configmap settings -n web --type=merge -p '{\"data\":{\"mode\":\"<value>\"}}'"
        );
        let missing = read("couldn't find key password in Secret web/db").unwrap();
        assert_eq!(
            missing.remedy("web", None),
            "kubectl patch secret db -n web --type=merge -p '{\"stringData\":{\"password\":\"<value>\"}}'"
        );
    }

    #[test]
    fn nothing_that_others_wrote_becomes_a_part_of_a_command() {
        for forged in [
            "configmap \"x; reboot\" not found",
            "couldn't find key $(reboot) in ConfigMap web/settings",
            "configmap \"x\" is odd",
            "no space left",
        ] {
            assert_eq!(read(forged), None, "{forged}");
        }
    }
}
