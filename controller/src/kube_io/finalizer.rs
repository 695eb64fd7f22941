//! Our finalizer on an object: merges that put it there or take it off, if the object is still as it was read.

use kubeop_shared::api::names;
use serde_json::{Value, json};

/// Whether our finalizer is among those of an object.
pub fn is_held(finalizers: &[String]) -> bool {
    finalizers.iter().any(|name| name == names::FINALIZER)
}

/// A merge that puts it there.
pub fn held(resource_version: Option<&str>, finalizers: &[String]) -> Value {
    let mut all = others(finalizers);
    all.push(names::FINALIZER);
    with(resource_version, &all)
}

/// A merge that takes it off.
pub fn let_go(resource_version: Option<&str>, finalizers: &[String]) -> Value {
    with(resource_version, &others(finalizers))
}

/// The finalizers of others.
pub fn others(finalizers: &[String]) -> Vec<&str> {
    let names = finalizers.iter().map(String::as_str);
    names.filter(|name| *name != names::FINALIZER).collect()
}

fn with(resource_version: Option<&str>, finalizers: &[&str]) -> Value {
    json!({"metadata": {"resourceVersion": resource_version, "finalizers": finalizers}})
}

#[cfg(test)]
mod tests {
    use super::{held, is_held, let_go};
    use serde_json::json;

    #[test]
    fn what_others_hold_they_go_on_holding() {
        const OURS: &str = "platform.kubeop.io/finalizer";
        let (free, ours) = (
            vec!["other".to_owned()],
            vec!["other".to_owned(), OURS.to_owned()],
        );
        assert!(!is_held(&free) && is_held(&ours));
        let wanted = json!({"metadata": {"resourceVersion": "7", "finalizers": ["other", OURS]}});
        for finalizers in [&free, &ours] {
            assert_eq!(held(Some("7"), finalizers), wanted);
        }
        let wanted = json!({"metadata": {"resourceVersion": "7", "finalizers": ["other"]}});
        assert_eq!(let_go(Some("7"), &ours), wanted);
    }
}
