//! What a mirror is to be, and what is to be done about what is there.

use super::source::Content;
use crate::kube_io::Preconditions;
use crate::project::desired::exactly;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use serde_json::{Value, json};

/// Whose mirror it is.
#[derive(Clone, Copy)]
pub(super) struct Owner<'o> {
    /// Name of the Project.
    pub project: &'o str,
    /// Its uid.
    pub uid: &'o str,
    /// Namespace of the Project.
    pub namespace: &'o str,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// Nothing.
    None,
    /// To create it.
    Create(Value),
    /// To write this in its place.
    Replace(Value),
    /// To delete it and create it: what differs cannot be changed.
    Anew(Preconditions, Value),
    /// To delete it.
    Delete,
    /// It is somebody else's, and stays.
    Foreign,
}

/// Whether a Secret is a mirror of a Project's.
pub(super) fn is_of(live: &DynamicObject, project: &str) -> bool {
    let labels = live.metadata.labels.as_ref();
    let says = |label: &str| labels.and_then(|labels| labels.get(label));
    says(names::LABEL_MIRROR_OF).is_some()
        && says(names::LABEL_PROJECT_ID).is_some_and(|named| named == project)
}

/// The fields to merge into a mirror that is to be a Secret like others.
pub fn freed(live: &ObjectMeta) -> Value {
    let owners = live.owner_references.iter().flatten();
    let others: Vec<_> = owners.filter(|owner| owner.kind != "Project").collect();
    let labels = json!({names::LABEL_MIRROR_OF: null});
    json!({"metadata": {"resourceVersion": live.resource_version, "labels": labels, "ownerReferences": others}})
}

/// What is to be done about the mirror called `name` of a Secret of the same name in `from`, where `content` is what it
/// is to hold (none: it is not to be), and `live` what is there.
pub(super) fn act(
    owner: Owner<'_>,
    name: &str,
    from: &str,
    content: Option<&Content>,
    live: Option<&DynamicObject>,
) -> Act {
    let Some(content) = content else {
        return match live {
            Some(live) if is_of(live, owner.project) => Act::Delete,
            _ => Act::None,
        };
    };
    let Some(live) = live else {
        return Act::Create(wanted(owner, name, from, content, None));
    };
    if !is_of(live, owner.project) {
        return Act::Foreign;
    }
    let wanted = wanted(owner, name, from, content, Some(live));
    let now = serde_json::to_value(live).unwrap_or_default();
    let same = |field: &str| wanted.get(field) == now.get(field);
    let told = |field: &str| wanted.pointer(field) == now.pointer(field);
    if !same("type") || now.get("immutable") == Some(&Value::Bool(true)) && !same("data") {
        let fresh = self::wanted(owner, name, from, content, None);
        return Act::Anew(exactly(live), fresh);
    }
    if same("data") && told("/metadata/labels") && told("/metadata/ownerReferences") {
        return Act::None;
    }
    Act::Replace(wanted)
}

/// The mirror; what others added to the labels and annotations of `live` stays.
fn wanted(
    owner: Owner<'_>,
    name: &str,
    from: &str,
    content: &Content,
    live: Option<&DynamicObject>,
) -> Value {
    let before = live.map(|live| live.metadata.clone()).unwrap_or_default();
    let mut labels = before.labels.unwrap_or_default();
    labels.insert(names::LABEL_PROJECT_ID.to_owned(), owner.project.to_owned());
    labels.insert(names::LABEL_MIRROR_OF.to_owned(), from.to_owned());
    let owners = json!([{"apiVersion": names::API_VERSION, "kind": "Project", "name": owner.project, "uid": owner.uid}]);
    let mut wanted = json!({"apiVersion": "v1", "kind": "Secret", "type": content.kind,
        "metadata": {"name": name, "namespace": owner.namespace, "labels": labels, "ownerReferences": owners},
        "data": {content.key: content.value}});
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        let kept = [
            (
                "resourceVersion",
                before.resource_version.map(|version| json!(version)),
            ),
            ("annotations", before.annotations.map(|all| json!(all))),
        ];
        for (field, value) in kept {
            metadata.extend(value.map(|value| (field.to_owned(), value)));
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::super::source::Content;
    use super::{Act, Owner, act};
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    const OWNER: Owner<'_> = Owner {
        project: "web",
        uid: "u1",
        namespace: "kubeop-web",
    };

    fn content(value: &str) -> Content {
        Content {
            kind: "kubernetes.io/dockerconfigjson",
            key: ".dockerconfigjson",
            value: value.to_owned(),
        }
    }

    fn acted(content: Option<&Content>, live: Option<&Value>) -> Act {
        let live: Option<DynamicObject> = live.map(|live| serde_json::from_value(live.clone()).unwrap());
        act(OWNER, "regcred", "kubeop-system", content, live.as_ref())
    }

    /// As the API server would answer.
    fn mirror() -> Value {
        let Act::Create(mut mirror) = acted(Some(&content("old")), None) else {
            panic!("nothing is there");
        };
        mirror["metadata"]["resourceVersion"] = json!("7");
        mirror["metadata"]["uid"] = json!("s1");
        mirror
    }

    #[test]
    fn a_mirror_that_is_as_its_source_costs_no_write() {
        assert_eq!(acted(Some(&content("old")), Some(&mirror())), Act::None);
        let mut labelled = mirror();
        labelled["metadata"]["labels"]["more"] = json!("x");
        assert_eq!(acted(Some(&content("old")), Some(&labelled)), Act::None);
    }

    #[test]
    fn what_is_damaged_is_written_again_at_the_version_that_was_read() {
        let mut damaged = mirror();
        damaged["data"] = json!({".dockerconfigjson": "e30=", "more": "e30="});
        let mut ownerless = mirror();
        ownerless["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("ownerReferences");
        for live in [damaged, ownerless] {
            let Act::Replace(written) = acted(Some(&content("old")), Some(&live)) else {
                panic!("it differs");
            };
            assert_eq!(written["data"], json!({".dockerconfigjson": "old"}));
            assert_eq!(written["metadata"]["resourceVersion"], "7");
            assert_eq!(written["metadata"]["ownerReferences"][0]["uid"], "u1");
        }
        assert!(matches!(
            acted(Some(&content("new")), Some(&mirror())),
            Act::Replace(_)
        ));
    }

    #[test]
    fn what_cannot_be_changed_is_made_anew() {
        let mut other = mirror();
        other["type"] = json!("kubernetes.io/dockercfg");
        let mut frozen = mirror();
        frozen["immutable"] = json!(true);
        for live in [&other, &frozen] {
            let Act::Anew(only, fresh) = acted(Some(&content("new")), Some(live)) else {
                panic!("it cannot be changed");
            };
            assert_eq!(only.uid.as_deref(), Some("s1"));
            assert!(fresh["metadata"]["resourceVersion"].is_null());
        }
        assert_eq!(acted(Some(&content("old")), Some(&frozen)), Act::None);
    }

    #[test]
    fn s44_what_is_not_ours_is_never_touched() {
        let users =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "regcred"}, "type": "Opaque"});
        let mut of_another = mirror();
        of_another["metadata"]["labels"]["app.kubeop.io/project-id"] = json!("shop");
        for live in [users, of_another] {
            assert_eq!(acted(Some(&content("new")), Some(&live)), Act::Foreign);
            assert_eq!(acted(None, Some(&live)), Act::None);
        }
        assert_eq!(acted(None, Some(&mirror())), Act::Delete);
        assert_eq!(acted(None, None), Act::None);
    }
}
