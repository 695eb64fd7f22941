//! The webhook is away: what waits, and what goes on.

use crate::support::{NAMESPACE, Web, pod};
use serde_json::{Value, json};

#[tokio::test]
async fn s17_an_outage_stays_in_project_namespaces() {
    let (web, _alone) = Web::alone().await;
    web.kubeop.stop_webhook().await.unwrap();
    let at = |namespace: &str| {
        let mut pod = pod("s17", "evil.example/x");
        pod["metadata"]["namespace"] = json!(namespace);
        // kubeOP's own namespace is a restricted one.
        pod["spec"]["securityContext"] =
            json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
        pod["spec"]["containers"][0]["securityContext"] =
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        pod
    };
    for namespace in ["kube-system", "kubeop-system", "default"] {
        web.allowed(&at(namespace)).await;
    }
    web.kubectl("label namespace default s17=b")
        .await
        .success()
        .unwrap();
    let configuration: Value = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "s17", "namespace": NAMESPACE}});
    web.allowed(&configuration).await;
    let refused = web.refused(&at(NAMESPACE)).await;
    assert!(refused.contains("pods.mutate.kubeop.io"), "{refused}");

    web.kubeop.start_webhook().await.unwrap();
    web.allowed(&pod("s17", "ghcr.io/acme/x")).await;
}
