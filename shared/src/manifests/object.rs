//! The only form in which a manifest travels.

use super::foreign::{self, Hook};
use super::read::{Fault, FaultKind, Outcome};
use super::server_set;
use serde_json::{Map, Value};
use std::fmt;

/// Group, version and kind of an object. The core group is the empty string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionKind {
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
}

impl GroupVersionKind {
    /// Splits an `apiVersion`; None if it is no `version` and no `group/version`.
    pub(super) fn parse(api_version: &str, kind: &str) -> Option<Self> {
        let (group, version) = match api_version.split_once('/') {
            None => ("", api_version),
            Some(("", _)) => return None,
            Some(parts) => parts,
        };
        (!version.is_empty() && !version.contains('/')).then(|| Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        })
    }
}

/// `apps/v1 Deployment`, `v1 Secret`.
impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{} {}", self.version, self.kind)
    }
}

/// One object out of a manifest, after lists are flattened.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Where it stands in the App: `spec.delivery.raw.manifests[3].items[0]`.
    pub path: String,
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// `metadata.namespace`, where given.
    pub namespace: Option<String>,
    /// `metadata.name`; empty only among faulty manifests.
    pub name: String,
    /// The object as a tree.
    pub value: Value,
}

impl Object {
    /// An object of a stored revision, which was read and judged before it was stored. None: it was not.
    #[must_use]
    pub fn stored(index: usize, value: &Value) -> Option<Self> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let api_version = text("/apiVersion")?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some(Self {
            path: format!("manifests[{index}]"),
            gvk: GroupVersionKind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text("/kind")?.to_owned(),
            },
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: text("/metadata/name")?.to_owned(),
            value: value.clone(),
        })
    }
}

/// Adds an object that is no list, what is wrong with it, and what is left out of it.
pub(super) fn add(path: String, line: Option<usize>, mut map: Map<String, Value>, outcome: &mut Outcome) {
    let mut check = Check {
        path: &path,
        line,
        faults: &mut outcome.faults,
    };
    match foreign::hook(&path, &map) {
        Hook::None => {}
        Hook::Skipped(notice) => return outcome.manifests.notices.push(notice),
        Hook::Refused(field, kind, why) => check.fault(&field, kind, why),
    }
    let gvk = check.gvk(&map);
    let (name, namespace) = check.metadata(&map);
    server_set::strip(&mut map);
    if gvk.as_ref().is_some_and(|gvk| gvk.to_string() == "v1 Secret")
        && let Err((field, why)) = server_set::string_data_to_data(&mut map)
    {
        check.fault(&field, FaultKind::NotAnObject, why);
    }
    foreign::take_marks_off(&path, &mut map, &mut outcome.manifests.notices);
    foreign::tell_of_keeping(&path, &map, &mut outcome.manifests.notices);
    if let Some(gvk) = gvk {
        outcome.manifests.objects.push(Object {
            path,
            gvk,
            namespace,
            name: name.unwrap_or_default(),
            value: Value::Object(map),
        });
    }
}

/// Checks an object, and notes the faults of its fields.
struct Check<'c> {
    path: &'c str,
    line: Option<usize>,
    faults: &'c mut Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, field: &str, kind: FaultKind, why: impl Into<String>) {
        self.faults.push(Fault {
            path: format!("{}.{field}", self.path),
            kind,
            line: self.line,
            why: why.into(),
        });
    }

    fn gvk(&mut self, map: &Map<String, Value>) -> Option<GroupVersionKind> {
        let api_version = self.required(map, "apiVersion", "apiVersion");
        let kind = self.required(map, "kind", "kind");
        let gvk = GroupVersionKind::parse(api_version?, kind?);
        if gvk.is_none() {
            self.fault(
                "apiVersion",
                FaultKind::NotAnObject,
                "is no version and no group/version",
            );
        }
        gvk
    }

    /// Name and namespace; None for the name if there is none, which is noted.
    fn metadata(&mut self, map: &Map<String, Value>) -> (Option<String>, Option<String>) {
        let empty = Map::new();
        let metadata = match map.get("metadata") {
            Some(Value::Object(metadata)) => metadata,
            None | Some(Value::Null) => &empty,
            Some(_) => {
                self.fault("metadata", FaultKind::NotAnObject, "is no object");
                return (None, None);
            }
        };
        let generated = self
            .optional(metadata, "generateName", "metadata.generateName")
            .is_some();
        let name = if generated && matches!(given(metadata, "name"), Given::Nothing) {
            self.fault(
                "metadata.generateName",
                FaultKind::GeneratedName,
                "would make another object at each delivery; give metadata.name",
            );
            None
        } else {
            self.required(metadata, "name", "metadata.name")
        };
        let namespace = self.optional(metadata, "namespace", "metadata.namespace");
        for field in ["labels", "annotations"] {
            self.texts(metadata, field);
        }
        for field in ["creationTimestamp", "deletionTimestamp"] {
            self.time(metadata, field);
        }
        (name.map(str::to_owned), namespace.map(str::to_owned))
    }

    fn required<'m>(&mut self, map: &'m Map<String, Value>, field: &str, path: &str) -> Option<&'m str> {
        if matches!(given(map, field), Given::Nothing) {
            self.fault(path, FaultKind::NotAnObject, "is missing");
        }
        self.optional(map, field, path)
    }

    fn optional<'m>(&mut self, map: &'m Map<String, Value>, field: &str, path: &str) -> Option<&'m str> {
        match given(map, field) {
            Given::Nothing => None,
            Given::Text(text) => Some(text),
            Given::Else(value) => {
                let why = format!("is {}, not a string; quote it", quoted(value));
                self.fault(path, FaultKind::NotAnObject, why);
                None
            }
        }
    }

    fn texts(&mut self, metadata: &Map<String, Value>, field: &str) {
        match metadata.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_string()) {
                    let why = format!("is {}, not a string; quote it", quoted(value));
                    self.fault(&format!("metadata.{field}[{key}]"), FaultKind::NotAnObject, why);
                }
            }
            Some(_) => self.fault(
                &format!("metadata.{field}"),
                FaultKind::NotAnObject,
                "is no object",
            ),
        }
    }

    /// kubectl reads it although the server sets it.
    fn time(&mut self, metadata: &Map<String, Value>, field: &str) {
        let readable = match metadata.get(field) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
            Some(_) => false,
        };
        if !readable {
            let path = format!("metadata.{field}");
            self.fault(
                &path,
                FaultKind::NotAnObject,
                "is no time by RFC 3339; leave it out",
            );
        }
    }
}

/// What stands in a field that takes a string.
enum Given<'m> {
    /// Absent, null or empty.
    Nothing,
    Text(&'m str),
    Else(&'m Value),
}

fn given<'m>(map: &'m Map<String, Value>, field: &str) -> Given<'m> {
    match map.get(field) {
        None | Some(Value::Null) => Given::Nothing,
        Some(Value::String(text)) if text.is_empty() => Given::Nothing,
        Some(Value::String(text)) => Given::Text(text),
        Some(other) => Given::Else(other),
    }
}

/// A value as it may be told: short ones as they are.
fn quoted(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        short => short.to_string(),
    }
}
