//! What a Project and a Tenant say of themselves, and what may always be changed of them.

use crate::support::{FINALIZER, Stage, project, said};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_carries_our_finalizer_and_gets_it_back() {
    let stage = Stage::shared().await;
    stage.project("held", json!({})).await;
    for what in ["tenant/held", "project/held"] {
        let made = stage.get(what).await.unwrap();
        assert_eq!(made["metadata"]["finalizers"], json!([FINALIZER]));
        stage.ready(what).await;
        let patch = format!("patch {what} --type=merge -p {{\"metadata\":{{\"finalizers\":null}}}}");
        stage.done(&patch).await;
        stage
            .until(what, |found| {
                found["metadata"]["finalizers"] == json!([FINALIZER])
            })
            .await;
    }
    let tenant = stage.get("tenant/held").await.unwrap();
    assert_eq!(
        tenant["status"]["observedGeneration"],
        tenant["metadata"]["generation"]
    );
}

/// A Tenant that was deleted the hard way leaves its Project writable, and free to go.
#[tokio::test(flavor = "multi_thread")]
async fn s16_a_project_without_its_tenant_can_be_changed_and_go_away() {
    let stage = Stage::shared().await;
    stage.project("orphan", json!({})).await;
    stage.done("delete tenant orphan --wait=false").await;
    stage
        .done("patch tenant orphan --type=merge -p {\"metadata\":{\"finalizers\":null}}")
        .await;
    stage.gone("tenant/orphan").await;
    stage
        .says(
            "project/orphan",
            ["Ready", "False", "TenantNotFound"],
            "tenant orphan",
        )
        .await;
    let labelled = stage.kubectl("label project orphan note=1").await;
    assert!(
        labelled
            .stderr
            .contains("not changed by this request, and would be refused today: [TenantNotFound]"),
        "{labelled:?}"
    );
    labelled.success().unwrap();
    stage.tenant("orphan").await;
    stage.ready("project/orphan").await;
    stage.done("delete project orphan --timeout=30s").await;
}

/// A restore brings objects in any order.
#[tokio::test(flavor = "multi_thread")]
async fn s52_a_restored_project_waits_for_its_tenant() {
    let stage = Stage::shared().await;
    let early = project("restored", json!({}));
    let refused = stage.apply(&early).await.failure().unwrap();
    assert!(
        refused.contains("[TenantNotFound] spec.tenantRef: \"restored\""),
        "{refused}"
    );
    let velero = "system:serviceaccount:velero:velero";
    stage
        .done(&format!(
            "create clusterrolebinding velero --clusterrole=cluster-admin --user={velero}"
        ))
        .await;
    let create = format!("create -f - --as={velero}");
    stage.send(&create, &early).await.success().unwrap();
    stage
        .says(
            "project/restored",
            ["Ready", "False", "TenantNotFound"],
            "tenant restored",
        )
        .await;
    stage.tenant("restored").await;
    stage.ready("project/restored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_rules_are_only_audited_the_answer_warns() {
    let stage = Stage::shared().await;
    stage.project("audits", json!({"enforcement": "Audit"})).await;
    let run = "run x --image=evil.example/x -n kubeop-audits";
    let admitted = stage.kubectl(run).await;
    assert!(
        admitted
            .stderr
            .contains("audit: [ImageNotAllowed] spec.containers[0].image: \"evil.example/x:latest\""),
        "{admitted:?}"
    );
    admitted.success().unwrap();

    // What was let in is listed once the rules are enforced, and nothing like it is let in.
    stage
        .applied(&project("audits", json!({"enforcement": "Enforce"})))
        .await;
    let words = "Pod x, container x: \"evil.example/x\" is not in the list of the cluster (ghcr.io/acme)";
    stage
        .says("project/audits", ["Compliant", "False", "ImageNotAllowed"], words)
        .await;
    stage.ready("project/audits").await;
    let refused = stage
        .refused("run y --image=evil.example/x -n kubeop-audits")
        .await;
    assert!(refused.contains("[ImageNotAllowed]"), "{refused}");
    let found: Value = stage.get("project/audits").await.unwrap();
    assert!(
        said(&found, "Compliant")["message"]
            .to_string()
            .contains("no new Pod"),
        "{found}"
    );
}
