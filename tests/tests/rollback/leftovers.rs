//! Nothing of what is rolled back from is left over.

use kubeop_tests::fake;
use serde_json::{Value, json};

use crate::support::Evening;
use crate::told::{LIVE, image, is, is_within, message, revision, roll_back};

/// An App of kind Raw with these manifests, and a post hook that ends with this code.
fn raw(evening: &Evening<'_>, manifests: Value, exit_code: u8) -> String {
    let hook = json!({"name": "check", "image": "ghcr.io/acme/check:1", "env": [{"name": fake::EXIT_CODE,
        "value": exit_code.to_string()}]});
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "metadata": {"name": "pay", "namespace": evening.ns},
        "spec": {"projectRef": evening.ns.trim_start_matches("kubeop-"), "delivery": {"kind": "Raw", "raw":
        {"manifests": manifests}}, "hooks": {"post": [hook]}}})
    .to_string()
}

fn config(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}})
}

fn workload(containers: &Value) -> Value {
    let labels = json!({"web": "main"});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "pay"}, "spec": {"replicas": 1,
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}}})
}

fn container(name: &str, env: &[&str]) -> Value {
    let env: Vec<Value> = env
        .iter()
        .map(|name| json!({"name": name, "value": "x"}))
        .collect();
    json!({"name": name, "image": format!("ghcr.io/acme/{name}:1"), "env": env})
}

async fn exists(evening: &Evening<'_>, what: &str) -> bool {
    let args = format!("get {what} -n {} -o name --ignore-not-found", evening.ns);
    !evening.kubectl(&args).await.unwrap().trim().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn s40_what_a_failed_revision_added_is_gone() {
    let evening = Evening::new("failed").await;
    let first = raw(
        &evening,
        json!([config("c", "1"), workload(&json!([container("main", &["A"])]))]),
        0,
    );
    evening.apply(&first).await.unwrap();
    let hash = revision(&is(&evening, "True", "Succeeded").await);
    let second = json!([
        config("c", "2"),
        config("new", "1"),
        workload(&json!([container("main", &["A", "B"]), container("extra", &[])]))
    ]);
    evening.apply(&raw(&evening, second, 3)).await.unwrap();
    is(&evening, "False", "HookFailed").await;
    assert!(exists(&evening, "configmap/new").await);

    roll_back(&evening, "previous").await.unwrap();
    let app = is(&evening, "True", "Pinned").await;
    assert_eq!(revision(&app), hash);
    assert!(!exists(&evening, "configmap/new").await);
    let live = evening.get("deployments.apps/pay").await.unwrap();
    let containers = live["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0]["env"], json!([{"name": "A", "value": "x"}]));
    assert_eq!(
        evening.get("configmap/c").await.unwrap()["data"],
        json!({"value": "1"})
    );

    // The first without what it had: nothing of the failed one comes back.
    let third = raw(
        &evening,
        json!([config("c", "1"), workload(&json!([container("main", &[])]))]),
        0,
    );
    evening.apply(&third).await.unwrap();
    is(&evening, "True", "Succeeded").await;
    let live = evening.get("deployments.apps/pay").await.unwrap();
    assert!(
        live["spec"]["template"]["spec"]["containers"][0]["env"].is_null(),
        "{live}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_was_half_applied_is_rolled_back_from() {
    let evening = Evening::new("half").await;
    let first = raw(
        &evening,
        json!([config("c", "1"), workload(&json!([container("main", &[])]))]),
        0,
    );
    evening.apply(&first).await.unwrap();
    let hash = revision(&is(&evening, "True", "Succeeded").await);
    // Its configuration is applied; its workload the API server refuses.
    let mut bad = workload(&json!([container("main", &[])]));
    bad["spec"]["selector"]["matchLabels"]["web"] = json!("other");
    evening
        .apply(&raw(
            &evening,
            json!([config("c", "2"), config("new", "1"), bad]),
            0,
        ))
        .await
        .unwrap();
    is(&evening, "False", "ApplyFailed").await;
    assert_eq!(
        evening.get("configmap/c").await.unwrap()["data"],
        json!({"value": "2"})
    );
    roll_back(&evening, "previous").await.unwrap();
    let app = is_within(&evening, LIVE, "True", "Pinned").await;
    assert_eq!(revision(&app), hash);
    assert_eq!(
        evening.get("configmap/c").await.unwrap()["data"],
        json!({"value": "1"})
    );
    assert!(!exists(&evening, "configmap/new").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn s41_a_type_of_service_goes_there_and_back() {
    let evening = Evening::new("service").await;
    let service = |kind: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pay"}, "spec": {"type": kind, "selector":
            {"web": "main"}, "ports": [{"port": 80}]}})
    };
    evening
        .apply(&raw(&evening, json!([service("ClusterIP")]), 0))
        .await
        .unwrap();
    is(&evening, "True", "Succeeded").await;
    // Nobody gives it an address here, so it never gets ready.
    evening
        .apply(&raw(&evening, json!([service("LoadBalancer")]), 0))
        .await
        .unwrap();
    let node_port = "get service/pay -o jsonpath={.spec.type}/{.spec.ports[0].nodePort}";
    evening
        .seen("the other type, with its port", node_port, "LoadBalancer/3")
        .await;
    roll_back(&evening, "previous").await.unwrap();
    is_within(&evening, LIVE, "True", "Pinned").await;
    let live = evening.get("service/pay").await.unwrap();
    assert_eq!(live["spec"]["type"], "ClusterIP");
    assert!(live["spec"]["ports"][0]["nodePort"].is_null(), "{live}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s41_what_somebody_made_meanwhile_is_a_conflict_with_a_way_out() {
    let evening = Evening::new("made").await;
    let first = json!([config("c", "1"), config("d", "1")]);
    evening.apply(&raw(&evening, first, 0)).await.unwrap();
    is(&evening, "True", "Succeeded").await;
    evening
        .apply(&raw(&evening, json!([config("d", "2")]), 0))
        .await
        .unwrap();
    is(&evening, "True", "Succeeded").await;
    assert!(!exists(&evening, "configmap/c").await);
    let create = format!("create configmap c -n {} --from-literal=value=mine", evening.ns);
    evening.kubectl(&create).await.unwrap();

    roll_back(&evening, "previous").await.unwrap();
    let app = is(&evening, "False", "Conflict").await;
    let said = message(&app);
    assert!(said.contains("kubectl-create"), "{said}");
    assert_eq!(
        evening.get("configmap/d").await.unwrap()["data"],
        json!({"value": "2"}),
        "a stage goes whole"
    );
    evening.follow(&said, &[]).await;
    is(&evening, "True", "Pinned").await;
    for name in ["c", "d"] {
        let live = evening.get(&format!("configmap/{name}")).await.unwrap();
        assert_eq!(live["data"], json!({"value": "1"}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_from_one_kind_of_delivery_to_another() {
    let evening = Evening::new("kinds").await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    let hash = revision(&is(&evening, "True", "Succeeded").await);
    let text = raw(&evening, json!([config("c", "1")]), 0);
    let replace = evening
        .kubeop
        .cluster()
        .kubectl_with_input(["replace", "-f", "-"], &text);
    replace.await.unwrap().success().unwrap();
    is(&evening, "True", "Succeeded").await;
    assert!(!exists(&evening, "deployments.apps/pay").await);
    roll_back(&evening, "previous").await.unwrap();
    assert_eq!(revision(&is(&evening, "True", "Pinned").await), hash);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    assert!(!exists(&evening, "configmap/c").await);
}
