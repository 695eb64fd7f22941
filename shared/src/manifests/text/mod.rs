//! The documents of a text, as `kubectl -f FILE` takes them out of a file.
//!
//! kubectl reads YAML by a port of libyaml, YAML 1.1 scalars, after it has cut the file into documents
//! itself. So do we: events of `libyaml-safer`, and everything above them (documents, scalars, keys,
//! tags, merges, aliases) here. Where kubectl drops or guesses in silence, the text is refused.

mod compose;
#[cfg(test)]
mod documents_tests;
mod events;
mod json;
mod pieces;
mod scalar;
mod tags;
#[cfg(test)]
mod vector_tests;

use pieces::Pieces;
use serde_json::Value;

/// How deeply lists and mappings may be nested: the limit of `serde_json`, which the API server's answers and
/// the webhook's requests meet, too. kubectl's own is 10,000.
const MAX_DEPTH: usize = 128;

/// How many faults of one text are told. Who has more than these repairs some and asks again.
const MAX_FAULTS: usize = 20;

/// A document that holds something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// The line on which its content starts, counted from 1.
    pub line: usize,
    /// What it says; never null.
    pub value: Value,
}

/// Why a text is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, as a clause.
    pub why: String,
}

impl Trouble {
    fn new(line: usize, why: impl Into<String>) -> Self {
        Self {
            line,
            why: why.into(),
        }
    }
}

/// Reads all documents of a text, the empty ones left out. After a syntax error nothing is read, as
/// what follows it cannot be told apart from what it swallowed.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, Vec<Trouble>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut read = Reading::default();
    let rest = if json::looks_like_json(text) {
        json::values(text, &mut read)
    } else {
        Some((text, 1))
    };
    if let Some((text, line)) = rest {
        yaml(text, line, &mut read);
    }
    if read.troubles.is_empty() {
        Ok(read.documents)
    } else {
        Err(read.troubles)
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What has been read of a text so far.
#[derive(Default)]
struct Reading {
    documents: Vec<Document>,
    troubles: Vec<Trouble>,
}

impl Reading {
    fn document(&mut self, line: usize, value: Value) {
        if !value.is_null() {
            self.documents.push(Document { line, value });
        }
    }
}

fn yaml(text: &str, first_line: usize, read: &mut Reading) {
    for piece in Pieces::new(text, first_line) {
        let parsed = piece.and_then(events::nodes);
        match parsed {
            Ok(Some(nodes)) => {
                let composed = compose::compose(&nodes);
                read.troubles.extend(composed.troubles);
                read.document(nodes.line(), composed.value);
            }
            Ok(None) => {}
            Err(trouble) => {
                read.troubles.push(trouble);
                return;
            }
        }
        if read.troubles.len() >= MAX_FAULTS {
            read.troubles.truncate(MAX_FAULTS);
            return;
        }
    }
}

/// An embedded object with its numbers as the reader of texts has them, so that both forms of a manifest
/// hash alike.
pub(super) fn with_numbers_as_read(value: Value) -> Value {
    match value {
        Value::Number(given) => {
            let float = if given.is_i64() { None } else { given.as_f64() };
            Value::Number(float.and_then(scalar::number).unwrap_or(given))
        }
        Value::Array(items) => items.into_iter().map(with_numbers_as_read).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, with_numbers_as_read(value)))
            .collect(),
        other => other,
    }
}
