//! From `manifests[]` of an App to objects: the one function that admission and delivery both call, so
//! that what was checked is what is applied.

use super::object::Object;
use super::{lists, text};
use serde_json::Value;

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

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not YAML or JSON as kubectl reads it, or something would be lost in silence.
    Unreadable,
    /// Readable, but no Kubernetes object.
    NotAnObject,
    /// An object with `metadata.generateName` and no name: it would be another one at each delivery.
    GeneratedName,
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
    pub objects: Vec<Object>,
    pub faults: Vec<Fault>,
}

/// Reads `manifests[]`, found at the path `field`; each is a string (YAML or JSON as `kubectl -f` reads
/// it) or an embedded object.
///
/// Objects come in order, lists flattened, without what only a server sets: status and metadata such as
/// `uid`; `stringData` of a Secret stands in `data`. Paths look like `manifests[3]`, in a list
/// `manifests[3].items[0]`. Where a string holds several documents, the one is named in braces,
/// `manifests[3]{2}`: counted from 1, as people count, and only those that hold something.
///
/// # Errors
/// Any fault at all means that nothing is to be delivered. All faults are returned, up to about 50.
pub fn read_manifests(field: &str, manifests: &[Value]) -> Result<Vec<Object>, Vec<Fault>> {
    let mut outcome = Outcome::default();
    for (index, manifest) in manifests.iter().enumerate() {
        let path = format!("{field}[{index}]");
        match manifest {
            Value::String(text) => read_text(&path, text, &mut outcome),
            embedded => lists::flatten(
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
    if outcome.faults.is_empty() {
        Ok(outcome.objects)
    } else {
        Err(outcome.faults)
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
                lists::flatten(found, outcome);
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
