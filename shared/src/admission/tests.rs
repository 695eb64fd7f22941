//! The chain as a whole: a request and what is known, and the answer.

use super::*;
use crate::api::project::Enforcement;
use crate::image::Allowlist;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn facts() -> Facts {
    let list = |text: &str| Some(Allowlist::parse_comma_separated(text).unwrap());
    Facts {
        cluster: Arc::new(ClusterFacts {
            id: "c1".to_owned(),
            allowlist: list("ghcr.io/acme,registry.example.com,docker.io/library"),
            restorers: vec!["system:serviceaccount:velero:velero".to_owned()],
        }),
        namespace: Known::Is(Arc::new(NamespaceFacts {
            tenant: Some("acme".to_owned()),
            project: Some("web".to_owned()),
        })),
        project: Known::Is(Arc::new(ProjectFacts {
            name: "web".to_owned(),
            namespace: "kubeop-web".to_owned(),
            tenant: "acme".to_owned(),
            allowlist: list("ghcr.io/acme"),
            enforcement: Enforcement::Enforce,
            deleting: false,
            hosts: None,
        })),
        tenant: Known::Is(Arc::new(TenantFacts {
            name: "acme".to_owned(),
            contact: Some("platform@acme.example".to_owned()),
            allowlist: None,
            deleting: false,
            hosts: None,
        })),
        record: Known::NotAsked,
        dns_record: Known::NotAsked,
    }
}

pub(super) fn review(gvk: [&str; 3], namespace: &str, object: &Value, old: Option<&Value>) -> String {
    let [group, version, kind] = gvk;
    json!({
        "uid": "u", "kind": {"group": group, "version": version, "kind": kind},
        "name": object["metadata"]["name"], "namespace": namespace,
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "object": object, "oldObject": old,
    })
    .to_string()
}

const POD: [&str; 3] = ["", "v1", "Pod"];
pub(super) const APP: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "App"];

pub(super) fn answer(facts: &Facts, text: &str) -> Result<Vec<String>, String> {
    let request: Request<'_> = serde_json::from_str(text).unwrap();
    match validate(facts, &request) {
        Verdict::Allow { warnings, .. } => Ok(warnings),
        Verdict::Deny(violations) => Err(refusal(&request, &violations)),
        Verdict::Need(fact) => panic!("needs {fact:?}"),
    }
}

fn pod(image: &str) -> Value {
    json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": image}]}})
}

pub(super) fn app(image: &str) -> Value {
    json!({"metadata": {"name": "payments"}, "spec": {
        "projectRef": "web", "delivery": {"kind": "Image", "image": {"ref": image}}}})
}

#[test]
fn a_refusal_says_what_where_why_and_what_to_do() {
    let mut payments = app("evil.example/x:1");
    payments["spec"]["hooks"] = json!({"pre": [{"name": "m", "image": "evil.example/m"}]});
    let refused = answer(&facts(), &review(APP, "default", &payments, None)).unwrap_err();
    assert_eq!(
        refused,
        "app payments refused: 3 faults\n\
         [WrongNamespace] metadata.namespace: \"default\" is not the namespace of project web (kubeop-web). \
         kubectl apply -n kubeop-web -f ...\n\
         [ImageNotAllowed] spec.delivery.image.ref: \"evil.example/x:1\" is not in the list of the cluster \
         (ghcr.io/acme, registry.example.com, docker.io/library). Use one of these, or ask \
         platform@acme.example.\n\
         [ImageNotAllowed] spec.hooks.pre[0].image: \"evil.example/m:latest\" is not in the list of the cluster \
         (ghcr.io/acme, registry.example.com, docker.io/library). Use one of these, or ask \
         platform@acme.example."
    );
}

#[rstest]
#[case("ghcr.io/acme/x:1", true)]
#[case("ghcr.io/acmebad/x:1", false)]
#[case("registry.example.com/x", false)] // The Project's list narrows.
#[case("sha256:0123456789abcdef", false)]
#[case(" ghcr.io/acme/x", false)]
fn a_pod_and_an_app_are_judged_alike(#[case] image: &str, #[case] allowed: bool) {
    assert_eq!(
        answer(&facts(), &review(POD, "kubeop-web", &pod(image), None)).is_ok(),
        allowed
    );
    assert_eq!(
        answer(&facts(), &review(APP, "kubeop-web", &app(image), None)).is_ok(),
        allowed
    );
}

#[test]
fn faults_are_told_in_one_order_however_fields_are_written() {
    let bad = |count: usize| vec![r#"{"name": "a", "image": "evil.example/x"}"#; count].join(", ");
    let text = format!(
        r#"{{"uid": "u", "kind": {{"group": "", "version": "v1", "kind": "Pod"}}, "operation": "CREATE",
        "name": "p", "namespace": "kubeop-web", "object": {{"spec": {{"initContainers": [{}], "containers": [{}]}},
        "metadata": {{"name": "p"}}}}}}"#,
        bad(1),
        bad(11)
    );
    let refused = answer(&facts(), &text).unwrap_err();
    let paths: Vec<_> = refused
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .skip(1)
        .collect();
    assert_eq!(paths.len(), 12, "{refused}");
    assert_eq!(
        [paths[0], paths[2], paths[10], paths[11]],
        [
            "spec.containers[0].image:",
            "spec.containers[2].image:",
            "spec.containers[10].image:",
            "spec.initContainers[0].image:"
        ]
    );
}

#[test]
fn s07_a_bad_container_from_before_does_not_stop_a_good_one() {
    let old =
        json!({"metadata": {"name": "p"}, "spec": {"ephemeralContainers": [{"image": "evil.example/x"}]}});
    let mut new = old.clone();
    new["spec"]["ephemeralContainers"] =
        json!([{"image": "evil.example/x"}, {"image": "ghcr.io/acme/tools"}]);
    let warnings = answer(&facts(), &review(POD, "kubeop-web", &new, Some(&old))).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    new["spec"]["ephemeralContainers"][1] = json!({"image": "evil.example/sh"});
    let refused = answer(&facts(), &review(POD, "kubeop-web", &new, Some(&old))).unwrap_err();
    assert!(
        refused.contains("1 fault\n[ImageNotAllowed] spec.ephemeralContainers[1].image"),
        "{refused}"
    );
}

#[test]
fn s20_an_app_from_before_may_be_scaled_and_a_new_revision_of_it_is_told_why_not() {
    let old = app("quay.io/acme/x");
    let mut scaled = old.clone();
    scaled["spec"]["delivery"]["image"]["replicas"] = json!(5);
    let warnings = answer(&facts(), &review(APP, "kubeop-web", &scaled, Some(&old))).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let mut edited = old.clone();
    edited["spec"]["delivery"]["image"]["args"] = json!(["--verbose"]);
    let refused = answer(&facts(), &review(APP, "kubeop-web", &edited, Some(&old))).unwrap_err();
    let told = "so a new revision with it could not start; metadata and scale may still change";
    assert!(refused.contains("1 fault") && refused.contains(told), "{refused}");
    let other = app("quay.io/acme/y");
    let refused = answer(&facts(), &review(APP, "kubeop-web", &other, Some(&old))).unwrap_err();
    assert!(!refused.contains(told), "{refused}");
}

#[test]
fn s16_an_object_that_is_going_away_may_go() {
    let mut ending = app("evil.example/x");
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(
        answer(&facts(), &review(APP, "default", &ending, Some(&ending))),
        Ok(vec![])
    );
}

#[test]
fn s21_manifests_elsewhere_are_refused_with_four_paths() {
    let manifest = |kind: &str, namespace: Option<&str>| {
        let group = if kind.contains("Role") {
            "rbac.authorization.k8s.io/v1"
        } else {
            "v1"
        };
        json!({"apiVersion": group, "kind": kind, "metadata": {"name": "x", "namespace": namespace}})
    };
    let raw = json!({"metadata": {"name": "pay"}, "spec": {"projectRef": "web", "delivery": {"kind": "Raw",
    "raw": {"manifests": [
        manifest("ConfigMap", Some("kube-system")),
        manifest("Namespace", None),
        manifest("ClusterRole", None),
        manifest("ClusterRole", Some("kubeop-web")),
        manifest("RoleBinding", Some("kubeop-web")),
    ]}}}});
    let refused = answer(&facts(), &review(APP, "kubeop-web", &raw, None)).unwrap_err();
    assert!(refused.starts_with("app pay refused: 4 faults"), "{refused}");
    for path in ["[0].metadata.namespace", "[1].kind", "[2].kind", "[3].kind"] {
        assert!(
            refused.contains(&format!("spec.delivery.raw.manifests{path}")),
            "{refused}"
        );
    }
}

#[test]
fn a_fact_that_is_not_known_is_asked_for_by_name() {
    let text = review(APP, "kubeop-web", &app("ghcr.io/acme/x"), None);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let empty = Facts::default();
    assert_eq!(
        validate(&empty, &request),
        Verdict::Need(Fact::Namespace("kubeop-web".to_owned()))
    );
}

#[test]
fn what_is_known_of_another_project_is_not_used() {
    let mut other = app("ghcr.io/acme/x");
    other["spec"]["projectRef"] = json!("shop");
    let text = review(APP, "kubeop-web", &other, None);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    for rules in [mutate, validate] {
        assert_eq!(
            rules(&facts(), &request),
            Verdict::Need(Fact::Project("shop".to_owned()))
        );
    }
}

#[test]
fn s11_what_was_added_is_not_added_again() {
    for (gvk, mut object) in [(POD, pod("ghcr.io/acme/x")), (APP, app("ghcr.io/acme/x"))] {
        for round in 0..2 {
            let text = review(gvk, "kubeop-web", &object, None);
            let request: Request<'_> = serde_json::from_str(&text).unwrap();
            let Verdict::Allow { patch, .. } = mutate(&facts(), &request) else {
                panic!("refused")
            };
            assert_eq!(patch.is_empty(), round == 1, "{patch:?}");
            let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch)).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
        }
        assert_eq!(object["metadata"]["labels"]["app.kubeop.io/project-id"], "web");
        assert_eq!(object["metadata"]["labels"]["app.kubeop.io/cluster-id"], "c1");
    }
}

#[test]
fn a_foreign_ownership_label_is_forbidden() {
    let mut labelled = pod("ghcr.io/acme/x");
    labelled["metadata"]["labels"] = json!({"app.kubeop.io/tenant-id": "other"});
    let text = review(POD, "kubeop-web", &labelled, None);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let Verdict::Deny(violations) = validate(&facts(), &request) else {
        panic!("allowed")
    };
    assert_eq!(Status::of(&violations), Status::Forbidden);
}

#[test]
fn a_foreign_label_from_before_does_not_stop_other_changes() {
    let mut labelled = pod("ghcr.io/acme/x");
    labelled["metadata"]["labels"] = json!({"app.kubeop.io/tenant-id": "other"});
    let warnings = answer(&facts(), &review(POD, "kubeop-web", &labelled, Some(&labelled))).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        answer(
            &facts(),
            &review(POD, "kubeop-web", &labelled, Some(&pod("ghcr.io/acme/x")))
        )
        .is_err()
    );
}

#[test]
fn a_pod_that_is_going_away_may_still_not_change_its_images() {
    let mut ending = pod("ghcr.io/acme/x");
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut evil = ending.clone();
    evil["spec"]["containers"][0]["image"] = json!("evil.example/x");
    assert!(answer(&facts(), &review(POD, "kubeop-web", &evil, Some(&ending))).is_err());
    assert!(answer(&facts(), &review(POD, "kubeop-web", &evil, Some(&evil))).is_ok());
}

const KINDS: [[&str; 3]; 10] = [
    POD,
    APP,
    ["apps", "v1", "Deployment"],
    ["apps", "v1", "StatefulSet"],
    ["batch", "v1", "Job"],
    ["batch", "v1", "CronJob"],
    ["", "v1", "ConfigMap"],
    ["", "v1", "Secret"],
    ["networking.k8s.io", "v1", "Ingress"],
    ["platform.kubeop.io", "v1alpha1", "DNSRecord"],
];

proptest::proptest! {
    #[test]
    fn s11_mutating_twice_is_mutating_once(
        kind in 0..KINDS.len(),
        namespace in proptest::sample::select(&["kubeop-web", "default"][..]),
        labels in proptest::option::of(proptest::collection::btree_map(
            proptest::sample::select(&[
                "app.kubeop.io/cluster-id",
                "app.kubeop.io/tenant-id",
                "app.kubeop.io/project-id",
                "app.kubeop.io/app-id",
                "a~b/c",
            ][..]),
            proptest::sample::select(&["c1", "acme", "web", "payments", ""][..]),
            0..5,
        )),
    ) {
        let mut object = app("ghcr.io/acme/x");
        if let Some(labels) = labels {
            object["metadata"]["labels"] = json!(labels);
        }
        let mutated = |object: &Value| {
            let text = review(KINDS[kind], namespace, object, None);
            let request: Request<'_> = serde_json::from_str(&text).unwrap();
            let Verdict::Allow { patch, .. } = mutate(&facts(), &request) else { panic!("no answer") };
            let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch)).unwrap();
            let mut after = object.clone();
            json_patch::patch(&mut after, &patch).unwrap();
            after
        };
        let once = mutated(&object);
        proptest::prop_assert_eq!(mutated(&once), once);
    }
}

#[test]
fn audit_holds_in_the_namespace_of_the_project_only() {
    let mut audit = facts();
    audit.project = Known::Is(Arc::new(ProjectFacts {
        name: "web".to_owned(),
        namespace: "kubeop-web".to_owned(),
        tenant: "acme".to_owned(),
        enforcement: Enforcement::Audit,
        allowlist: None,
        deleting: false,
        hosts: None,
    }));
    let evil = app("evil.example/x");
    let told = answer(&audit, &review(APP, "kubeop-web", &evil, None)).unwrap();
    assert!(
        told.iter()
            .any(|line| line.starts_with("audit: [ImageNotAllowed]")),
        "{told:?}"
    );
    assert!(answer(&audit, &review(APP, "default", &evil, None)).is_err());
}
