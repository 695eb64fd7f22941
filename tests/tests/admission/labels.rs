//! What admission adds, and what it leaves alone.

use crate::support::{NAMESPACE, Web, app, pod};
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;

const OWNERSHIP: [&str; 3] = [
    "app.kubeop.io/cluster-id",
    "app.kubeop.io/project-id",
    "app.kubeop.io/tenant-id",
];

#[tokio::test]
async fn s11_a_second_apply_changes_nothing() {
    let web = Web::shared().await;
    let configuration = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "s11", "namespace": NAMESPACE}, "data": {"a": "1"}});
    for (object, what) in [
        (configuration, "configmap/s11"),
        (pod("s11", "ghcr.io/acme/x"), "pod/s11"),
    ] {
        web.apply(&object).await.success().unwrap();
        let first = web.get(what).await;
        for label in OWNERSHIP {
            assert!(
                first["metadata"]["labels"][label].is_string(),
                "{label} of {first}"
            );
        }
        let again = web.apply(&object).await.success().unwrap();
        assert!(again.contains("unchanged"), "{again}");
        // Its own output, sent back whole.
        let again = web.send("replace -f -", &web.get(what).await).await;
        again.success().unwrap();
        assert_eq!(
            web.get(what).await["metadata"]["labels"],
            first["metadata"]["labels"]
        );
    }
}

#[tokio::test]
async fn an_app_gets_its_namespace_and_its_own_label() {
    let web = Web::shared().await;
    let mut mutated = app("labelled", "ghcr.io/acme/x");
    mutated["spec"]["suspend"] = json!(true);
    web.apply(&mutated).await.success().unwrap();
    let live = web.get("apps.platform.kubeop.io/labelled").await;
    assert_eq!(live["spec"]["namespace"], NAMESPACE);
    assert_eq!(live["metadata"]["labels"]["app.kubeop.io/app-id"], "labelled");
    let again = web.apply(&mutated).await.success().unwrap();
    assert!(again.contains("unchanged"), "{again}");
}

#[tokio::test]
async fn a_foreign_ownership_label_is_forbidden() {
    let web = Web::shared().await;
    let mut foreign = pod("foreign", "ghcr.io/acme/x");
    foreign["metadata"]["labels"] = json!({"app.kubeop.io/tenant-id": "other"});
    let refused = web.refused(&foreign).await;
    assert!(
        refused.contains("Forbidden") && refused.contains("[ForeignLabel] metadata.labels["),
        "{refused}"
    );
}

#[tokio::test]
async fn s12_labels_restart_no_pod() {
    let web = Web::shared().await;
    let namespace = "s12-before";
    web.kubectl(&format!("create namespace {namespace}"))
        .await
        .success()
        .unwrap();
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "x", "namespace": namespace},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "a", "image": "ghcr.io/acme/x"}]}}}});
    web.apply(&deployment).await.success().unwrap();
    let rolled = format!("rollout status deployment/x -n {namespace} --timeout=60s");
    web.kubectl(&rolled).await.success().unwrap();
    let pods = || async {
        let get = format!("get pods -n {namespace} -o json");
        let list: Value = serde_json::from_str(&web.kubectl(&get).await.success().unwrap()).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        let mut uids: Vec<String> = items.map(|pod| pod["metadata"]["uid"].to_string()).collect();
        uids.sort();
        uids
    };
    let before = pods().await;
    assert_eq!(before.len(), 3);

    let label =
        format!("label namespace {namespace} app.kubeop.io/project-id=web app.kubeop.io/tenant-id=acme");
    web.kubectl(&label).await.success().unwrap();
    // The API server's own view of the label may be a moment behind.
    wait::until("the namespace is selected", Duration::from_secs(20), || async {
        let annotate = format!("annotate deployment x -n {namespace} --overwrite note=1");
        web.kubectl(&annotate).await.success()?;
        web.kubectl(&format!("annotate deployment x -n {namespace} note-"))
            .await
            .success()?;
        let get = format!("get deployment x -n {namespace} -o json");
        let live: Value = serde_json::from_str(&web.kubectl(&get).await.success()?)?;
        anyhow::ensure!(
            live["metadata"]["labels"]["app.kubeop.io/project-id"] == "web",
            "{live}"
        );
        anyhow::ensure!(
            live["spec"]["template"]["metadata"]["labels"] == json!({"app": "x"}),
            "{live}"
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    web.kubectl(&format!("scale deployment x -n {namespace} --replicas=4"))
        .await
        .success()
        .unwrap();
    web.kubectl(&rolled).await.success().unwrap();
    let after = pods().await;
    assert_eq!(after.len(), 4);
    assert!(
        before.iter().all(|uid| after.contains(uid)),
        "{before:?} {after:?}"
    );
}

#[tokio::test]
async fn s16_an_app_that_violates_can_go_away() {
    let web = Web::shared().await;
    let project = |list: Value| {
        json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
            "metadata": {"name": "s16"}, "spec": {"tenantRef": "acme", "imageAllowlist": list}})
    };
    web.apply(&project(json!([]))).await.success().unwrap();
    let ready = "wait project/s16 --for=condition=Ready --timeout=60s";
    web.kubectl(ready).await.success().unwrap();
    let mut going = app("going", "registry.example.com/x");
    going["metadata"]["namespace"] = json!("kubeop-s16");
    going["metadata"]["finalizers"] = json!(["example.com/first", "example.com/second"]);
    going["spec"]["projectRef"] = json!("s16");
    going["spec"]["suspend"] = json!(true);
    web.apply(&going).await.success().unwrap();

    // Narrower than what was admitted: another App like it is refused now.
    web.apply(&project(json!(["ghcr.io/acme"])))
        .await
        .success()
        .unwrap();
    let mut another = going.clone();
    another["metadata"]["name"] = json!("another");
    wait::until("the list is narrower", Duration::from_secs(20), || async {
        web.dry_run(&another).await.failure()
    })
    .await
    .unwrap();

    let name = "apps.platform.kubeop.io/going -n kubeop-s16";
    web.kubectl(&format!("label {name} note=1"))
        .await
        .success()
        .unwrap();
    web.kubectl(&format!("delete {name} --wait=false"))
        .await
        .success()
        .unwrap();
    for finalizers in [r#"["example.com/second"]"#, "null"] {
        let patch = format!("{{\"metadata\":{{\"finalizers\":{finalizers}}}}}");
        web.kubectl(&format!("patch {name} --type=merge -p {patch}"))
            .await
            .success()
            .unwrap();
    }
    web.kubectl(&format!("wait {name} --for=delete --timeout=30s"))
        .await
        .success()
        .unwrap();
}
