//! Rule 7: a request by annotation is resolved at once, and replaced by what it resolves to. The controller copies
//! it into the record before it acts, so it does not matter what becomes of the annotation later.

use super::annotations::Annotated;
use super::{Code, Fact, Facts, Operation, Request, Violation};
use crate::api::names::ANNOTATION_SKIP_HOOK;
use crate::revision::{HookOutcome, Record, SkipRequest};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct App<'a> {
    #[serde(borrow, default)]
    metadata: Annotated<'a>,
}

/// A request that was not there before.
struct New {
    value: String,
    before: Option<String>,
}

impl New {
    fn of(request: &Request<'_>, object: &RawValue) -> Option<Self> {
        let value = said(object)?;
        let before = request.old_object.and_then(said);
        (before.as_ref() != Some(&value)).then_some(Self { value, before })
    }
}

fn said(object: &RawValue) -> Option<String> {
    let app: App<'_> = serde_json::from_str(object.get()).ok()?;
    app.metadata.get(ANNOTATION_SKIP_HOOK)
}

/// Replaces a request to skip a hook by which one is meant, and by whom.
pub(super) fn resolve(
    facts: &Facts,
    request: &Request<'_>,
    object: &RawValue,
    patch: &mut Vec<Value>,
) -> Result<(), Fact> {
    if request.operation != Operation::Update {
        return Ok(());
    }
    let Some(New { value, before }) = New::of(request, object) else {
        return Ok(());
    };
    let Some(record) = facts.record(&request.namespace, &request.name)? else {
        return Ok(());
    };
    let asked = SkipRequest::read(&value);
    let resolved = match asked.find(&record) {
        Some(key) => SkipRequest {
            phase: Some(key.phase),
            hook: &key.name,
            revision: Some(key.hash.short()),
            by: Some(&request.user_info.username),
        }
        .to_string(),
        // A manifest that still says what was done already says nothing new.
        None => match before.filter(|before| is_done(&record, &asked, before)) {
            Some(before) => before,
            None => return Ok(()),
        },
    };
    if resolved != value {
        let place = ANNOTATION_SKIP_HOOK.replace('/', "~1");
        patch.push(
            json!({"op": "replace", "path": format!("/metadata/annotations/{place}"), "value": resolved}),
        );
    }
    Ok(())
}

/// Whether a request asks again for what was resolved to `before`, and done.
fn is_done(record: &Record, asked: &SkipRequest<'_>, before: &str) -> bool {
    let resolved = SkipRequest::read(before);
    let same = asked.hook == resolved.hook && asked.phase.is_none_or(|phase| Some(phase) == resolved.phase);
    let skipped = record.skipped.as_deref() == Some(before);
    same && skipped
        && asked
            .revision
            .is_none_or(|digits| resolved.revision == Some(digits))
}

/// Refuses a request to skip a hook that did not fail.
pub(super) fn check(
    facts: &Facts,
    request: &Request<'_>,
    object: &RawValue,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    let Some(New { value, .. }) = New::of(request, object) else {
        return Ok(());
    };
    let path = format!("metadata.annotations[{ANNOTATION_SKIP_HOOK}]");
    if request.operation == Operation::Create {
        warnings.push(format!(
            "{path}: no hook of a new App has failed, so this skips none"
        ));
        return Ok(());
    }
    let record = facts.record(&request.namespace, &request.name)?;
    let failed = record.as_deref().map(failed).unwrap_or_default();
    if record.is_some_and(|record| SkipRequest::read(&value).find(&record).is_some()) {
        return Ok(());
    }
    let remedy = if failed.is_empty() {
        "Only a hook that failed for the revision that is wanted can be skipped: wait for it.".to_owned()
    } else {
        format!("Write one of these: {}.", failed.join(", "))
    };
    violations.push(Violation {
        code: Code::HookNotFailed,
        path,
        value,
        why: "names no hook that failed for the revision that is wanted".to_owned(),
        remedy,
    });
    Ok(())
}

/// The hooks that can be skipped.
fn failed(record: &Record) -> Vec<String> {
    let wanted = record.wanted().map(|revision| &revision.hash);
    let runs = record
        .hooks
        .iter()
        .filter(|run| Some(&run.key.hash) == wanted && matches!(run.outcome, HookOutcome::Failed { .. }));
    runs.map(|run| format!("{}/{}", run.key.phase, run.key.name))
        .collect()
}
