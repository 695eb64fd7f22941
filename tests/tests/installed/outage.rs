//! kubeOP is away, or the API server was.

use anyhow::ensure;
use kubeop_tests::{Identity, wait};

use crate::ground::{Ground, SOON, WEB};

pub async fn s17_s60_an_outage_stays_in_project_namespaces(ground: &Ground) {
    ground
        .kubectl("-n kubeop-system scale deploy/kubeop-webhook --replicas=0")
        .await
        .unwrap();
    ground
        .kubectl(
            "-n kubeop-system wait pod -l app.kubernetes.io/name=kubeop-webhook --for=delete --timeout=90s",
        )
        .await
        .unwrap();
    // Everywhere else nothing is missed.
    for namespace in ["kube-system", "default"] {
        ground
            .kubectl(&format!(
                "-n {namespace} run outage --image=ghcr.io/acme/payments:2.3.1"
            ))
            .await
            .unwrap();
        ground
            .kubectl(&format!("-n {namespace} delete pod outage --now"))
            .await
            .unwrap();
    }
    ground
        .apply(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: labeller}\n\
             rules: [{apiGroups: [''], resources: [namespaces], verbs: [get, patch]}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: labeller}\n\
             roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: labeller}\n\
             subjects: [{kind: User, name: lena, apiGroup: rbac.authorization.k8s.io}]\n",
        )
        .await
        .unwrap();
    let lena = ground.cluster.kubectl_as(&Identity::user("lena", &[])).unwrap();
    let labelled = lena.run(["label", "ns", "default", "a=b", "--overwrite"]).await;
    labelled.unwrap().success().unwrap();
    // In a project namespace everything but new Pods and kubeOP's own kinds goes on.
    ground
        .kubectl(&format!("-n {WEB} scale deploy/payments --replicas=2"))
        .await
        .unwrap();
    ground
        .kubectl(&format!("-n {WEB} create configmap outage --from-literal=a=b"))
        .await
        .unwrap();
    ground
        .kubectl(&format!("-n {WEB} create service clusterip outage --tcp=80"))
        .await
        .unwrap();
    let waits = ground
        .kubectl(&format!(
            "-n {WEB} run outage --image=ghcr.io/acme/payments:2.3.1"
        ))
        .await
        .unwrap_err()
        .to_string();
    assert!(waits.contains("pods.mutate.kubeop.io"), "{waits}");
    // A node that is drained, or a Pod that is deleted: its ReplicaSet cannot make another one yet.
    ground
        .kubectl(&format!(
            "-n {WEB} delete pod -l app.kubeop.io/app-id=payments --now --wait=false"
        ))
        .await
        .unwrap();
    ground
        .kubectl("-n kubeop-system scale deploy/kubeop-webhook --replicas=2")
        .await
        .unwrap();
    ground.rolled_out("kubeop-webhook").await;
    ground.app_is_ready("payments").await;
    for what in ["configmap/outage", "service/outage"] {
        ground.kubectl(&format!("-n {WEB} delete {what}")).await.unwrap();
    }
}

pub async fn a_restarted_api_server_is_found_again(ground: &Ground) {
    ground.cluster.restart("kube-apiserver").await.unwrap();
    wait::until("the API server answers", SOON, || {
        ground.kubectl("get --raw /readyz")
    })
    .await
    .unwrap();
    ground
        .kubectl(&format!(
            "-n {WEB} annotate app/payments platform.kubeop.io/change-cause=restarted --overwrite"
        ))
        .await
        .unwrap();
    // Delivered as before: a hand edit is put back.
    ground
        .kubectl(&format!(
            "-n {WEB} set image deploy/payments *=ghcr.io/acme/other:1"
        ))
        .await
        .unwrap();
    wait::until("the edit is put back", SOON, || async {
        let image = ground
            .kubectl(&format!(
                "-n {WEB} get deploy/payments -o jsonpath={{.spec.template.spec.containers[*].image}}"
            ))
            .await?;
        ensure!(image == "ghcr.io/acme/payments:2.3.1", "{image}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    ground.app_is_ready("payments").await;
}
