//! `rollback-to`: which kept revision is meant, and whether it may run today.

use super::{Annotations, New, path_of, replace};
use crate::admission::registry_allowlist::registries;
use crate::admission::scope::Scope;
use crate::admission::{Code, Fact, Facts, Operation, Request, Violation};
use crate::api::names::ANNOTATION_ROLLBACK_TO;
use crate::image::ImageReference;
use crate::revision::{Meant, NotMeant, Record, Revision, RevisionHash, RollbackRequest};
use serde_json::Value;

/// Replaces a request by the revision that is meant, about which spec, when, and by whom.
pub(super) fn resolve(
    facts: &Facts,
    request: &Request<'_>,
    annotations: &Annotations<'_>,
    spec: Option<&RevisionHash>,
    patch: &mut Vec<Value>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    let Some(New { value, before }) = annotations.new_request(ANNOTATION_ROLLBACK_TO) else {
        return Ok(());
    };
    let Some(record) = facts.record(&request.namespace, &request.name)? else {
        return Ok(());
    };
    if record.rolled_back.as_ref() == Some(&value) {
        return Ok(());
    }
    let asked = RollbackRequest::read(&value);
    let resolved = match before.filter(|before| stands(&record, &asked, before, spec)) {
        // A manifest that still says what was done already says nothing new.
        Some(before) => {
            warnings.push(format!(
                "{}: {value:?} was done already ({before}). To go elsewhere, name a revision. Kept: {}",
                path_of(ANNOTATION_ROLLBACK_TO),
                record.kept()
            ));
            before
        }
        None => match asked.find(&record, spec) {
            Ok(meant) => resolved(&record, &asked, meant, spec, &request.user_info.username),
            // Refused by `check`.
            Err(_) => return Ok(()),
        },
    };
    if resolved != value {
        patch.push(replace(ANNOTATION_ROLLBACK_TO, &resolved));
    }
    Ok(())
}

fn resolved(
    record: &Record,
    asked: &RollbackRequest<'_>,
    meant: Meant<'_>,
    spec: Option<&RevisionHash>,
    user: &str,
) -> String {
    let target = match meant {
        Meant::Spec => RollbackRequest::NONE,
        Meant::Kept(revision) => revision.hash.short(),
    };
    let word = asked.word();
    RollbackRequest {
        target,
        instead_of: spec.map(RevisionHash::short),
        after: record.wanted().map(|revision| revision.number),
        word: (word != target).then_some(word),
        by: Some(user),
    }
    .to_string()
}

/// Whether the same word stands there already, about this spec, and is on its way or holds.
fn stands(record: &Record, asked: &RollbackRequest<'_>, before: &str, spec: Option<&RevisionHash>) -> bool {
    let resolved = RollbackRequest::read(before);
    if asked.instead_of.is_some()
        || asked.word() != resolved.word()
        || !spec.is_some_and(|spec| resolved.is_about(spec, record))
    {
        return false;
    }
    if record.rolled_back.as_deref() != Some(before) {
        return resolved.after.is_some() && resolved.after == record.wanted().map(|wanted| wanted.number);
    }
    match &record.pin {
        None => resolved.target == RollbackRequest::NONE,
        Some(pin) => pin.hash.full().starts_with(resolved.target),
    }
}

/// Refuses what means no kept revision, or one that could not start today.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    annotations: &Annotations<'_>,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    let Some(New { value, .. }) = annotations.new_request(ANNOTATION_ROLLBACK_TO) else {
        return Ok(());
    };
    let path = path_of(ANNOTATION_ROLLBACK_TO);
    if request.operation == Operation::Create {
        warnings.push(format!(
            "{path}: a new App has no revision to go back to, so this does nothing"
        ));
        return Ok(());
    }
    let record = facts
        .record(&request.namespace, &request.name)?
        .unwrap_or_default();
    if record.rolled_back.as_ref() == Some(&value) {
        return Ok(());
    }
    let asked = RollbackRequest::read(&value);
    match asked.find(&record, annotations.stamped().as_ref()) {
        Ok(Meant::Spec) => {}
        Ok(Meant::Kept(revision)) => {
            images(facts, scope, &record, revision, asked.word(), violations);
            if request.dry_run == Some(true) {
                warnings.push(format!("app/{}: roll back to {revision}", request.name));
            }
            if !revision.has_succeeded() {
                warnings.push(format!(
                    "{path}: {revision} never succeeded: its hooks run as far as they are not done, and it may fail again"
                ));
            }
        }
        Err(not_meant) => violations.push(Violation {
            code: match not_meant {
                NotMeant::Ambiguous(_) => Code::RevisionAmbiguous,
                NotMeant::Unknown | NotMeant::NothingBefore => Code::RevisionNotKept,
            },
            path,
            value: asked.word().to_owned(),
            why: not_meant.to_string(),
            remedy: kept(&record),
        }),
    }
    Ok(())
}

/// Images of the revision that a list of today does not have.
fn images(
    facts: &Facts,
    scope: &Scope,
    record: &Record,
    revision: &Revision,
    word: &str,
    violations: &mut Vec<Violation>,
) {
    let registries = registries(facts, scope);
    for image in &revision.images {
        let why = match ImageReference::parse(image) {
            Ok(reference) => match registries.refusing(&reference) {
                Some(refusal) => refusal.to_string(),
                None => continue,
            },
            Err(error) => error.to_string(),
        };
        violations.push(Violation {
            code: Code::ImageNotAllowed,
            path: path_of(ANNOTATION_ROLLBACK_TO),
            value: word.to_owned(),
            why: format!("is {revision}, whose image {image:?} {why}, so it could not start"),
            remedy: format!("{} Or ask {}.", kept(record), scope.whom_to_ask()),
        });
    }
}

fn kept(record: &Record) -> String {
    if record.history.is_empty() {
        return "Nothing is kept yet: wait for the first delivery.".to_owned();
    }
    format!(
        "Write a number, the first digits of a hash, {} or {}. Kept: {}.",
        RollbackRequest::PREVIOUS,
        RollbackRequest::NONE,
        record.kept()
    )
}
