//! Rule 5, last part: a Project or a Tenant may be protected from deletion, which takes along more than it seems.

use super::annotations::Annotated;
use super::{Code, Request, Violation};
use crate::api::names::{ANNOTATION_PROTECT, GROUP};
use serde::Deserialize;

/// An object, as far as its annotations go.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    metadata: Annotated<'a>,
}

/// What forbids a deletion. What cannot be read does not.
pub(super) fn check(request: &Request<'_>) -> Option<Violation> {
    let owner = request.is_own("Project") || request.is_own("Tenant");
    let old = request.old_object.filter(|_| owner)?;
    let Head { metadata } = serde_json::from_str(old.get()).ok()?;
    metadata.get(ANNOTATION_PROTECT).filter(|value| value == "true")?;
    let kind = request.kind.kind.to_ascii_lowercase();
    let name = request.name_of_object().unwrap_or_default();
    Some(Violation {
        code: Code::Protected,
        path: format!("metadata.annotations[{ANNOTATION_PROTECT}]"),
        value: "true".to_owned(),
        why: format!("protects this {kind} from deletion"),
        remedy: format!(
            "To delete it all the same, lift that first:\nkubectl annotate {kind}s.{GROUP}/{name} {ANNOTATION_PROTECT}-"
        ),
    })
}

#[cfg(test)]
mod tests {
    use crate::admission::tests::{facts, review};
    use crate::admission::{Request, Status, Verdict, refusal, validate};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn answer(kind: &str, name: &str, annotations: &Value) -> Verdict {
        let object = json!({"metadata": {"name": "web", "annotations": annotations}});
        let gvk = ["platform.kubeop.io", "v1alpha1", kind];
        let mut text: Value = serde_json::from_str(&review(gvk, "", &object, Some(&object))).unwrap();
        text["operation"] = json!("DELETE");
        text["object"] = Value::Null;
        text["name"] = json!(name);
        let text = text.to_string();
        let request: Request<'_> = serde_json::from_str(&text).unwrap();
        let verdict = validate(&facts(), &request);
        if let Verdict::Deny(violations) = &verdict {
            assert_eq!(Status::of(violations), Status::Forbidden);
            let command = refusal(&request, violations);
            let command = command.lines().last().unwrap();
            let plural = kind.to_ascii_lowercase();
            assert_eq!(
                command,
                format!("kubectl annotate {plural}s.platform.kubeop.io/web platform.kubeop.io/protect-")
            );
        }
        verdict
    }

    #[rstest]
    #[case::protected("Project", json!({"platform.kubeop.io/protect": "true"}), false)]
    #[case::protected("Tenant", json!({"platform.kubeop.io/protect": "true"}), false)]
    #[case::not_any_more("Project", json!({"platform.kubeop.io/protect": "false"}), true)]
    #[case::never("Tenant", json!({"other": "true"}), true)]
    #[case::without_annotations("Project", Value::Null, true)]
    #[case::apps_are_not("App", json!({"platform.kubeop.io/protect": "true"}), true)]
    fn s51_what_is_protected_is_not_deleted(
        #[case] kind: &str,
        #[case] annotations: Value,
        #[case] passes: bool,
        // A collection is deleted without a name.
        #[values("web", "")] name: &str,
    ) {
        let verdict = answer(kind, name, &annotations);
        assert_eq!(matches!(verdict, Verdict::Allow { .. }), passes, "{verdict:?}");
    }
}
