//! Rule 7: a request by annotation is resolved at once, and replaced by what it resolves to. The controller copies
//! it into the record before it acts, so it does not matter what becomes of the annotation later.

mod freeze;
mod rollback;
#[cfg(test)]
mod rollback_tests;
mod skip;
#[cfg(test)]
mod skip_tests;

use super::annotations::Annotated;
use super::scope::Scope;
use super::{Fact, Facts, Operation, Request, Violation};
use crate::api::names::ANNOTATION_REVISION_HASH;
use crate::revision::RevisionHash;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The annotations of an App as it would be, and as it is.
pub(super) struct Annotations<'a> {
    object: &'a RawValue,
    old: Option<&'a RawValue>,
}

/// A request that was not there before.
struct New {
    value: String,
    before: Option<String>,
}

#[derive(Deserialize)]
struct App<'a> {
    #[serde(borrow, default)]
    metadata: Annotated<'a>,
}

impl<'a> Annotations<'a> {
    pub fn of(request: &Request<'a>, object: &'a RawValue) -> Self {
        Self {
            object,
            old: request.old_object,
        }
    }

    fn now(&self, annotation: &str) -> Option<String> {
        said(self.object, annotation)
    }

    fn before(&self, annotation: &str) -> Option<String> {
        said(self.old?, annotation)
    }

    fn new_request(&self, annotation: &str) -> Option<New> {
        let value = self.now(annotation)?;
        let before = self.before(annotation);
        (before.as_ref() != Some(&value)).then_some(New { value, before })
    }

    /// Hash of what the spec says, as it is stamped.
    fn stamped(&self) -> Option<RevisionHash> {
        RevisionHash::read(&self.now(ANNOTATION_REVISION_HASH)?)
    }
}

/// Value of an annotation. Hardly any App carries one of these, so its text is searched before it is read. What cannot
/// be read says nothing here, and is refused elsewhere.
fn said(object: &RawValue, annotation: &str) -> Option<String> {
    if !object.get().contains(annotation) {
        return None;
    }
    let app: App<'_> = serde_json::from_str(object.get()).ok()?;
    app.metadata.get(annotation)
}

/// Replaces requests by what is meant, and by whom. `spec` is the hash of what the spec says.
pub(super) fn resolve(
    facts: &Facts,
    request: &Request<'_>,
    object: &RawValue,
    spec: Option<&RevisionHash>,
    patch: &mut Vec<Value>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    if request.operation != Operation::Update {
        return Ok(());
    }
    let annotations = Annotations::of(request, object);
    skip::resolve(facts, request, &annotations, patch)?;
    rollback::resolve(facts, request, &annotations, spec, patch, warnings)
}

/// Refuses what cannot be done.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    object: &RawValue,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    let annotations = Annotations::of(request, object);
    freeze::check(request, object, &annotations, violations);
    skip::check(facts, request, &annotations, violations, warnings)?;
    rollback::check(facts, scope, request, &annotations, violations, warnings)
}

fn path_of(annotation: &str) -> String {
    format!("metadata.annotations[{annotation}]")
}

/// The operation that puts another value into an annotation. RFC 6901: `/` in a key is `~1`.
fn replace(annotation: &str, value: &str) -> Value {
    let place = annotation.replace('/', "~1");
    json!({"op": "replace", "path": format!("/metadata/annotations/{place}"), "value": value})
}
