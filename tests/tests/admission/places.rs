//! Where an image may stand.

use crate::support::{NAMESPACE, Web, app, pod, raw};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

#[tokio::test]
async fn s07_kubectl_debug_is_refused() {
    let web = Web::shared().await;
    web.apply(&pod("p", "ghcr.io/acme/x")).await.success().unwrap();
    let debug = |image: &str| {
        format!(
            "debug p -n {NAMESPACE} --image={image} --profile=baseline --container=c{}",
            image.len()
        )
    };
    let refused = web.kubectl(&debug("evil.example/sh")).await.failure().unwrap();
    assert!(
        refused.contains("[ImageNotAllowed] spec.ephemeralContainers[0].image"),
        "{refused}"
    );

    let ephemeral = json!({"spec": {"ephemeralContainers": [{"name": "d", "image": "evil.example/sh"}]}});
    let pods = Api::<Pod>::namespaced(web.cluster().client().await.unwrap(), NAMESPACE);
    let params = PatchParams::default();
    let patch = Patch::Strategic(&ephemeral);
    let patched = pods.patch_subresource("ephemeralcontainers", "p", &params, &patch);
    let refused = patched.await.unwrap_err().to_string();
    assert!(refused.contains("spec.ephemeralContainers[0].image"), "{refused}");

    let mut whole = web.get("pod/p").await;
    whole["spec"]["ephemeralContainers"] = ephemeral["spec"]["ephemeralContainers"].clone();
    let raw = format!("replace --raw /api/v1/namespaces/{NAMESPACE}/pods/p/ephemeralcontainers -f -");
    let refused = web.send(&raw, &whole).await.failure().unwrap();
    assert!(refused.contains("spec.ephemeralContainers[0].image"), "{refused}");

    web.kubectl(&debug("ghcr.io/acme/tools")).await.success().unwrap();
}

#[tokio::test]
async fn s08_image_volumes_are_pulls_too() {
    let web = Web::shared().await;
    let volumes = json!([
        {"name": "image", "emptyDir": {}},
        {"name": "m", "image": {"reference": "evil.example/model:1"}},
    ]);
    let mut by_pod = pod("x", "ghcr.io/acme/x");
    by_pod["spec"]["volumes"] = volumes.clone();
    let mut by_app = app("x", "ghcr.io/acme/x");
    by_app["spec"]["delivery"]["image"]["volumes"] = volumes;
    let deployment = workload("apps/v1", "Deployment", &by_pod["spec"]);
    let embedded = raw("x", std::slice::from_ref(&deployment));
    for object in [by_pod, by_app, deployment, embedded] {
        let refused = web.refused(&object).await;
        assert!(
            refused.contains("1 fault") && refused.contains("volumes[1].image.reference: "),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn s09_every_workload_and_its_init_containers() {
    let web = Web::shared().await;
    let mut spec = pod("x", "ghcr.io/acme/x")["spec"].clone();
    spec["initContainers"] = json!([
        {"name": "i", "image": "ghcr.io/acme/i"},
        {"name": "j", "image": "evil.example/j", "restartPolicy": "Always"},
    ]);
    for (version, kind, path) in [
        ("apps/v1", "Deployment", "spec.template.spec"),
        ("apps/v1", "StatefulSet", "spec.template.spec"),
        ("apps/v1", "DaemonSet", "spec.template.spec"),
        ("apps/v1", "ReplicaSet", "spec.template.spec"),
        ("v1", "ReplicationController", "spec.template.spec"),
        ("batch/v1", "Job", "spec.template.spec"),
        ("batch/v1", "CronJob", "spec.jobTemplate.spec.template.spec"),
        ("v1", "PodTemplate", "template.spec"),
    ] {
        let object = workload(version, kind, &spec);
        let refused = web.refused(&object).await;
        assert!(
            refused.contains(&format!("] {path}.initContainers[1].image: ")),
            "{kind}: {refused}"
        );
        let refused = web.refused(&raw("x", &[object])).await;
        let path = format!("spec.delivery.raw.manifests[0].{path}.initContainers[1].image: ");
        assert!(refused.contains(&path), "{kind}: {refused}");
    }
}

/// A workload of this kind around a pod spec.
fn workload(version: &str, kind: &str, pod_spec: &Value) -> Value {
    let mut pod_spec = pod_spec.clone();
    if matches!(kind, "Job" | "CronJob") {
        pod_spec["restartPolicy"] = json!("Never");
    }
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": pod_spec});
    let mut object = json!({"apiVersion": version, "kind": kind,
        "metadata": {"name": "x", "namespace": NAMESPACE}});
    match kind {
        "PodTemplate" => object["template"] = template,
        "Job" => object["spec"] = json!({"template": template}),
        "CronJob" => {
            object["spec"] =
                json!({"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}});
        }
        "ReplicationController" => object["spec"] = json!({"selector": {"app": "x"}, "template": template}),
        _ => {
            object["spec"] = json!({"selector": {"matchLabels": {"app": "x"}}, "template": template});
            if kind == "StatefulSet" {
                object["spec"]["serviceName"] = json!("x");
            }
        }
    }
    object
}
