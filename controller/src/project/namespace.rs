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
            // Ours by creation, its labels taken away since.
            let made = annotations
                .and_then(|all| all.get(CREATED_FOR))
                .map(String::as_str);
            let adopted = owner.spec.adopt == Some(true) && agrees == Some(owner.project);
            if !adopted && made != Some(owner.project) {
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
    use super::{Owner, Verdict, judge, never};
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
