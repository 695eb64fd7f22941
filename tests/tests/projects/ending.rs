//! The end of Tenants and Projects: what waits for what, what is released, and what stays.

use crate::support::{SOON, Stage, alone, app, cluster, owner, project, said};
use anyhow::ensure;
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;

const LABELS: [&str; 4] = [
    "app.kubeop.io/cluster-id",
    "app.kubeop.io/tenant-id",
    "app.kubeop.io/project-id",
    "pod-security.kubernetes.io/enforce",
];

/// All that a Project keeps in its namespace.
const PARTS: [&str; 6] = [
    "serviceaccount/kubeop-deployer",
    "rolebinding/kubeop-deployer",
    "rolebinding/kubeop-impersonate-deployer",
    "rolebinding/kubeop",
    "resourcequota/kubeop",
    "limitrange/kubeop",
];

fn all_parts() -> Value {
    json!({"members": [{"kind": "User", "name": "ann"}], "quota": {"hard": {"pods": 50}},
        "limitRange": {"limits": [{"type": "Container", "default": {"memory": "64Mi"}}]}})
}

/// A namespace that stays keeps nothing of ours.
async fn is_released(stage: &Stage<'_>, namespace: &str) {
    let live = stage.get(&format!("namespace/{namespace}")).await.unwrap();
    assert!(live["metadata"]["deletionTimestamp"].is_null(), "{live}");
    for label in LABELS {
        assert!(live["metadata"]["labels"][label].is_null(), "{label} of {live}");
    }
    assert!(
        live["metadata"]["annotations"]["platform.kubeop.io/created-for"].is_null(),
        "{live}"
    );
    for part in PARTS {
        let left = stage.get(&format!("{part} -n {namespace}")).await.unwrap();
        assert!(left.is_null(), "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s51_what_is_deleted_waits_for_what_it_holds_and_takes_nothing_new() {
    let stage = Stage::shared().await;
    stage.project("waits", all_parts()).await;
    stage.applied(&app("waits", "pay", "ghcr.io/acme/pay:1")).await;
    let pay = "apps.platform.kubeop.io/pay -n kubeop-waits";
    stage.ready(pay).await;

    stage.done("delete tenant waits --wait=false").await;
    let waits = ["Ready", "False", "StillInUse"];
    stage
        .says("tenant/waits", waits, "waits for its 1 Project: waits.")
        .await;
    let refused = stage
        .apply(&owner("Project", "late", json!({"tenantRef": "waits"})))
        .await;
    let refused = refused.failure().unwrap();
    assert!(
        refused.contains("[TenantDeleting] spec.tenantRef: \"waits\""),
        "{refused}"
    );
    stage.ready("project/waits").await;

    stage.done("delete project waits --wait=false").await;
    stage
        .says("project/waits", waits, "waits for its 1 App: pay.")
        .await;
    wait::until("a new App is refused", SOON, || async {
        let refused = stage
            .apply(&app("waits", "late", "ghcr.io/acme/pay:1"))
            .await
            .failure()?;
        ensure!(
            refused.contains("[ProjectDeleting] spec.projectRef: \"waits\""),
            "{refused}"
        );
        anyhow::Ok(())
    })
    .await
    .unwrap();
    // What is there stays writable, and what it needs is kept.
    stage.done(&format!("annotate {pay} note=1")).await;
    stage
        .done("delete rolebinding kubeop-deployer -n kubeop-waits")
        .await;
    stage
        .until("rolebinding/kubeop-deployer -n kubeop-waits", |found| {
            !found.is_null()
        })
        .await;

    stage.done(&format!("delete {pay} --wait=false")).await;
    for what in [pay, "project/waits", "tenant/waits"] {
        stage.gone(what).await;
    }
    is_released(&stage, "kubeop-waits").await;
    let left = stage
        .get("deployments,services,configmaps,secrets -n kubeop-waits")
        .await
        .unwrap();
    let left: Vec<_> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["metadata"]["name"])
        .collect();
    assert_eq!(left, ["kube-root-ca.crt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s51_one_sweep_with_the_tenant_first() {
    let stage = Stage::shared().await;
    stage.project("sweep", json!({"deletionPolicy": "Delete"})).await;
    let names = ["a", "b", "c"];
    for name in names {
        stage.applied(&app("sweep", name, "ghcr.io/acme/pay:1")).await;
    }
    stage.ready("apps.platform.kubeop.io/c -n kubeop-sweep").await;
    stage.done("delete tenant/sweep project/sweep --wait=false").await;
    stage
        .done("delete apps.platform.kubeop.io --all -n kubeop-sweep --wait=false")
        .await;
    for what in ["project/sweep", "tenant/sweep", "namespace/kubeop-sweep"] {
        stage.gone(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s51_what_is_protected_is_not_deleted() {
    let stage = Stage::shared().await;
    stage
        .project("precious", json!({"deletionPolicy": "Delete"}))
        .await;
    stage.applied(&app("precious", "pay", "ghcr.io/acme/pay:1")).await;
    stage
        .ready("apps.platform.kubeop.io/pay -n kubeop-precious")
        .await;
    for what in ["project", "tenant"] {
        stage
            .done(&format!(
                "annotate {what} precious platform.kubeop.io/protect=true"
            ))
            .await;
    }
    let name = |object: &Value| object["metadata"]["uid"].clone();
    let before = name(&stage.get("project/precious").await.unwrap());
    let mut command = String::new();
    for args in [
        "delete tenant precious",
        "delete tenant precious --dry-run=server",
        "delete --raw /apis/platform.kubeop.io/v1alpha1/projects?fieldSelector=metadata.name%3Dprecious",
        "delete project precious --dry-run=server",
        "delete project precious",
    ] {
        let refused = stage.refused(args).await;
        assert!(
            refused.contains("Forbidden") || args.contains("--raw"),
            "{refused}"
        );
        assert!(
            refused.contains(
                " precious refused: 1 fault\n[Protected] metadata.annotations[platform.kubeop.io/protect]"
            ),
            "{args}: {refused}"
        );
        refused.lines().last().unwrap().clone_into(&mut command);
    }
    stage.done("delete app pay -n kubeop-precious").await;
    let project = stage.get("project/precious").await.unwrap();
    assert_eq!(name(&project), before);
    assert!(project["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(said(&project, "Ready")["status"], "True");
    for part in &PARTS[..3] {
        let part = stage.get(&format!("{part} -n kubeop-precious")).await.unwrap();
        assert!(
            part["metadata"]["deletionTimestamp"].is_null() && !part.is_null(),
            "{part}"
        );
    }

    stage.paste(&command).await;
    stage.done("delete project precious --timeout=30s").await;
    stage.gone("namespace/kubeop-precious").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_was_adopted_stays_with_what_is_not_ours() {
    let stage = Stage::shared().await;
    stage.namespace_for("was-there", "adopts").await;
    stage
        .done("label namespace was-there pod-security.kubernetes.io/enforce=baseline mine=yes")
        .await;
    stage
        .done("create rolebinding mine --clusterrole=view --user=ann -n was-there")
        .await;
    stage.done("create quota mine --hard=pods=90 -n was-there").await;
    let mut spec = all_parts();
    spec["namespace"] = json!("was-there");
    spec["adopt"] = json!(true);
    spec["deletionPolicy"] = json!("Delete");
    stage.project("adopts", spec).await;

    stage.done("delete project adopts --timeout=30s").await;
    let live = stage.get("namespace/was-there").await.unwrap();
    assert!(live["metadata"]["deletionTimestamp"].is_null(), "{live}");
    let labels = &live["metadata"]["labels"];
    assert_eq!(
        labels["pod-security.kubernetes.io/enforce"], "baseline",
        "it was there before"
    );
    assert_eq!(labels["mine"], "yes");
    assert!(labels["app.kubeop.io/project-id"].is_null(), "{labels}");
    for part in PARTS {
        assert!(
            stage
                .get(&format!("{part} -n was-there"))
                .await
                .unwrap()
                .is_null(),
            "{part}"
        );
    }
    for mine in ["rolebinding/mine", "resourcequota/mine"] {
        assert!(
            !stage
                .get(&format!("{mine} -n was-there"))
                .await
                .unwrap()
                .is_null(),
            "{mine}"
        );
    }
    // Nobody refuses a foreign image there any more.
    wait::until("the gate is open", SOON, || async {
        stage
            .kubectl("run x --image=evil.example/x -n was-there --dry-run=server")
            .await
            .success()
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s57_a_project_that_never_had_its_namespace_takes_nothing_of_it_along() {
    let stage = Stage::shared().await;
    stage.project("holds", all_parts()).await;
    stage.tenant("steals").await;
    let spec = json!({"namespace": "kubeop-holds", "deletionPolicy": "Delete"});
    stage.applied(&project("steals", spec)).await;
    let refused = ["Ready", "False", "NamespaceRefused"];
    stage
        .says("project/steals", refused, "belongs to project holds")
        .await;
    let before = stage.get("namespace/kubeop-holds").await.unwrap()["metadata"]["resourceVersion"].clone();
    stage.done("delete project steals --timeout=30s").await;
    let live = stage.get("namespace/kubeop-holds").await.unwrap();
    assert_eq!(live["metadata"]["resourceVersion"], before);
    for part in PARTS {
        assert!(
            !stage
                .get(&format!("{part} -n kubeop-holds"))
                .await
                .unwrap()
                .is_null(),
            "{part}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_ends_whenever_the_controller_was_killed() {
    let cluster = cluster().await;
    let kubeop = alone(&cluster).await;
    let stage = Stage::on(&kubeop);
    let projects: Vec<String> = (0..6).map(|n| format!("crash-{n}")).collect();
    for name in &projects {
        stage.project(name, all_parts()).await;
    }
    for (name, millis) in projects.iter().zip((0..).step_by(8)) {
        stage.done(&format!("delete project {name} --wait=false")).await;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        kubeop.kill_controller().await.unwrap();
        kubeop.start_controller().await.unwrap();
        stage.gone(&format!("project/{name}")).await;
        is_released(&stage, &format!("kubeop-{name}")).await;
    }
    // Every step that may have been the last one before a crash.
    stage.project("half", all_parts()).await;
    kubeop.stop_controller().await.unwrap();
    stage.done("delete project half --wait=false").await;
    for part in &PARTS[..4] {
        stage.done(&format!("delete {part} -n kubeop-half")).await;
    }
    stage
        .done("label namespace kubeop-half app.kubeop.io/project-id- app.kubeop.io/tenant-id-")
        .await;
    kubeop.start_controller().await.unwrap();
    stage.gone("project/half").await;
    is_released(&stage, "kubeop-half").await;
}
