//! The pull Secrets of `ServiceAccounts`: ours are added to what is there, and taken away again.

use crate::world::AccountView;
use kube::api::DynamicObject;
use serde_json::{Value, json};

/// What is to become of the list.
#[derive(Clone, Debug, Default)]
pub(super) struct Change<'c> {
    /// Names that are to be in it.
    pub add: Vec<&'c str>,
    /// Names that are not to be in it.
    pub remove: Vec<&'c str>,
}

impl Change<'_> {
    /// Whether an account lacks a name that it is to have, or has one that it is not to have, and the list is ours to
    /// change.
    pub(super) fn is_due(&self, account: &AccountView) -> bool {
        let has = |name: &&str| account.pulls.iter().any(|pull| &**pull == *name);
        !account.applied && (!self.add.iter().all(has) || self.remove.iter().any(has))
    }
}

fn list(account: &DynamicObject) -> &[Value] {
    let list = account.data.get("imagePullSecrets").and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The fields to merge into an account, which must still be as it was read: a merge replaces a list.
pub(super) fn changed(account: &DynamicObject, change: &Change<'_>) -> Value {
    let name = |pull: &Value| pull.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut pulls: Vec<Value> = list(account).to_vec();
    pulls.retain(|pull| name(pull).is_none_or(|name| !change.remove.contains(&name.as_str())));
    for wanted in &change.add {
        if !pulls.iter().any(|pull| name(pull).as_deref() == Some(wanted)) {
            pulls.push(json!({"name": wanted}));
        }
    }
    json!({"metadata": {"resourceVersion": account.metadata.resource_version}, "imagePullSecrets": pulls})
}

#[cfg(test)]
mod tests {
    use super::{Change, changed};
    use crate::world::AccountView;
    use kube::api::DynamicObject;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn account(pulls: &[&str], managers: &Value) -> DynamicObject {
        let pulls: Vec<Value> = pulls.iter().map(|name| json!({"name": name})).collect();
        let metadata = json!({"name": "default", "resourceVersion": "7", "managedFields": managers});
        serde_json::from_value(
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata,
            "imagePullSecrets": pulls}),
        )
        .unwrap()
    }

    #[rstest]
    #[case::empty(&[], &["a"], &[], &["a"])]
    #[case::others_stay_first(&["mine"], &["a", "b"], &[], &["mine", "a", "b"])]
    #[case::there(&["a", "mine"], &["a"], &[], &["a", "mine"])]
    #[case::taken_away(&["mine", "a"], &[], &["a"], &["mine"])]
    #[case::both(&["a", "mine"], &["b"], &["a"], &["mine", "b"])]
    fn what_others_wrote_stays(
        #[case] before: &[&str],
        #[case] add: &[&str],
        #[case] remove: &[&str],
        #[case] after: &[&str],
    ) {
        let change = Change {
            add: add.to_vec(),
            remove: remove.to_vec(),
        };
        let account = account(before, &json!([]));
        let fields = changed(&account, &change);
        let names: Vec<&str> = fields["imagePullSecrets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pull| pull["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, after);
        assert_eq!(fields["metadata"]["resourceVersion"], "7");
        assert_eq!(change.is_due(&AccountView::of(&account)), before != after);
    }

    #[rstest]
    #[case("Apply", json!({"f:imagePullSecrets": {}}), false)]
    #[case("Apply", json!({"f:secrets": {}}), true)]
    #[case("Update", json!({"f:imagePullSecrets": {}}), true)]
    fn a_list_that_somebody_applies_is_left_to_him(
        #[case] operation: &str,
        #[case] fields: Value,
        #[case] changes: bool,
    ) {
        let managers = json!([{"manager": "argocd", "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields}]);
        let view = AccountView::of(&account(&["mine"], &managers));
        let change = Change {
            add: vec!["a"],
            remove: Vec::new(),
        };
        assert_eq!(change.is_due(&view), changes);
    }
}
