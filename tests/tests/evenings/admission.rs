//! Evenings on which the API server says no to what is delivered, or to the App itself.

use kubeop_tests::wait;

use crate::support::{Evening, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_refused() {
    let evening = Evening::new("refused").await;
    let app = evening.app("quay.io/acme/pay:1", "");
    let cluster = evening.kubeop.cluster();
    let output = cluster
        .kubectl_with_input(["apply", "-f", "-"], &app)
        .await
        .unwrap();
    let refusal = output.failure().unwrap();
    for word in [
        "[ImageNotAllowed]",
        "spec.delivery.image.ref",
        "quay.io/acme/pay:1",
        "ghcr.io/acme",
        "ops@acme",
    ] {
        assert!(refusal.contains(word), "{word}: {refusal}");
    }
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    evening.is_ready().await;
}

const WIDGETS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.evenings.example.com}
spec:
  group: evenings.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_apps_may_not_bring() {
    let evening = Evening::new("no-right").await;
    evening.apply(WIDGETS).await.unwrap();
    evening
        .kubectl("wait crd/widgets.evenings.example.com --for=condition=Established --timeout=30s")
        .await
        .unwrap();
    let app = evening
        .raw(&["{apiVersion: evenings.example.com/v1, kind: Widget, metadata: {name: w}, spec: {size: 1}}"]);
    evening.apply(&app).await.unwrap();
    let words = [
        "Widget w",
        "forbidden",
        "widgets",
        "platform.kubeop.io/aggregate-to-deployer",
    ];
    let message = evening.says(&words).await;
    assert!(
        message.contains("--resource=widgets.evenings.example.com"),
        "the rule is named: {message}"
    );
    evening.follow(&message, &[]).await;
    evening.is_ready().await;
    evening.get("widgets.evenings.example.com/w").await.unwrap();
}

/// A Role that grants what the deployer does not have.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_too_wide() {
    let evening = Evening::new("too-wide").await;
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, \
                rules: [{apiGroups: [''], resources: [pods/exec], verbs: [create]}]}";
    evening.apply(&evening.raw(&[role])).await.unwrap();
    let words = [
        "Role r",
        "not currently held",
        "pods/exec",
        "platform.kubeop.io/aggregate-to-deployer",
    ];
    let message = evening.says(&words).await;
    evening.follow(&message, &[]).await;
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_another_manager_holds() {
    let evening = Evening::new("held").await;
    let theirs = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: settings, namespace: {}}}, data: {{mode: slow}}}}",
        evening.ns
    );
    let cluster = evening.kubeop.cluster();
    let args = ["apply", "--server-side", "--field-manager=team-b", "-f", "-"];
    cluster
        .kubectl_with_input(args, &theirs)
        .await
        .unwrap()
        .success()
        .unwrap();
    let ours = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {mode: fast}}";
    evening.apply(&evening.raw(&[ours])).await.unwrap();
    let message = evening
        .says(&["ConfigMap settings", "team-b", ".data.mode"])
        .await;
    evening.follow(&message, &[]).await;
    evening.is_ready().await;
    assert_eq!(
        evening.get("configmap settings").await.unwrap()["data"]["mode"],
        "fast"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_invalid() {
    let evening = Evening::new("invalid").await;
    let service = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 99999}]}}";
    evening.apply(&evening.raw(&[service])).await.unwrap();
    evening.says(&["Service s", "spec.ports[0].port", "99999"]).await;
    let service = service.replace("99999", "80");
    evening.apply(&evening.raw(&[&service])).await.unwrap();
    evening.is_ready().await;
    wait::until("the Service", SOON, || evening.get("service s"))
        .await
        .unwrap();
}
