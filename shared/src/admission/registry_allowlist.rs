//! Rule 2: every image comes from an allowed registry.

use super::scope::Scope;
use super::{Code, Facts, Violation};
use crate::image::{Allowlist, ImageReference, ReferenceError};
use crate::manifests::{FieldPath, Found};

/// What is wrong with the image that stands at `path`; none if it may run.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    path: &FieldPath<'_>,
    found: Found<'_>,
) -> Option<Violation> {
    let Found::Text(text) = found else {
        return Some(unreadable(path, "", "is no text".to_owned()));
    };
    match ImageReference::parse(text) {
        Ok(image) => {
            let (level, list) = lists(facts, scope).find(|(_, list)| !list.allows(&image))?;
            Some(Violation {
                code: Code::ImageNotAllowed,
                path: path.to_string(),
                value: image.canonical().to_string(),
                why: format!("is not in the list of {level} ({list})"),
                remedy: format!("Use one of these, or ask {}.", scope.whom_to_ask()),
            })
        }
        Err(ReferenceError::ImageId) => Some(Violation {
            code: Code::ImageId,
            path: path.to_string(),
            value: text.to_owned(),
            why: "names an image by its id, which a node may hold from any registry".to_owned(),
            remedy: "Write host/path:tag or host/path@sha256:….".to_owned(),
        }),
        Err(error) => Some(unreadable(path, text, error.to_string())),
    }
}

fn unreadable(path: &FieldPath<'_>, text: &str, why: String) -> Violation {
    Violation {
        code: Code::ImageUnreadable,
        path: path.to_string(),
        value: text.to_owned(),
        why: if text.is_empty() {
            why
        } else {
            format!("is no image reference: {why}")
        },
        remedy: "Write host/path:tag or host/path@sha256:….".to_owned(),
    }
}

/// The lists that hold, narrowest last; each with the words for its level.
fn lists<'s>(facts: &'s Facts, scope: &'s Scope) -> impl Iterator<Item = (String, &'s Allowlist)> {
    let name = |name: &'s Option<String>| name.as_deref().unwrap_or_default();
    let cluster = facts
        .cluster
        .allowlist
        .as_ref()
        .map(|list| ("the cluster".to_owned(), list));
    let tenant = scope
        .tenant
        .as_deref()
        .and_then(|tenant| tenant.allowlist.as_ref());
    let project = scope
        .project
        .as_deref()
        .and_then(|project| project.allowlist.as_ref());
    cluster
        .into_iter()
        .chain(tenant.map(|list| (format!("tenant {}", name(&scope.tenant_name)), list)))
        .chain(project.map(|list| (format!("project {}", name(&scope.project_name)), list)))
}
