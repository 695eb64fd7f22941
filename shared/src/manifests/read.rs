//! From `manifests[]` of an App to objects: the one function that admission and delivery both call, so
//! that what was checked is what is applied.

use super::foreign::{HookTool, Work};
use super::object::{self, Object};
use super::{lists, text};
use serde_json::Value;
use std::fmt;

/// How many faults are told at once; reading stops there.
const MAX_FAULTS: usize = 50;

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: the path of the manifest, of the object in it, or of the field of that.
    pub path: String,
    /// Which kind of fault.
    pub kind: FaultKind,
    /// The line in a YAML or JSON string, counted from 1: the fault's own if the text is unreadable,
    /// else that on which the document starts. None for embedded objects.
    pub line: Option<usize>,
    /// What is wrong, as a clause: `has no kind`.
    pub why: String,
}

impl Fault {
    /// The clause, with the line where there is one.
    #[must_use]
    pub fn why_with_line(&self) -> String {
        match self.line {
            Some(line) => format!("{} (line {line})", self.why),
            None => self.why.clone(),
        }
    }

    /// What to do, as a sentence.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.kind {
            FaultKind::Unreadable => "Correct the text.",
            FaultKind::NotAnObject => "Correct it, or leave the manifest out.",
            FaultKind::GeneratedName => "Write metadata.name.",
            FaultKind::Hook(_, Work::Runs) => "Move it to spec.hooks.",
            FaultKind::Hook(_, Work::Serves) => {
                "Leave the annotation out: it is delivered with the App; configuration before the pre hooks, where \
                 spec.hooks.needs is Config."
            }
        }
    }
}

/// `manifests[3].metadata.name: is missing (line 7). Correct it, or leave the manifest out.`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.path, self.why_with_line(), self.remedy())
    }
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not YAML or JSON as kubectl reads it, or something would be lost in silence.
    Unreadable,
    /// Readable, but no Kubernetes object.
    NotAnObject,
    /// An object with `metadata.generateName` and no name: it would be another one at each delivery.
    GeneratedName,
    /// What another tool would run as a hook, and kubeOP would deliver like any other object.
    Hook(HookTool, Work),
}

/// What was given and is not delivered, for the author to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where: the path of the field.
    pub path: String,
    /// What becomes of it, as a clause.
    pub what: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.what)
    }
}

/// What `manifests[]` hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// The objects to deliver, in order.
    pub objects: Vec<Object>,
    /// What is left out.
    pub notices: Vec<Notice>,
}

/// Manifests of which nothing may be delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Faulty {
    /// What is wrong, up to about 50 faults.
    pub faults: Vec<Fault>,
    /// What could be read all the same: to be judged, so that all faults are told at once. Never to be delivered.
    pub rest: Manifests,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{fault}")?;
        }
        Ok(())
    }
}

/// A value on its way to an object, and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub path: String,
    pub line: Option<usize>,
    pub value: Value,
}

/// What has been read so far.
#[derive(Default)]
pub(super) struct Outcome {
    pub manifests: Manifests,
    pub faults: Vec<Fault>,
}

/// Reads `manifests[]`, found at the path `field`; each is a string (YAML or JSON as `kubectl -f` reads
/// it) or an embedded object.
///
/// Objects come in order, lists flattened, without what only a server sets: status and metadata such as
/// `uid`; without what other tools track by; `stringData` of a Secret stands in `data`. Hooks of other tools that
/// kubeOP has no occasion to run are passed over. Paths look like `manifests[3]`, in a list
/// `manifests[3].items[0]`. Where a string holds several documents, the one is named in braces,
/// `manifests[3]{2}`: counted from 1, as people count, and only those that hold something.
///
/// # Errors
/// Any fault at all means that nothing is to be delivered.
pub fn read_manifests(field: &str, manifests: &[Value]) -> Result<Manifests, Faulty> {
    let mut outcome = Outcome::default();
    for (index, manifest) in manifests.iter().enumerate() {
        let path = format!("{field}[{index}]");
        match manifest {
            Value::String(text) => read_text(&path, text, &mut outcome),
            embedded => add(
                Found {
                    path,
                    line: None,
                    value: text::with_numbers_as_read(embedded.clone()),
                },
                &mut outcome,
            ),
        }
        if outcome.faults.len() >= MAX_FAULTS {
            break;
        }
    }
    let Outcome { manifests, faults } = outcome;
    if faults.is_empty() {
        Ok(manifests)
    } else {
        Err(Faulty {
            faults,
            rest: manifests,
        })
    }
}

/// Adds the objects of a value, and what is wrong with them.
fn add(found: Found, outcome: &mut Outcome) {
    for item in lists::flatten(found) {
        match item {
            Ok(item) => object::add(item.path, item.line, item.map, outcome),
            Err(fault) => outcome.faults.push(fault),
        }
    }
}

fn read_text(path: &str, text: &str, outcome: &mut Outcome) {
    match text::documents(text) {
        Ok(documents) => {
            let several = documents.len() > 1;
            for (index, document) in documents.into_iter().enumerate() {
                let path = if several {
                    format!("{path}{{{}}}", index + 1)
                } else {
                    path.to_owned()
                };
                let found = Found {
                    path,
                    line: Some(document.line),
                    value: document.value,
                };
                add(found, outcome);
            }
        }
        Err(troubles) => {
            let faults = troubles.into_iter().map(|trouble| Fault {
                path: path.to_owned(),
                kind: FaultKind::Unreadable,
                line: Some(trouble.line),
                why: trouble.why,
            });
            outcome.faults.extend(faults);
        }
    }
}
