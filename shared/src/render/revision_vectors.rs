//! Which Apps are one revision, which are two, and hashes that must never change: `revision_vectors.json`.
//!
//! `one` and `other` are merge patches (RFC 7396) over a base. A hash is for ever: records hold it, and another
//! one for the same spec would run migrations again. Who adds a field adds a row to `different`, and changes
//! none of `pinned`.

use super::{Declared, Ownership, Target, render};
use crate::api::{App, AppSpec};
use kube::CustomResourceExt;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Vectors {
    pinned: Vec<Pinned>,
    bases: BTreeMap<String, Value>,
    equal: Vec<Pair>,
    different: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pinned {
    case: String,
    hash: String,
    spec: AppSpec,
}

#[derive(Deserialize)]
struct Pair {
    case: String,
    over: String,
    #[serde(default = "nothing")]
    one: Value,
    other: Value,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("revision_vectors.json")).unwrap()
}

impl Pair {
    /// Both specs; the other patch comes over the first.
    fn specs(&self, vectors: &Vectors) -> [Value; 2] {
        let mut one = vectors.bases[&self.over].clone();
        json_patch::merge(&mut one, &self.one);
        let mut other = one.clone();
        json_patch::merge(&mut other, &self.other);
        assert_ne!(one, other, "{}: says the same twice", self.case);
        [one, other]
    }

    fn declared(&self, vectors: &Vectors) -> [Declared; 2] {
        self.specs(vectors).map(|spec| {
            let spec: AppSpec = serde_json::from_value(spec).unwrap();
            Declared::read(&spec, "kubeop-web").unwrap_or_else(|error| panic!("{}: {error}", self.case))
        })
    }
}

#[test]
fn hashes_never_change() {
    for Pinned { case, hash, spec } in vectors().pinned {
        let declared = Declared::read(&spec, "kubeop-web").unwrap();
        assert_eq!(declared.hash.full(), hash, "{case}");
    }
}

#[test]
fn s37_one_revision_said_in_two_ways() {
    let vectors = vectors();
    for pair in &vectors.equal {
        let [one, other] = pair.declared(&vectors);
        assert_eq!(one.revision, other.revision, "{}", pair.case);
        assert_eq!(one.hash, other.hash, "{}", pair.case);
        assert_eq!(rendered(&one), rendered(&other), "{}", pair.case);
    }
}

#[test]
fn s37_the_order_of_keys_says_nothing() {
    let hash = |text: &str| {
        let spec: AppSpec = serde_json::from_str(text).unwrap();
        Declared::read(&spec, "kubeop-web").unwrap().hash
    };
    let [one, other] = [r#""x": "1", "y": "2""#, r#""y": "2", "x": "1""#].map(|data| {
        hash(&format!(
            r#"{{"projectRef": "web", "delivery": {{"kind": "Raw", "raw": {{"manifests": [
                {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "a"}}, "data": {{{data}}}}}]}}}}}}"#
        ))
    });
    assert_eq!(one, other);
}

#[test]
fn s56_two_revisions() {
    let vectors = vectors();
    for pair in &vectors.different {
        let [one, other] = pair.declared(&vectors);
        assert_ne!(one.hash, other.hash, "{}", pair.case);
    }
}

fn rendered(declared: &Declared) -> String {
    let ownership = Ownership {
        cluster: "c1".to_owned(),
        tenant: "acme".to_owned(),
        project: "web".to_owned(),
        app: "pay".to_owned(),
        namespace: "kubeop-web".to_owned(),
    };
    let target = Target {
        ownership: &ownership,
        hash: &declared.hash,
        replicas: None,
        progress_deadline: None,
    };
    let objects = render(&declared.revision, &target);
    let values = objects.iter().chain(&declared.manifests);
    values.map(|object| object.value.to_string()).collect()
}

/// Fields that go together by the schema's own rules, so that no pair differs in one of them alone.
const TOGETHER: [&str; 6] = [
    "delivery",
    "delivery.kind",
    "delivery.image",
    "delivery.git",
    "delivery.helm",
    "delivery.raw",
];
/// Not part of a revision, although it stands among what is delivered.
const REPLICAS: &str = "delivery.image.replicas";

/// Every field of the schema is known to be part of a revision, or known not to be.
#[test]
fn no_field_is_forgotten() {
    let vectors = vectors();
    let alone = |pairs: &[Pair]| -> BTreeSet<String> {
        let differences = pairs.iter().filter_map(|pair| {
            let [one, other] = pair.specs(&vectors);
            let mut paths = BTreeSet::new();
            differ("", &one, &other, &mut paths);
            (paths.len() == 1).then(|| paths.pop_first()).flatten()
        });
        differences.collect()
    };
    let (equal, different) = (alone(&vectors.equal), alone(&vectors.different));
    let crd = serde_json::to_value(App::crd()).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut fields = BTreeSet::new();
    list("", spec, &mut fields);
    assert!(fields.contains("hooks.PHASE[].hideOutput"), "{fields:?}");
    assert!(fields.contains("delivery.image.probes.PROBE.port"), "{fields:?}");
    let forgotten: Vec<&String> = fields
        .iter()
        .filter(|field| !TOGETHER.contains(&field.as_str()))
        .filter(|field| {
            let is_part = field.starts_with("delivery.") || field.starts_with("hooks");
            let known = if is_part && *field != REPLICAS {
                &different
            } else {
                &equal
            };
            !known.contains(*field)
        })
        .collect();
    assert!(forgotten.is_empty(), "in no row alone: {forgotten:#?}");
}

/// One name for fields of one type.
fn path(parent: &str, field: &str) -> String {
    let parent = match parent.rsplit_once('.') {
        Some((above, "readiness" | "liveness" | "startup")) => format!("{above}.PROBE"),
        Some((above, "git" | "helm" | "raw")) => format!("{above}.MANIFESTS"),
        Some((above, "pre[]" | "post[]")) => format!("{above}.PHASE[]"),
        _ => parent.to_owned(),
    };
    if parent.is_empty() {
        field.to_owned()
    } else {
        format!("{parent}.{field}")
    }
}

/// Fields of core/v1 are carried whole: what is inside is not kubeOP's.
fn is_core(path: &str) -> bool {
    let field = path.rsplit('.').next().unwrap_or_default();
    let of_core = [
        "env",
        "envFrom",
        "volumes",
        "volumeMounts",
        "tolerations",
        "securityContext",
        "httpGet",
        "tcpSocket",
        "exec",
        "grpc",
        "requests",
        "limits",
    ];
    of_core.contains(&field) || path == "hooks.PHASE[].resources"
}

/// The places where two values differ, as far down as kubeOP's own fields go.
fn differ(at: &str, one: &Value, other: &Value, paths: &mut BTreeSet<String>) {
    match (one, other) {
        _ if one == other => {}
        (Value::Object(one), Value::Object(other)) if !is_core(at) => {
            for field in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
                let at = path(at, field);
                match (one.get(field), other.get(field)) {
                    (Some(one), Some(other)) => differ(&at, one, other, paths),
                    _ => drop(paths.insert(at)),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() && is_list_of_objects(at) => {
            for (one, other) in one.iter().zip(other) {
                differ(&format!("{at}[]"), one, other, paths);
            }
        }
        _ => drop(paths.insert(at.to_owned())),
    }
}

fn is_list_of_objects(at: &str) -> bool {
    ["delivery.image.ports", "hooks.pre", "hooks.post"].contains(&at)
}

/// The fields of a schema, as far down as they are kubeOP's own.
fn list(at: &str, schema: &Value, fields: &mut BTreeSet<String>) {
    if is_core(at) {
        return;
    }
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        let at = path(at, field);
        fields.insert(at.clone());
        list(&at, schema, fields);
    }
    if schema["items"]["properties"].is_object() {
        list(&format!("{at}[]"), &schema["items"], fields);
    }
}
