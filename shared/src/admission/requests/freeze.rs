//! A frozen App takes no new revision. Whether it is frozen is read from the App as it is: a write cannot thaw it and
//! change it at once.

use super::Annotations;
use crate::admission::{Code, Request, Violation, app};
use crate::api::names::{ANNOTATION_FREEZE, GROUP};
use serde_json::value::RawValue;

pub(super) fn check(
    request: &Request<'_>,
    object: &RawValue,
    annotations: &Annotations<'_>,
    violations: &mut Vec<Violation>,
) {
    let (Some(reason), Some(old)) = (annotations.before(ANNOTATION_FREEZE), request.old_object) else {
        return;
    };
    if app::same_revision(old, object) {
        return;
    }
    violations.push(Violation {
        code: Code::Frozen,
        path: "spec".to_owned(),
        value: String::new(),
        why: format!("would be a new revision, and this App is frozen: {reason:?}"),
        remedy: format!(
            "Scaling and rolling back to a kept revision are free. To end the freeze:\nkubectl annotate -n {} \
             apps.{GROUP}/{} {ANNOTATION_FREEZE}-",
            request.namespace, request.name
        ),
    });
}
