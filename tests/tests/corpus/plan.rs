//! The plan of a dry run over every file: within what the API server lets through, and never a panic.

use std::fs;
use std::sync::Arc;

use kubeop_shared::admission::{
    ClusterFacts, Facts, Known, NamespaceFacts, ProjectFacts, Request, TenantFacts, Verdict, validate,
};
use kubeop_shared::api::AppSpec;
use kubeop_shared::manifests::read_manifests;
use kubeop_shared::render::Declared;
use kubeop_shared::revision::{InventoryEntry, ObjectKey, Outcome, Record, Revision};
use kubeop_tests::generated::repository;
use serde_json::{Value, json};

use crate::FILES;

const ONE_MORE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one-more}\n";

fn app(manifests: &[&str]) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "metadata": {"name": "corpus", "namespace":
        "kubeop-web"}, "spec": {"projectRef": "web", "namespace": "kubeop-web", "delivery": {"kind": "Raw", "raw":
        {"manifests": manifests}}}})
}

/// What is known of an App that is delivered.
fn record(app: &Value) -> Option<Record> {
    let spec: AppSpec = serde_json::from_value(app["spec"].clone()).unwrap();
    let declared = Declared::read(&spec, "kubeop-web").ok()?;
    let mut revision = Revision::started(1, declared.hash, k8s_openapi::jiff::Timestamp::UNIX_EPOCH);
    revision.outcome = Outcome::Succeeded;
    let objects = declared.manifests.iter().map(ObjectKey::of);
    Some(Record {
        delivered: Some(1),
        history: vec![revision],
        inventory: objects.map(|key| (key, InventoryEntry::default())).collect(),
        ..Record::default()
    })
}

/// Warnings of a dry run where every registry is allowed; none if it is refused.
fn dry_run(old: Option<&Value>, new: &Value) -> Option<Vec<String>> {
    let facts = Facts {
        cluster: Arc::new(ClusterFacts::default()),
        namespace: Known::Is(Arc::new(NamespaceFacts {
            tenant: Some("acme".to_owned()),
            project: Some("web".to_owned()),
        })),
        project: Known::Is(Arc::new(ProjectFacts {
            name: "web".to_owned(),
            namespace: "kubeop-web".to_owned(),
            tenant: "acme".to_owned(),
            ..ProjectFacts::default()
        })),
        tenant: Known::Is(Arc::new(TenantFacts {
            name: "acme".to_owned(),
            ..TenantFacts::default()
        })),
        record: old
            .and_then(record)
            .map_or(Known::Absent, |record| Known::Is(Arc::new(record))),
        ..Facts::default()
    };
    let request = json!({"uid": "u", "kind": {"group": "platform.kubeop.io", "version": "v1alpha1", "kind": "App"},
        "name": "corpus", "namespace": "kubeop-web", "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "dryRun": true, "object": new, "oldObject": old});
    let text = request.to_string();
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    match validate(&facts, &request) {
        Verdict::Allow { warnings, .. } => Some(warnings),
        Verdict::Deny(_) => None,
        Verdict::Need(fact) => panic!("needs {fact:?}"),
    }
}

#[test]
fn s19_plans_stay_within_the_limits_on_every_file() {
    let mut planned = 0;
    for (file, _) in FILES {
        let text = fs::read_to_string(repository().join("tests/corpus/manifests").join(file)).unwrap();
        let (whole, more, other) = (app(&[&text]), app(&[&text, ONE_MORE]), app(&[ONE_MORE]));
        for (old, new) in [
            (None, &whole),
            (Some(&whole), &more),
            (Some(&more), &whole),
            (Some(&whole), &other),
            (Some(&other), &whole),
        ] {
            let Some(warnings) = dry_run(old, new) else {
                continue;
            };
            let plan = |line: &&String| line.starts_with("app/corpus: ");
            let lines = warnings.iter().filter(plan).count();
            planned += lines;
            assert!(lines >= 2, "{file}: {warnings:?}");
            for line in &warnings {
                let longest = if plan(&line) { 255 } else { usize::MAX };
                assert!(line.chars().count() <= longest, "{file}: {line}");
                assert!(!line.contains(char::is_control), "{file}: {line:?}");
            }
            let plans = warnings.iter().filter(plan).map(|line| line.chars().count());
            assert!(plans.sum::<usize>() <= 4000, "{file}");
        }
        assert_eq!(
            dry_run(Some(&whole), &whole)
                .unwrap_or_default()
                .iter()
                .filter(|line| line.starts_with("app/corpus: "))
                .count(),
            0,
            "{file}: unchanged"
        );
    }
    assert!(planned > 200, "{planned}");
}

#[test]
fn one_more_document_is_one_more_line() {
    let file = "argoproj-argo-cd/namespace-install.yaml";
    let text = fs::read_to_string(repository().join("tests/corpus/manifests").join(file)).unwrap();
    let manifests = [json!(text)];
    let count = read_manifests("m", &manifests).unwrap().objects.len();
    let (whole, more) = (app(&[&text]), app(&[&text, ONE_MORE]));
    let plan = dry_run(Some(&whole), &more).unwrap();
    let plan: Vec<_> = plan
        .iter()
        .filter(|line| line.starts_with("app/corpus: "))
        .collect();
    assert_eq!(plan[1..], ["app/corpus: create ConfigMap/one-more"]);
    let gone = dry_run(Some(&whole), &app(&[ONE_MORE])).unwrap();
    let pruned = gone
        .iter()
        .filter(|line| line.starts_with("app/corpus: prune "))
        .count();
    let kept = gone
        .iter()
        .filter(|line| line.starts_with("app/corpus: keep "))
        .count();
    let left = gone.last().unwrap();
    let left = left
        .strip_prefix("app/corpus: ")
        .unwrap()
        .strip_suffix(" more lines left out");
    let left: usize = left.map_or(0, |left| left.parse().unwrap());
    assert_eq!(pruned + kept + left, count, "{gone:?}");
}
