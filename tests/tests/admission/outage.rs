//! The webhook is away: what waits, and what goes on.

use crate::support::{NAMESPACE, Web, pod};
use kubeop_tests::Identity;
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
    let nina = Identity::user("nina", &[]);
    let nina = web.cluster().kubectl_as(&nina).unwrap();
    for args in [
        "create clusterrole nina --verb=get,patch --resource=namespaces",
        "create clusterrolebinding nina --clusterrole=nina --user=nina",
    ] {
        web.kubectl(args).await.success().unwrap();
    }
    let labelled = nina
        .run(["label", "namespace", "default", "s17=b"])
        .await
        .unwrap();
    labelled.success().unwrap();
    // What keeps the gate closed does not stop with the webhook.
    let opened = nina.run(["label", "namespace", NAMESPACE, "app.kubeop.io/project-id-"]);
    let refused = opened.await.unwrap().failure().unwrap();
    assert!(refused.contains("[Reserved]"), "{refused}");
    let configuration: Value = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "s17", "namespace": NAMESPACE}});
    web.allowed(&configuration).await;
    let refused = web.refused(&at(NAMESPACE)).await;
    assert!(refused.contains("pods.mutate.kubeop.io"), "{refused}");

    web.kubeop.start_webhook().await.unwrap();
    web.allowed(&pod("s17", "ghcr.io/acme/x")).await;
}
