//! Rule 2: every image comes from an allowed registry.

use super::scope::Scope;
use super::{Code, Facts, Violation};
use crate::image::{Allowlist, ImageReference, ReferenceError};
use crate::manifests::{FieldPath, Found};
use std::fmt;

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

/// Whose list it is.
enum Level<'s> {
    Cluster,
    Tenant(&'s str),
    Project(&'s str),
}

impl fmt::Display for Level<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the cluster"),
            Self::Tenant(name) => write!(f, "tenant {name}"),
            Self::Project(name) => write!(f, "project {name}"),
        }
    }
}

/// The lists that hold, narrowest last.
fn lists<'s>(facts: &'s Facts, scope: &'s Scope) -> impl Iterator<Item = (Level<'s>, &'s Allowlist)> {
    let cluster = facts.cluster.allowlist.as_ref();
    let tenant = scope.tenant.as_deref();
    let project = scope.project.as_deref();
    let of_tenant = tenant.and_then(|tenant| Some((Level::Tenant(&tenant.name), tenant.allowlist.as_ref()?)));
    let of_project =
        project.and_then(|project| Some((Level::Project(&project.name), project.allowlist.as_ref()?)));
    cluster
        .map(|list| (Level::Cluster, list))
        .into_iter()
        .chain(of_tenant)
        .chain(of_project)
}
