//! `Compliant` of a Project: what runs in its namespace and would be refused today.

use crate::support::{Stage, pod, project, said};
use anyhow::ensure;
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long is waited where the second look comes 10 s after the first.
const TWO_LOOKS: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_an_adopted_namespace_is_listed_and_ready_waits_for_that() {
    let stage = Stage::shared().await;
    stage.namespace_for("lived-in", "moves").await;
    for (name, image) in [("old-1", "quay.io/acme/x:1"), ("old-2", "ghcr.io/acme/x:1")] {
        stage.applied(&pod("lived-in", name, image)).await;
    }
    stage.tenant("moves").await;
    let started = Instant::now();
    let spec = json!({"namespace": "lived-in", "adopt": true});
    stage.applied(&project("moves", spec)).await;
    let compliant = ["Compliant", "False", "ImageNotAllowed"];
    let words = "1 image of running Pods would be refused today. Pod old-1, container main: \"quay.io/acme/x:1\" is not \
        in the list of the cluster (ghcr.io/acme). What runs goes on, but no new Pod with such an image is admitted. \
        Deliver an image that is in the list, or ask platform@acme.example.";
    stage.says("project/moves", compliant, words).await;
    stage
        .says("project/moves", ["Ready", "False", "Progressing"], "once more")
        .await;
    wait::until("it is Ready", TWO_LOOKS, || async {
        let found = stage.get("project/moves").await?;
        ensure!(said(&found, "Ready")["status"] == "True", "{}", found["status"]);
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    let found = stage.get("project/moves").await.unwrap();
    assert_eq!(said(&found, "Compliant")["status"], "False");
    assert!(
        !stage.get("pod/old-1 -n lived-in").await.unwrap().is_null(),
        "it goes on"
    );
}

/// Refuses the quota of a namespace, so that attempts at its Project fail after they have made it.
fn not_yet() -> [Value; 2] {
    let metadata = json!({"name": "not-yet"});
    let mine = "request.namespace == 'kubeop-fresh' || object.metadata.name == 'probe-of-fresh'";
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["resourcequotas"]}]},
            "matchConditions": [{"name": "mine", "expression": mine}],
            "validations": [{"expression": "false", "message": "not yet"}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata, "spec": {"policyName": "not-yet", "validationActions": ["Deny"]}});
    [policy, binding]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_made_has_nothing_to_look_at_however_many_attempts_it_takes() {
    let stage = Stage::shared().await;
    for object in not_yet() {
        stage.applied(&object).await;
    }
    wait::until("the policy holds", TWO_LOOKS, || async {
        let create = "create quota probe-of-fresh --hard=pods=1 -n default --dry-run=server";
        let answer = stage.kubeop.cluster().kubectl(create.split_whitespace()).await?;
        ensure!(answer.stderr.contains("not yet"), "{answer:?}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let log = stage.kubeop.cluster().audit_log().unwrap().from_now().unwrap();
    stage.tenant("fresh").await;
    stage
        .applied(&project("fresh", json!({"quota": {"hard": {"pods": 50}}})))
        .await;
    let refused = wait::until("an attempt fails", TWO_LOOKS, || async {
        let found = stage.get("project/fresh").await?;
        let ready = said(&found, "Ready");
        ensure!(ready.to_string().contains("not yet"), "{ready}");
        anyhow::Ok(())
    });
    refused.await.unwrap();
    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        stage.done(&format!("delete {kind} not-yet")).await;
    }
    wait::until("it is Ready", TWO_LOOKS, || async {
        let found = stage.get("project/fresh").await?;
        ensure!(said(&found, "Ready")["status"] == "True", "{}", found["status"]);
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let entries = log.entries().unwrap();
    let listed = entries.iter().filter(|entry| {
        let is_here = entry.namespace.as_deref() == Some("kubeop-fresh");
        entry.verb == "list" && entry.resource == "pods" && is_here
    });
    let listed: Vec<_> = listed.map(|entry| &entry.uri).collect();
    assert!(listed.is_empty(), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_what_runs_is_looked_at_again_when_a_list_changes() {
    let stage = Stage::shared().await;
    stage.project("narrows", json!({})).await;
    stage
        .says("project/narrows", ["Compliant", "True", "ImagesAllowed"], "")
        .await;
    stage
        .applied(&pod("kubeop-narrows", "p", "ghcr.io/acme/x:1"))
        .await;
    let ready_since = || async {
        let found = stage.get("project/narrows").await.unwrap();
        let ready = said(&found, "Ready");
        assert_eq!(ready["status"], "True", "{ready}");
        ready["lastTransitionTime"].clone()
    };
    let before = ready_since().await;
    let refused = ["Compliant", "False", "ImageNotAllowed"];
    stage
        .applied(&project(
            "narrows",
            json!({"imageAllowlist": ["ghcr.io/acme/web"]}),
        ))
        .await;
    let words = "\"ghcr.io/acme/x:1\" is not in the list of project narrows (ghcr.io/acme/web)";
    stage.says("project/narrows", refused, words).await;
    stage
        .applied(&project("narrows", json!({"imageAllowlist": []})))
        .await;
    stage
        .says("project/narrows", ["Compliant", "True", "ImagesAllowed"], "")
        .await;
    let narrow = |list: &Value| {
        json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": "narrows"}, "spec": {"imageAllowlist": list}})
    };
    stage.applied(&narrow(&json!(["quay.io"]))).await;
    let words = "is not in the list of tenant narrows (quay.io)";
    stage.says("project/narrows", refused, words).await;
    // The project itself stands as it stood.
    assert_eq!(ready_since().await, before);
}
