//! A new App carries our finalizer from its first moment: nothing of it can be delivered before, and the controller
//! is spared a write for each. Later it is only ever taken away, which admission never undoes.

use super::{Operation, Request};
use crate::api::names::FINALIZER;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Adds our finalizer to an App that is created, after those of others.
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

    fn stored(object: &Value, old: Option<&Value>) -> Value {
        let text = review(APP, "kubeop-web", object, old);
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
    fn a_new_app_carries_our_finalizer(#[case] said: Value, #[case] wanted: Value) {
        let mut object = app("ghcr.io/acme/x");
        if !said.is_null() {
            object["metadata"]["finalizers"] = said;
        }
        assert_eq!(stored(&object, None)["metadata"]["finalizers"], wanted);
    }

    #[test]
    fn s16_a_finalizer_that_was_taken_away_is_not_put_back() {
        let before = stored(&app("ghcr.io/acme/x"), None);
        let mut released = before.clone();
        released["metadata"]["finalizers"] = json!([]);
        assert_eq!(stored(&released, Some(&before)), released);
    }
}
