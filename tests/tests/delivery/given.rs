//! What becomes of manifests as people have them: dumps, Secrets in clear, marks of other tools.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Stage, condition};

/// An App of kind Raw.
fn raw(ns: &str, manifests: &[Value]) -> String {
    let project = ns.trim_start_matches("kubeop-");
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "metadata": {"name": "pay", "namespace": ns},
        "spec": {"projectRef": project, "delivery": {"kind": "Raw", "raw": {"manifests": manifests}}}})
    .to_string()
}

/// Has the App looked at once more, and says what was written meanwhile.
async fn writes_of_another_look(stage: &Stage, ns: &str) -> Vec<String> {
    let _running = stage.running.read().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = stage.cluster.audit_log().unwrap().from_now().unwrap();
    stage
        .kubectl(&format!(
            "annotate apps.platform.kubeop.io/pay -n {ns} looked-at=again"
        ))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let writes = stage.writes_in(&log, ns).unwrap();
    writes
        .iter()
        .map(|write| format!("{} {}", write.verb, write.resource))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_a_key_of_string_data_that_is_left_out_goes() {
    let stage = Stage::shared().await;
    stage.project("clear").await.unwrap();
    let ns = "kubeop-clear";
    let secret = |string_data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": string_data});
    let (user, password) = ("Zaphod-Beeblebrox", "forty-two-is-no-password");
    for (given, keys) in [
        (json!({"u": user, "p": password}), ["p", "u"]),
        (json!({"u2": user, "p": password}), ["p", "u2"]),
    ] {
        stage.apply(&raw(ns, &[secret(given)])).await.unwrap();
        stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        let live = stage.get(ns, "secrets/s").await.unwrap();
        let found: Vec<_> = live["data"].as_object().unwrap().keys().collect();
        assert_eq!(found, keys);
        assert_eq!(writes_of_another_look(stage, ns).await, [""; 0]);
    }
    let events = stage.get(ns, "events").await.unwrap().to_string();
    let record = stage.get(ns, "configmaps").await.unwrap().to_string();
    let log = std::fs::read_to_string(stage.cluster.log_of("kubeop-controller")).unwrap();
    assert!(log.contains(ns), "the log is that of the controller");
    for (place, text) in [("events", events), ("record", record), ("log", log)] {
        for value in [user, password] {
            let encoded = k8s_openapi::ByteString(value.as_bytes().to_vec());
            let encoded = serde_json::to_value(encoded).unwrap();
            assert!(
                !text.contains(value) && !text.contains(encoded.as_str().unwrap()),
                "{value} in {place}"
            );
        }
    }
}

fn deployment(name: &str, image: &str, ports: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "a", "image": image, "ports": ports}]}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn s26_one_port_may_be_tcp_and_udp_but_not_twice_the_same() {
    let stage = Stage::shared().await;
    stage.project("ports").await.unwrap();
    let ns = "kubeop-ports";
    let both =
        json!([{"containerPort": 9125, "protocol": "TCP"}, {"containerPort": 9125, "protocol": "UDP"}]);
    for image in ["ghcr.io/acme/x:1", "ghcr.io/acme/x:2"] {
        stage
            .apply(&raw(ns, &[deployment("statsd", image, &both)]))
            .await
            .unwrap();
        stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        let live = stage.get(ns, "deployments/statsd").await.unwrap();
        let container = &live["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image);
        assert_eq!(container["ports"].as_array().map(Vec::len), Some(2));
    }
    stage.project("twice").await.unwrap();
    let ns = "kubeop-twice";
    let twice = json!([{"containerPort": 53}, {"containerPort": 53}]);
    let manifests = [
        deployment("good", "ghcr.io/acme/x:1", &both),
        deployment("dns", "ghcr.io/acme/x:1", &twice),
    ];
    stage.apply(&raw(ns, &manifests)).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "ApplyFailed").await.unwrap();
    let message = condition(&app, "Applied")["message"].to_string();
    assert!(
        message.contains("Deployment dns") && message.contains("duplicate"),
        "{message}"
    );
    assert!(
        stage.get(ns, "deployments/good").await.unwrap().is_null(),
        "nothing of a stage is written before all of it is known to pass"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s32_a_dump_of_a_cluster_is_delivered_and_then_left_alone() {
    let stage = Stage::shared().await;
    stage.project("dump").await.unwrap();
    let ns = "kubeop-dump";
    let mut dumped = deployment(
        "web",
        "ghcr.io/acme/x:1",
        &json!([{"containerPort": 80, "protocol": "TCP"}]),
    );
    dumped["metadata"] = json!({
        "name": "web",
        "annotations": {
            "deployment.kubernetes.io/revision": "7",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 12,
        "managedFields": [{"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1"}],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000"}],
        "resourceVersion": "4711",
        "selfLink": "/apis/apps/v1/namespaces/other/deployments/web",
        "uid": "11111111-2222-3333-4444-555555555555",
    });
    dumped["status"] = json!({"replicas": 9, "readyReplicas": 9});
    stage.apply(&raw(ns, &[dumped])).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let live = stage.get(ns, "deployments/web").await.unwrap();
    let annotations = &live["metadata"]["annotations"];
    assert_eq!(
        annotations["deployment.kubernetes.io/revision"], "1",
        "{annotations}"
    );
    assert!(
        annotations["kubectl.kubernetes.io/last-applied-configuration"].is_null(),
        "{annotations}"
    );
    assert!(live["metadata"]["ownerReferences"].is_null());
    assert_eq!(live["status"]["replicas"], 1);
    assert_eq!(writes_of_another_look(stage, ns).await, [""; 0]);
}

/// What admission tells, delivery does: here without a webhook.
#[tokio::test(flavor = "multi_thread")]
async fn s50_marks_and_hooks_of_other_tools_are_not_delivered() {
    let stage = Stage::shared().await;
    stage.project("marks").await.unwrap();
    let ns = "kubeop-marks";
    let configuration = |name: &str, annotations: Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotations,
            "labels": {"argocd.argoproj.io/instance": "x", "app.kubernetes.io/managed-by": "Helm"}}})
    };
    let tracked = configuration(
        "tracked",
        json!({"meta.helm.sh/release-name": "x", "argocd.argoproj.io/sync-wave": "1"}),
    );
    let tested = configuration("tested", json!({"helm.sh/hook": "test"}));
    stage.apply(&raw(ns, &[tracked.clone(), tested])).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert!(stage.get(ns, "configmaps/tested").await.unwrap().is_null());
    let metadata = stage.get(ns, "configmaps/tracked").await.unwrap()["metadata"].clone();
    let (labels, annotations) = (&metadata["labels"], &metadata["annotations"]);
    assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(annotations["argocd.argoproj.io/sync-wave"], "1");
    assert!(labels["argocd.argoproj.io/instance"].is_null(), "{labels}");
    assert!(
        annotations["meta.helm.sh/release-name"].is_null(),
        "{annotations}"
    );

    let install = configuration("install", json!({"helm.sh/hook": "pre-install"}));
    stage.apply(&raw(ns, &[tracked, install])).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "Invalid").await.unwrap();
    let message = condition(&app, "Ready")["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        message.starts_with(
            "spec.delivery.raw.manifests[1].metadata.annotations[helm.sh/hook]: is \"pre-install\""
        ) && message.contains("Leave the annotation out"),
        "{message}"
    );
}
