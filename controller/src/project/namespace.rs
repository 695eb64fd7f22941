//! Which namespace a Project may have, and what its labels are.

use kube::api::DynamicObject;
use kubeop_shared::api::{ProjectSpec, names};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Annotation of namespaces that kubeOP made: the Project.
const CREATED_FOR: &str = "platform.kubeop.io/created-for";

/// Who wants a namespace.
pub(super) struct Owner<'a> {
    pub project: &'a str,
    pub spec: &'a ProjectSpec,
    pub cluster_id: &'a str,
}

/// What is to be done about a namespace.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing.
    Right,
    /// To make it.
    Create(Value),
    /// To merge these fields into it.
    Change(Value),
    /// To wait until it is gone.
    Going,
    /// To leave it alone, and why: what follows its name.
    Refused(String),
}

/// Why a namespace can never be a project's, if so.
pub(super) fn never(namespace: &str) -> Option<&'static str> {
    match namespace {
        "default" => Some("is the namespace of everybody"),
        names::SYSTEM_NAMESPACE => Some("is kubeOP's own"),
        name if name.starts_with("kube-") => Some("belongs to Kubernetes"),
        _ => None,
    }
}

/// Judges the namespace as it is.
pub(super) fn judge(live: Option<&DynamicObject>, owner: &Owner<'_>) -> Verdict {
    let wanted = labels(owner);
    let Some(live) = live else {
        let annotations = json!({CREATED_FOR: owner.project});
        let name = owner.spec.namespace_or_default(owner.project);
        let metadata = json!({"name": name, "labels": wanted, "annotations": annotations});
        return Verdict::Create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    };
    if live.metadata.deletion_timestamp.is_some() {
        return Verdict::Going;
    }
    let has = live.metadata.labels.clone().unwrap_or_default();
    match has.get(names::LABEL_PROJECT_ID) {
        Some(other) if other != owner.project => {
            return Verdict::Refused(format!(
                "belongs to project {other}. Name another one in spec.namespace"
            ));
        }
        Some(_) => {}
        None => {
            let annotations = live.metadata.annotations.as_ref();
            let agrees = annotations
                .and_then(|all| all.get(names::ANNOTATION_ADOPT))
                .map(String::as_str);
            let adopted = owner.spec.adopt == Some(true) && agrees == Some(owner.project);
            // Ours by creation, its labels taken away since.
            if !adopted && !is_made_for(live, owner.project) {
                return Verdict::Refused(format!(
                    "exists already. To adopt it, both must agree: spec.adopt: true here, and kubectl annotate \
                     namespace {} {}={}",
                    live.metadata.name.as_deref().unwrap_or_default(),
                    names::ANNOTATION_ADOPT,
                    owner.project
                ));
            }
        }
    }
    let missing: BTreeMap<_, _> = wanted
        .iter()
        .filter(|(name, value)| has.get(**name) != Some(*value))
        .collect();
    if missing.is_empty() {
        return Verdict::Right;
    }
    let version = live.metadata.resource_version.as_deref();
    Verdict::Change(json!({"metadata": {"resourceVersion": version, "labels": missing}}))
}

/// Whether a namespace is a Project's: its label says so, or, where that was taken off it, who made it does.
pub(super) fn is_of(live: &DynamicObject, project: &str) -> bool {
    match label(live, names::LABEL_PROJECT_ID) {
        Some(label) => label == project,
        None => is_made_for(live, project),
    }
}

/// Whether we made a namespace, for this Project.
pub(super) fn is_made_for(live: &DynamicObject, project: &str) -> bool {
    let annotations = live.metadata.annotations.as_ref();
    annotations
        .and_then(|all| all.get(CREATED_FOR))
        .is_some_and(|made| made == project)
}

/// What releases a namespace, as fields to merge: without the labels that we set, and the note that we made it.
pub(super) fn release(live: &DynamicObject) -> Value {
    let ours = [
        names::LABEL_CLUSTER_ID,
        names::LABEL_TENANT_ID,
        names::LABEL_PROJECT_ID,
    ];
    // A level that the namespace had before is not ours to take.
    let level = we_set(live, names::LABEL_POD_SECURITY).then_some(names::LABEL_POD_SECURITY);
    let labels: BTreeMap<_, _> = ours
        .into_iter()
        .chain(level)
        .map(|name| (name, Value::Null))
        .collect();
    let version = live.metadata.resource_version.as_deref();
    json!({"metadata": {"resourceVersion": version, "labels": labels, "annotations": {CREATED_FOR: null}}})
}

/// Whether a label is one of the fields that are ours.
fn we_set(live: &DynamicObject, label: &str) -> bool {
    let mut entries = live.metadata.managed_fields.iter().flatten();
    entries.any(|entry| {
        let fields = entry.fields_v1.as_ref().and_then(|fields| {
            let labels = fields.0.get("f:metadata")?.get("f:labels")?;
            labels.get(format!("f:{label}"))
        });
        entry.manager.as_deref() == Some(names::FIELD_MANAGER) && fields.is_some()
    })
}

fn label<'l>(live: &'l DynamicObject, name: &str) -> Option<&'l str> {
    live.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

fn labels(owner: &Owner<'_>) -> BTreeMap<&'static str, String> {
    let level = owner.spec.pod_security.unwrap_or_default();
    let level = serde_json::to_value(level)
        .ok()
        .and_then(|level| level.as_str().map(str::to_owned));
    BTreeMap::from([
        (names::LABEL_CLUSTER_ID, owner.cluster_id.to_owned()),
        (names::LABEL_TENANT_ID, owner.spec.tenant_ref.clone()),
        (names::LABEL_PROJECT_ID, owner.project.to_owned()),
        (
            names::LABEL_POD_SECURITY,
            level.unwrap_or_else(|| "baseline".to_owned()),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::{Owner, Verdict, is_made_for, is_of, judge, never, release};
    use kube::api::DynamicObject;
    use kubeop_shared::api::ProjectSpec;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn judged(spec: Value, metadata: &Value) -> Verdict {
        let spec: ProjectSpec = serde_json::from_value(spec).unwrap();
        let live: DynamicObject =
            serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
                .unwrap();
        judge(
            Some(&live),
            &Owner {
                project: "web",
                spec: &spec,
                cluster_id: "c1",
            },
        )
    }

    fn live(metadata: &Value) -> DynamicObject {
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
            .unwrap()
    }

    #[rstest]
    #[case::labelled(json!({"labels": {"app.kubeop.io/project-id": "web"}}), true, false)]
    #[case::made(json!({"annotations": {"platform.kubeop.io/created-for": "web"}}), true, true)]
    #[case::given_away(json!({"labels": {"app.kubeop.io/project-id": "shop"},
        "annotations": {"platform.kubeop.io/created-for": "web"}}), false, true)]
    #[case::somebodys(json!({"annotations": {"platform.kubeop.io/adopt": "web"}}), false, false)]
    fn whose_a_namespace_is(#[case] metadata: Value, #[case] of: bool, #[case] made: bool) {
        let live = live(&metadata);
        assert_eq!((is_of(&live, "web"), is_made_for(&live, "web")), (of, made));
    }

    #[test]
    fn what_is_released_keeps_what_others_set() {
        let managed = |manager: &str| {
            let labels = json!({"f:pod-security.kubernetes.io/enforce": {}});
            live(
                &json!({"resourceVersion": "7", "managedFields": [{"manager": manager,
                "fieldsV1": {"f:metadata": {"f:labels": labels}}}]}),
            )
        };
        let released = |live: &DynamicObject| {
            let fields = release(live);
            assert_eq!(fields["metadata"]["resourceVersion"], "7");
            let labels = fields["metadata"]["labels"].as_object().unwrap().clone();
            assert!(labels.values().all(Value::is_null));
            labels.keys().cloned().collect::<Vec<_>>()
        };
        let ownership = ["cluster-id", "project-id", "tenant-id"].map(|name| format!("app.kubeop.io/{name}"));
        assert_eq!(released(&managed("kubectl-label")), ownership);
        let all = released(&managed("kubeop"));
        assert_eq!(all[..3], ownership);
        assert_eq!(all[3..], ["pod-security.kubernetes.io/enforce"]);
    }

    #[rstest]
    #[case("default")]
    #[case("kube-system")]
    #[case("kube-anything")]
    #[case("kubeop-system")]
    fn s57_the_clusters_own_namespaces_are_never_a_projects(#[case] name: &str) {
        assert!(never(name).is_some());
    }

    #[test]
    fn s57_another_projects_namespace_is_refused() {
        let verdict = judged(
            json!({"tenantRef": "acme", "adopt": true}),
            &json!({"name": "shop", "labels": {"app.kubeop.io/project-id": "shop"},
                "annotations": {"platform.kubeop.io/adopt": "web"}}),
        );
        assert!(matches!(verdict, Verdict::Refused(why) if why.contains("project shop")));
    }

    #[rstest]
    #[case::only_the_project(json!({"tenantRef": "acme", "adopt": true}), json!({"name": "shop"}))]
    #[case::only_the_namespace(json!({"tenantRef": "acme"}),
        json!({"name": "shop", "annotations": {"platform.kubeop.io/adopt": "web"}}))]
    #[case::for_another(json!({"tenantRef": "acme", "adopt": true}),
        json!({"name": "shop", "annotations": {"platform.kubeop.io/adopt": "other"}}))]
    fn a_namespace_is_adopted_only_when_both_agree(#[case] spec: Value, #[case] metadata: Value) {
        assert!(matches!(judged(spec, &metadata), Verdict::Refused(_)));
    }

    #[test]
    fn an_adopted_namespace_gets_its_labels() {
        let verdict = judged(
            json!({"tenantRef": "acme", "adopt": true}),
            &json!({"name": "shop", "resourceVersion": "7", "annotations": {"platform.kubeop.io/adopt": "web"}}),
        );
        let labels = json!({"app.kubeop.io/cluster-id": "c1", "app.kubeop.io/tenant-id": "acme",
            "app.kubeop.io/project-id": "web", "pod-security.kubernetes.io/enforce": "baseline"});
        assert_eq!(
            verdict,
            Verdict::Change(json!({"metadata": {"resourceVersion": "7", "labels": labels}}))
        );
    }

    #[test]
    fn a_namespace_that_is_right_is_left_alone() {
        let labels = json!({"app.kubeop.io/cluster-id": "c1", "app.kubeop.io/tenant-id": "acme", "more": "x",
            "app.kubeop.io/project-id": "web", "pod-security.kubernetes.io/enforce": "baseline"});
        assert_eq!(
            judged(
                json!({"tenantRef": "acme"}),
                &json!({"name": "n", "labels": labels})
            ),
            Verdict::Right
        );
    }
}
