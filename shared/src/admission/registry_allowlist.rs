//! Rule 2: every image comes from an allowed registry.

use super::scope::Scope;
use super::{Code, Facts, Violation};
use crate::image::{ImageReference, ReferenceError, Registries};
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
            let refusal = registries(facts, scope).refusing(&image)?;
            Some(Violation {
                code: Code::ImageNotAllowed,
                path: path.to_string(),
                value: image.canonical().to_string(),
                why: refusal.to_string(),
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

/// The lists that hold.
pub(super) fn registries<'s>(facts: &'s Facts, scope: &'s Scope) -> Registries<'s> {
    let tenant = scope.tenant.as_deref();
    let project = scope.project.as_deref();
    Registries {
        cluster: facts.cluster.allowlist.as_ref(),
        tenant: tenant.and_then(|tenant| Some((tenant.name.as_str(), tenant.allowlist.as_ref()?))),
        project: project.and_then(|project| Some((project.name.as_str(), project.allowlist.as_ref()?))),
    }
}
