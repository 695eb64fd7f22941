//! Members, quota and limit range: made, put right, and taken away.

use crate::support::{Stage, pod, project};
use serde_json::{Value, json};
use std::time::Duration;

fn all(quota: &str) -> Value {
    json!({
        "members": [{"kind": "User", "name": "ann"}, {"kind": "Group", "name": "web-team"}],
        "quota": {"hard": {"cpu": quota, "pods": 50}},
        "limitRange": {"limits": [{"type": "Container", "min": {"cpu": "100m"}, "max": {"cpu": 4}}]},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_says_of_its_namespace_is_kept() {
    let stage = Stage::shared().await;
    // With a least for containers: the proof that the gate is shut must not fail for it.
    stage.project("keeps", all("4000m")).await;
    let at = |what: &str| format!("{what}/kubeop -n kubeop-keeps");
    let [binding, quota, range] = ["rolebinding", "resourcequota", "limitrange"].map(at);
    let can = "auth can-i create deployments -n kubeop-keeps --as=ann";
    stage.done(can).await;
    let refused = stage
        .kubectl("auth can-i create deployments -n kubeop-keeps --as=bob")
        .await;
    assert_eq!(refused.stdout.trim(), "no");
    let live = stage.get(&quota).await.unwrap();
    assert_eq!(live["spec"]["hard"], json!({"cpu": "4", "pods": "50"}));

    // What others change is put back, what they delete comes back.
    let patch = |what: &str, fields: &str| format!("patch {what} --type=merge -p {fields}");
    stage
        .done(&patch(&quota, "{\"spec\":{\"hard\":{\"cpu\":\"400\"}}}"))
        .await;
    stage
        .until(&quota, |found| found["spec"]["hard"]["cpu"] == "4")
        .await;
    stage.done(&patch(&binding, "{\"subjects\":[]}")).await;
    let members = |found: &Value| {
        found["subjects"]
            .as_array()
            .is_some_and(|members| members.len() == 2)
    };
    stage.until(&binding, members).await;
    stage.done(&patch(&range, "{\"spec\":{\"limits\":[]}}")).await;
    stage
        .until(&range, |found| found["spec"]["limits"][0]["max"]["cpu"] == "4")
        .await;
    for what in [&binding, &quota, &range] {
        stage.done(&format!("delete {what}")).await;
        stage.until(what, |found| !found.is_null()).await;
    }
    // A role that cannot be changed is replaced.
    stage
        .done("delete rolebinding kubeop-deployer -n kubeop-keeps")
        .await;
    let deployer = "rolebinding/kubeop-deployer -n kubeop-keeps";
    stage
        .until(deployer, |found| found["roleRef"]["name"] == "kubeop-deployer")
        .await;

    // Uses of the quota are no news.
    stage.ready("project/keeps").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = stage.kubeop.cluster().audit_log().unwrap().from_now().unwrap();
    let used = pod("kubeop-keeps", "uses", "ghcr.io/acme/x:1");
    stage.applied(&used).await;
    stage
        .until(&quota, |found| found["status"]["used"]["pods"] == "1")
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut calls = log.kubeop_calls().unwrap();
    calls.retain(|call| call.namespace.as_deref() == Some("kubeop-keeps"));
    assert!(calls.is_empty(), "{calls:#?}");

    // The spec changes, then says nothing any more.
    let mut changed = all("2");
    changed["quota"]["hard"] = json!({"cpu": "2"});
    stage.applied(&project("keeps", changed)).await;
    stage
        .until(&quota, |found| found["spec"]["hard"] == json!({"cpu": "2"}))
        .await;
    stage.applied(&project("keeps", json!({}))).await;
    for what in [&binding, &quota, &range] {
        stage.gone(what).await;
    }
    stage.ready("project/keeps").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_made_under_our_name_is_not_taken() {
    let stage = Stage::shared().await;
    stage.namespace_for("has-quota", "meets").await;
    stage.done("create quota kubeop --hard=pods=7 -n has-quota").await;
    stage.tenant("meets").await;
    let spec = json!({"namespace": "has-quota", "adopt": true, "quota": {"hard": {"pods": 50}}});
    stage.applied(&project("meets", spec)).await;
    let conflict = ["Ready", "False", "Conflict"];
    let way_out = "kubectl delete resourcequota kubeop -n has-quota";
    stage.says("project/meets", conflict, way_out).await;
    let quota = "resourcequota/kubeop -n has-quota";
    assert_eq!(
        stage.get(quota).await.unwrap()["spec"]["hard"],
        json!({"pods": "7"})
    );
    stage.paste(way_out).await;
    stage
        .until(quota, |found| found["spec"]["hard"] == json!({"pods": "50"}))
        .await;
}
