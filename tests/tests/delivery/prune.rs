//! What an App no longer asks for goes, and nothing else does.

use anyhow::ensure;
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::wait;
use serde_json::Value;

use crate::manifests::raw;
use crate::support::{SOON, Stage, condition};

fn config_map(name: &str, more: &str) -> String {
    format!("      - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}{more}}}, data: {{a: b}}}}\n")
}

async fn gone(stage: &Stage, ns: &str, what: &str) {
    wait::until(&format!("{what} is gone"), SOON, || async {
        ensure!(stage.get(ns, what).await?.is_null(), "{what} is there");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

async fn inventory(stage: &Stage, ns: &str) -> String {
    let record = stage.get(ns, "configmaps/kubeop-revision-pay").await.unwrap();
    record["data"]["inventory"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_asked_for_is_pruned() {
    let stage = Stage::shared().await;
    stage.project("prune").await.unwrap();
    let ns = "kubeop-prune";
    let claim = "      - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: \
                 [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: none, volumeName: v}}\n";
    let volume = format!(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: v}}\nspec: {{capacity: {{storage: 1Gi}}, accessModes: \
         [ReadWriteOnce], storageClassName: none, hostPath: {{path: /tmp}}, claimRef: {{namespace: {ns}, name: data}}}}\n"
    );
    stage.apply(&volume).await.unwrap();
    let kept = config_map("kept", ", annotations: {platform.kubeop.io/prune: 'false'}");
    let all = [config_map("a", ""), config_map("b", ""), kept, claim.to_owned()].concat();
    stage.apply(&raw(ns, &all)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage.apply(&raw(ns, &config_map("a", ""))).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    gone(stage, ns, "configmaps/b").await;
    for what in ["configmaps/a", "configmaps/kept", "persistentvolumeclaims/data"] {
        let object = stage.get(ns, what).await.unwrap();
        assert!(
            object["metadata"]["uid"].is_string() && object["metadata"]["deletionTimestamp"].is_null(),
            "{what}: {object}"
        );
    }
    let inventory = inventory(stage, ns).await;
    assert_eq!(inventory.matches("kind:").count(), 1, "{inventory}");
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(events.contains("ConfigMap b is deleted"), "{events}");
    assert!(
        events.contains(&format!("kubectl delete -n {ns} persistentvolumeclaim/data")),
        "{events}"
    );
    // A later App asks for it again: what was kept is taken up, not refused.
    stage.apply(&raw(ns, &all)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    // The end of the App keeps what pruning keeps.
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
    gone(stage, ns, "configmaps/a").await;
    let claim = stage.get(ns, "persistentvolumeclaims/data").await.unwrap();
    assert!(claim["metadata"]["uid"].is_string() && claim["metadata"]["deletionTimestamp"].is_null());
}

/// S27: a denied DELETE is not forgotten, across a restart and another revision.
#[tokio::test(flavor = "multi_thread")]
async fn s27_a_denied_deletion_is_tried_until_it_succeeds() {
    let stage = Stage::shared().await;
    stage.project("denied").await.unwrap();
    let ns = "kubeop-denied";
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: no-deletes}\n\
        spec:\n  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: \
        [DELETE]}]}\n  validations: [{expression: 'false', message: nobody deletes today}]\n---\n\
        apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: no-deletes}\n\
        spec: {policyName: no-deletes, validationActions: [Deny], matchResources: {namespaceSelector: {matchLabels: \
        {kubernetes.io/metadata.name: kubeop-denied}}}}\n";
    stage.apply(policy).await.unwrap();
    let both = [config_map("a", ""), config_map("b", "")].concat();
    stage.apply(&raw(ns, &both)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    // The policy takes a moment to be in force.
    wait::until("deletes are denied", SOON, || async {
        let answer = stage
            .cluster
            .kubectl(["delete", "configmap", "a", "-n", ns, "--dry-run=server"])
            .await?;
        ensure!(answer.success().is_err(), "not yet");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    stage.apply(&raw(ns, &config_map("a", ""))).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "PruneBlocked").await.unwrap();
    let message = condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("ConfigMap b") && message.contains("nobody deletes today"),
        "{message}"
    );
    assert_eq!(condition(&app, "Healthy")["status"], "True");
    let quiet = stage.running.write().await;
    stage.stop_controller(Ending::Killed).await.unwrap();
    stage.start_controller().await.unwrap();
    drop(quiet);
    let third = [config_map("a", ""), config_map("c", "")].concat();
    stage.apply(&raw(ns, &third)).await.unwrap();
    stage.app_is(ns, "pay", "False", "PruneBlocked").await.unwrap();
    assert!(!stage.get(ns, "configmaps/c").await.unwrap().is_null());
    assert!(inventory(stage, ns).await.contains("name: b\n"));
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(events.contains("PruneBlocked"), "{events}");
    stage
        .kubectl("delete validatingadmissionpolicybinding/no-deletes")
        .await
        .unwrap();
    gone(stage, ns, "configmaps/b").await;
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert!(!inventory(stage, ns).await.contains("name: b\n"));
}

/// The same object by another version of its kind is not the old one's end.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_under_another_version_of_its_kind_lives_on() {
    let stage = Stage::shared().await;
    stage.project("versions").await.unwrap();
    let ns = "kubeop-versions";
    let scaler = |version: &str| {
        format!(
            "      - {{apiVersion: autoscaling/{version}, kind: HorizontalPodAutoscaler, metadata: {{name: web}}, spec: \
             {{minReplicas: 1, maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}}}}}\n"
        )
    };
    stage.apply(&raw(ns, &scaler("v1"))).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let uid = |object: Value| object["metadata"]["uid"].clone();
    let before = uid(stage.get(ns, "horizontalpodautoscalers/web").await.unwrap());
    stage.apply(&raw(ns, &scaler("v2"))).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(
        uid(stage.get(ns, "horizontalpodautoscalers/web").await.unwrap()),
        before
    );
    let inventory = inventory(stage, ns).await;
    assert_eq!(inventory.matches("kind:").count(), 1, "{inventory}");
}

/// An object that was given to another App is that one's.
#[tokio::test(flavor = "multi_thread")]
async fn s28_an_object_that_another_app_holds_is_dropped_without_being_deleted() {
    let stage = Stage::shared().await;
    stage.project("handed").await.unwrap();
    let ns = "kubeop-handed";
    let app = |name: &str, manifests: &str| raw(ns, manifests).replace("name: pay", &format!("name: {name}"));
    let shared = config_map("shared", "");
    stage.apply(&app("a", &shared)).await.unwrap();
    stage.app_is(ns, "a", "True", "Succeeded").await.unwrap();
    let both = [shared.clone(), config_map("own", "")].concat();
    stage.apply(&app("b", &both)).await.unwrap();
    stage.app_is(ns, "b", "False", "Conflict").await.unwrap();
    assert!(
        stage.get(ns, "configmaps/own").await.unwrap().is_null(),
        "a stage goes whole or not at all"
    );
    stage.apply(&app("b", &config_map("own", ""))).await.unwrap();
    stage.app_is(ns, "b", "True", "Succeeded").await.unwrap();
    stage
        .kubectl(&format!("delete apps.platform.kubeop.io/b -n {ns} --timeout=30s"))
        .await
        .unwrap();
    let object = stage.get(ns, "configmaps/shared").await.unwrap();
    assert_eq!(object["metadata"]["labels"]["app.kubeop.io/app-id"], "a");
    stage.apply(&app("a", &config_map("other", ""))).await.unwrap();
    gone(stage, ns, "configmaps/shared").await;
}
