//! Every host that an Ingress routes: of its rules, of its TLS, and none at all where it takes every host.

use serde::{Deserialize, Deserializer};

/// A host of an Ingress, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutedHost {
    /// Path of the field below the object: `spec.rules[0].host`.
    pub path: String,
    /// What the field is for.
    pub place: HostPlace,
    /// As it is written; none: every host.
    pub host: Option<String>,
}

/// What a host in an Ingress is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPlace {
    /// Requests for it are routed.
    Rule,
    /// It is served with a certificate.
    Tls,
    /// Whatever no rule takes is routed.
    DefaultBackend,
}

#[derive(Deserialize)]
struct Ingress {
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    default_backend: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    rules: Option<Vec<Rule>>,
    #[serde(default)]
    tls: Option<Vec<Tls>>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    host: Option<String>,
}

#[derive(Deserialize)]
struct Tls {
    #[serde(default)]
    hosts: Option<Vec<String>>,
}

/// The hosts of an Ingress of networking.k8s.io/v1, in order.
///
/// # Errors
/// What does not have the form of an Ingress.
pub fn routed_hosts<'de, D: Deserializer<'de>>(ingress: D) -> Result<Vec<RoutedHost>, D::Error> {
    let Some(spec) = Ingress::deserialize(ingress)?.spec else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut add = |path, place, host| found.push(RoutedHost { path, place, host });
    if spec.default_backend.is_some() {
        add("spec.defaultBackend".to_owned(), HostPlace::DefaultBackend, None);
    }
    for (index, rule) in spec.rules.into_iter().flatten().enumerate() {
        let host = rule.host.filter(|host| !host.is_empty());
        add(format!("spec.rules[{index}].host"), HostPlace::Rule, host);
    }
    for (index, tls) in spec.tls.into_iter().flatten().enumerate() {
        for (of, host) in tls.hosts.into_iter().flatten().enumerate() {
            let path = format!("spec.tls[{index}].hosts[{of}]");
            add(path, HostPlace::Tls, Some(host));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::routed_hosts;
    use serde_json::{Value, json};

    fn found(ingress: &Value) -> Vec<(String, Option<String>)> {
        let found = routed_hosts(ingress).unwrap();
        found.into_iter().map(|found| (found.path, found.host)).collect()
    }

    #[test]
    fn every_place_is_found_with_its_path() {
        let ingress = json!({"spec": {
            "defaultBackend": {"service": {"name": "x", "port": {"number": 80}}},
            "rules": [{"host": "a.example", "http": {"paths": []}}, {"http": {"paths": []}}, {"host": ""}],
            "tls": [{"secretName": "all"}, {"hosts": ["a.example", "*.b.example"]}],
        }});
        let some = |host: &str| Some(host.to_owned());
        assert_eq!(
            found(&ingress),
            [
                ("spec.defaultBackend".to_owned(), None),
                ("spec.rules[0].host".to_owned(), some("a.example")),
                ("spec.rules[1].host".to_owned(), None),
                ("spec.rules[2].host".to_owned(), None),
                ("spec.tls[1].hosts[0]".to_owned(), some("a.example")),
                ("spec.tls[1].hosts[1]".to_owned(), some("*.b.example")),
            ]
        );
    }

    #[test]
    fn what_is_absent_or_null_is_no_host() {
        for ingress in [
            json!({}),
            json!({"spec": null}),
            json!({"spec": {"rules": null, "tls": null, "defaultBackend": null}}),
        ] {
            assert_eq!(found(&ingress), [], "{ingress}");
        }
        assert!(routed_hosts(json!({"spec": {"rules": "x"}})).is_err());
    }
}
