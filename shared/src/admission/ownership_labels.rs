//! Rule 3: objects in project namespaces carry the ownership labels of their namespace.

use super::scope::Scope;
use super::{Code, Facts, Request, Violation};
use crate::api::names::{LABEL_APP_ID, LABEL_CLUSTER_ID, LABEL_PROJECT_ID, LABEL_TENANT_ID};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

type Labels<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// The labels that the object must carry: those of its namespace, and an App's own name. Empty outside of
/// project namespaces. The Namespace's label decides, not what an App says.
fn wanted<'s>(facts: &'s Facts, scope: &'s Scope, request: &'s Request<'_>) -> Vec<(&'static str, &'s str)> {
    let Some(namespace) = scope.namespace.as_deref() else {
        return Vec::new();
    };
    let Some(project) = namespace.project.as_deref() else {
        return Vec::new();
    };
    let mut labels = vec![(LABEL_PROJECT_ID, project)];
    labels.extend(
        namespace
            .tenant
            .as_deref()
            .map(|tenant| (LABEL_TENANT_ID, tenant)),
    );
    if !facts.cluster.id.is_empty() {
        labels.push((LABEL_CLUSTER_ID, &facts.cluster.id));
    }
    if request.is_own("App") && !request.name.is_empty() {
        labels.push((LABEL_APP_ID, &request.name));
    }
    labels
}

/// Adds what is missing. A foreign cluster id is replaced, with a warning: it is no boundary of tenancy, and
/// a manifest moved from another cluster carries it.
pub(super) fn add(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    present: Option<&Labels<'_>>,
    patch: &mut Vec<Value>,
    warnings: &mut Vec<String>,
) {
    let mut missing = BTreeMap::new();
    for (label, value) in wanted(facts, scope, request) {
        match present.and_then(|labels| labels.get(label)) {
            Some(is) if is == value => {}
            Some(is) if label == LABEL_CLUSTER_ID => {
                warnings.push(format!(
                    "metadata.labels[{label}]: {is:?} is another cluster, replaced by {value:?}"
                ));
                missing.insert(label, value);
            }
            Some(_) => {} // Refused by `check`.
            None => {
                missing.insert(label, value);
            }
        }
    }
    if missing.is_empty() {
    } else if present.is_none() {
        patch.push(json!({"op": "add", "path": "/metadata/labels", "value": missing}));
    } else {
        for (label, value) in missing {
            // RFC 6901: `/` in a key is `~1`. `add` replaces what is there (RFC 6902, 4.1).
            let key = label.replace('/', "~1");
            patch.push(json!({"op": "add", "path": format!("/metadata/labels/{key}"), "value": value}));
        }
    }
}

/// Values that are not the namespace's.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    present: Option<&Labels<'_>>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (label, value) in wanted(facts, scope, request) {
        let Some(is) = present.and_then(|labels| labels.get(label)) else {
            continue;
        };
        if is != value && label != LABEL_CLUSTER_ID {
            violations.push(Violation {
                code: Code::ForeignLabel,
                path: format!("metadata.labels[{label}]"),
                value: is.clone().into_owned(),
                why: format!("is not what namespace {} says ({value})", request.namespace),
                remedy: "Leave the label out; it is added.".to_owned(),
            });
        }
    }
    violations
}
