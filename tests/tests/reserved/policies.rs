//! The policies themselves: sound, and about the names that the programs use.

use std::fs;

use anyhow::{Context, ensure};
use kubeop_shared::api::names;
use kubeop_tests::generated::repository;
use kubeop_tests::wait;
use serde_json::Value;

use crate::support::{SOON, Web};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_has_nothing_to_say_against_the_policies() {
    let web = Web::shared().await;
    let policies = wait::until("the policies were checked", SOON, || async {
        let list = web.get("validatingadmissionpolicies").await?;
        let policies = list["items"].as_array().cloned().unwrap_or_default();
        let is_ours = |policy: &Value| {
            let name = policy["metadata"]["name"].as_str();
            name.is_some_and(|name| name.ends_with(".reserved.kubeop.io"))
        };
        let ours: Vec<Value> = policies.into_iter().filter(is_ours).collect();
        ensure!(ours.len() == 3, "there are {}", ours.len());
        for policy in &ours {
            let seen = policy["status"]["observedGeneration"].as_i64();
            ensure!(seen == policy["metadata"]["generation"].as_i64(), "{policy}");
            ensure!(policy["status"]["typeChecking"].is_object(), "{policy}");
        }
        Ok(ours)
    });
    for policy in policies.await.unwrap() {
        let warnings = &policy["status"]["typeChecking"]["expressionWarnings"];
        assert!(warnings.is_null(), "{}: {warnings:#}", policy["metadata"]["name"]);
    }
}

#[test]
fn the_policies_speak_of_the_names_that_the_programs_use() {
    let text = |file: &str| fs::read_to_string(repository().join("manifests/policies").join(file)).unwrap();
    let quoted = |name: &str| format!("'{name}'");
    let record = names::record_name("");
    for (file, spoken_of) in [
        (
            "namespaces.yaml",
            vec![
                names::LABEL_CLUSTER_ID,
                names::LABEL_TENANT_ID,
                names::LABEL_PROJECT_ID,
                names::ANNOTATION_ADOPT,
                names::GROUP,
            ],
        ),
        (
            "kept-objects.yaml",
            vec![
                &record,
                names::FINALIZER,
                names::LABEL_HOOK,
                names::LABEL_HOOK_PHASE,
                names::LABEL_MIRROR_OF,
                names::LABEL_APP_ID,
                names::ANNOTATION_TOUCHED,
                names::GROUP,
            ],
        ),
        ("deployer.yaml", vec![names::DEPLOYER, names::GROUP]),
    ] {
        let text = text(file);
        for name in spoken_of {
            assert!(text.contains(&quoted(name)), "{file} does not speak of {name}");
        }
    }
}

/// A label by which a registration selects is one that nobody can take off.
#[test]
fn s18_registrations_select_by_a_guarded_label_only() {
    let manifests = repository().join("manifests");
    let mut selectors = 0;
    for file in [
        "webhook/mutating.yaml",
        "webhook/validating.yaml",
        "policies/kept-objects.yaml",
        "policies/deployer.yaml",
    ] {
        let text = fs::read_to_string(manifests.join(file)).unwrap();
        for document in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
            each(&document, &mut |field, value| match field {
                "objectSelector" => panic!("{file}: the author of an object may choose its labels"),
                "namespaceSelector" => {
                    let terms = value["matchExpressions"].as_array().context("no terms").unwrap();
                    assert!(value["matchLabels"].is_null());
                    for term in terms {
                        assert_eq!(term["key"], names::LABEL_PROJECT_ID, "{file}");
                        assert_eq!(term["operator"], "Exists", "{file}");
                    }
                    selectors += 1;
                }
                _ => {}
            });
        }
    }
    assert!(selectors >= 4, "{selectors} selectors");
}

fn each(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                see(name, field);
                each(field, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}
