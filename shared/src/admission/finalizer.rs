//! A new App, Project or Tenant carries our finalizer from its first moment: nothing of it can be made before, and the
//! controller is spared a write for each. Later it is only ever taken away, which admission never undoes.

use super::{Operation, Request};
use crate::api::names::FINALIZER;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Adds our finalizer to an object that is created, after those of others.
pub(super) fn add(request: &Request<'_>, said: Option<&[Cow<'_, str>]>, patch: &mut Vec<Value>) {
    if request.operation != Operation::Create {
        return;
    }
    patch.extend(match said {
        None => Some(json!({"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]})),
        Some(said) if said.iter().any(|finalizer| finalizer == FINALIZER) => None,
        Some(_) => Some(json!({"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER})),
    });
}

#[cfg(test)]
mod tests {
    use crate::admission::tests::{APP, app, facts, review};
    use crate::admission::{Request, Verdict, mutate};
    use rstest::rstest;
    use serde_json::{Value, json};

    const OURS: &str = "platform.kubeop.io/finalizer";

    const PROJECT: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "Project"];
    const TENANT: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "Tenant"];

    fn stored(gvk: [&str; 3], object: &Value, old: Option<&Value>) -> Value {
        let namespace = if gvk == APP { "kubeop-web" } else { "" };
        let text = review(gvk, namespace, object, old);
        let request: Request<'_> = serde_json::from_str(&text).unwrap();
        let Verdict::Allow { patch, .. } = mutate(&facts(), &request) else {
            panic!("no answer")
        };
        let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch)).unwrap();
        let mut after = object.clone();
        json_patch::patch(&mut after, &patch).unwrap();
        after
    }

    #[rstest]
    #[case::none(Value::Null, json!([OURS]))]
    #[case::empty(json!([]), json!([OURS]))]
    #[case::of_others(json!(["a.example/x"]), json!(["a.example/x", OURS]))]
    #[case::ours(json!([OURS, "a.example/x"]), json!([OURS, "a.example/x"]))]
    fn what_is_new_carries_our_finalizer(
        #[case] said: Value,
        #[case] wanted: Value,
        #[values(APP, PROJECT, TENANT)] gvk: [&str; 3],
    ) {
        let mut object = app("ghcr.io/acme/x");
        if !said.is_null() {
            object["metadata"]["finalizers"] = said;
        }
        assert_eq!(stored(gvk, &object, None)["metadata"]["finalizers"], wanted);
    }

    #[test]
    fn a_time_of_deletion_that_somebody_made_up_keeps_nothing_off_a_new_app() {
        let mut object = app("ghcr.io/acme/x");
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(
            stored(APP, &object, None)["metadata"]["finalizers"],
            json!([OURS])
        );
    }

    #[rstest]
    fn s16_a_finalizer_that_was_taken_away_is_not_put_back(#[values(APP, PROJECT, TENANT)] gvk: [&str; 3]) {
        let before = stored(gvk, &app("ghcr.io/acme/x"), None);
        let mut released = before.clone();
        released["metadata"]["finalizers"] = json!([]);
        assert_eq!(stored(gvk, &released, Some(&before)), released);
    }
}
