//! `skip-hook`: which failed hook is meant, and by whom.

use super::{Annotations, New, path_of, replace};
use crate::admission::{Code, Fact, Facts, Operation, Request, Violation};
use crate::api::names::ANNOTATION_SKIP_HOOK;
use crate::revision::{HookOutcome, Record, SkipRequest};
use serde_json::Value;

/// Replaces a request to skip a hook by which one is meant, and by whom.
pub(super) fn resolve(
    facts: &Facts,
    request: &Request<'_>,
    annotations: &Annotations<'_>,
    patch: &mut Vec<Value>,
) -> Result<(), Fact> {
    let Some(New { value, before }) = annotations.new_request(ANNOTATION_SKIP_HOOK) else {
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
        patch.push(replace(ANNOTATION_SKIP_HOOK, &resolved));
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
    annotations: &Annotations<'_>,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    let Some(New { value, .. }) = annotations.new_request(ANNOTATION_SKIP_HOOK) else {
        return Ok(());
    };
    let path = path_of(ANNOTATION_SKIP_HOOK);
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
