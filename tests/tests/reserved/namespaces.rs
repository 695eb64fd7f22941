//! A Namespace is a project's by its labels, and these change by no door.

use kubeop_tests::{Output, wait};
use serde_json::{Value, json};

use crate::support::{NAMESPACE, SOON, Web, reserved};

/// The three requests that write a Namespace's metadata.
#[derive(Debug, Clone, Copy)]
enum Door {
    Main,
    Status,
    Finalize,
}

const DOORS: [Door; 3] = [Door::Main, Door::Status, Door::Finalize];

impl Door {
    /// A change of metadata by this door, as a person who has the right to use it. Nothing is kept of it.
    async fn change(self, web: &Web, namespace: &str, metadata: &Value) -> Output {
        match self {
            Self::Main => {
                let what = format!("namespace {namespace} --dry-run=server");
                web.patch(&what, &json!({"metadata": metadata})).await
            }
            Self::Status => {
                let what = format!("namespace {namespace} --subresource=status --dry-run=server");
                web.patch(&what, &json!({"metadata": metadata})).await
            }
            Self::Finalize => {
                let mut whole = web.get(&format!("namespace {namespace}")).await.unwrap();
                merge(&mut whole["metadata"], metadata);
                let raw = format!("replace --raw /api/v1/namespaces/{namespace}/finalize?dryRun=All -f -");
                web.write(&raw, &whole).await
            }
        }
    }
}

/// RFC 7396, for objects of objects of texts.
fn merge(into: &mut Value, from: &Value) {
    match from {
        Value::Object(fields) => {
            for (name, field) in fields {
                if field.is_null() {
                    into.as_object_mut().unwrap().remove(name);
                } else {
                    merge(&mut into[name.as_str()], field);
                }
            }
        }
        other => *into = other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_what_makes_a_namespace_a_projects_changes_by_no_door() {
    let web = Web::shared().await;
    let changes = [
        ("labels", "app.kubeop.io/project-id", json!(null)),
        ("labels", "app.kubeop.io/project-id", json!("evil")),
        ("labels", "app.kubeop.io/tenant-id", json!("evil")),
        ("labels", "app.kubeop.io/cluster-id", json!(null)),
        (
            "labels",
            "pod-security.kubernetes.io/enforce",
            json!("privileged"),
        ),
        ("labels", "pod-security.kubernetes.io/enforce", json!(null)),
        // An old version of the level lets more pass.
        (
            "labels",
            "pod-security.kubernetes.io/enforce-version",
            json!("v1.0"),
        ),
        ("annotations", "platform.kubeop.io/created-for", json!(null)),
        ("annotations", "platform.kubeop.io/created-for", json!("evil")),
    ];
    for door in DOORS {
        for (field, name, value) in &changes {
            let metadata = json!({*field: {*name: value}});
            let output = door.change(web, NAMESPACE, &metadata).await;
            println!("{door:?}: {metadata}");
            reserved(output, &format!("metadata.{field}[{name}]"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_nobody_makes_another_namespace_a_projects() {
    let web = Web::shared().await;
    for door in DOORS {
        for name in ["project-id", "tenant-id", "cluster-id"] {
            let label = format!("app.kubeop.io/{name}");
            let output = door
                .change(web, "default", &json!({"labels": {&label: "web"}}))
                .await;
            reserved(output, &format!("metadata.labels[{label}]"));
        }
    }
    let namespace = |labels: Value| {
        json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "made", "labels": labels}})
    };
    let create = "create --dry-run=server -f -";
    let ours = namespace(json!({"app.kubeop.io/project-id": "web"}));
    reserved(
        web.write(create, &ours).await,
        "metadata.labels[app.kubeop.io/project-id]",
    );
    let plain = namespace(json!({"pod-security.kubernetes.io/enforce": "privileged", "team": "a"}));
    web.write(create, &plain).await.success().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_all_else_of_a_namespace_is_free_by_every_door() {
    let web = Web::shared().await;
    for door in DOORS {
        for namespace in [NAMESPACE, "default"] {
            let metadata = json!({"labels": {"team": "a"}, "annotations": {"note": "b"}});
            let output = door.change(web, namespace, &metadata).await;
            output.success().unwrap();
        }
    }
    let condition = json!({"type": "Probed", "status": "True", "reason": "R", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"status": {"conditions": [condition]}});
    let patched = web
        .patch(&format!("namespace {NAMESPACE} --subresource=status"), &status)
        .await;
    patched.success().unwrap();
}

/// To be adopted is for those to say who may write the Namespace, and not for those who may write its status.
#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_agrees_to_be_adopted_by_its_front_door_only() {
    let web = Web::shared().await;
    let agrees = json!({"annotations": {"platform.kubeop.io/adopt": "web"}});
    let at_main = Door::Main.change(web, "default", &agrees).await;
    at_main.success().unwrap();
    for door in [Door::Status, Door::Finalize] {
        let output = door.change(web, "default", &agrees).await;
        reserved(output, "metadata.annotations[platform.kubeop.io/adopt]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_a_projects_namespace_is_finalized_and_goes() {
    let web = Web::shared().await;
    web.project("short").await.unwrap();
    let uid = "get namespace kubeop-short --ignore-not-found -o jsonpath={.metadata.uid}";
    let before = web.kubectl(uid).await.unwrap();
    web.kubectl("delete namespace kubeop-short --wait=false")
        .await
        .unwrap();
    // Its Project makes it again.
    wait::until("that namespace is gone", SOON, || async {
        let now = web.kubectl(uid).await?;
        anyhow::ensure!(now != before, "still there");
        Ok(())
    })
    .await
    .unwrap();
}
