//! Apps that bring their own manifests.

use crate::support::{Stage, condition};

pub fn raw(ns: &str, manifests: &str) -> String {
    let project = ns.trim_start_matches("kubeop-");
    format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {ns}}}\n\
         spec:\n  projectRef: {project}\n  delivery:\n    kind: Raw\n    raw:\n      manifests:\n{manifests}"
    )
}

/// S63: a Role and its binding, in one go.
#[tokio::test(flavor = "multi_thread")]
async fn s63_manifests_are_delivered_in_stages() {
    let stage = Stage::shared().await;
    stage.project("raw").await.unwrap();
    let ns = "kubeop-raw";
    let manifests = "      - |
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: r}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
        subjects: [{kind: ServiceAccount, name: default}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: r}
        rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}
      - {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}
";
    stage.apply(&raw(ns, manifests)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    for what in ["roles/r", "rolebindings/r", "configmaps/c", "secrets/s"] {
        let object = stage.get(ns, what).await.unwrap();
        assert_eq!(
            object["metadata"]["labels"]["app.kubeop.io/app-id"], "pay",
            "{what}"
        );
    }
    assert_eq!(stage.get(ns, "secrets/s").await.unwrap()["data"]["a"], "Yg==");
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --timeout=30s"
        ))
        .await
        .unwrap();
    for what in ["roles/r", "configmaps/c", "secrets/s"] {
        assert!(stage.get(ns, what).await.unwrap().is_null(), "{what}");
    }
}

/// RBAC confines what an App can bring.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_grants_more_than_the_deployer_has_is_refused() {
    let stage = Stage::shared().await;
    stage.project("wide").await.unwrap();
    let ns = "kubeop-wide";
    let manifests = "      - {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, \
                     rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]}\n";
    stage.apply(&raw(ns, manifests)).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "Forbidden").await.unwrap();
    let message = condition(&app, "Ready")["message"].to_string();
    assert!(message.contains("Role r"), "{message}");
}

/// S31, the first half: a clear condition, and nothing of the stage is applied before.
#[tokio::test(flavor = "multi_thread")]
async fn s31_a_kind_that_does_not_exist_is_named() {
    let stage = Stage::shared().await;
    stage.project("unknown").await.unwrap();
    let ns = "kubeop-unknown";
    let manifests = "      - {apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}\n";
    stage.apply(&raw(ns, manifests)).await.unwrap();
    let app = stage.app_is(ns, "pay", "False", "UnknownKind").await.unwrap();
    let message = condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("Widget") && message.contains("example.com/v1"),
        "{message}"
    );
}

/// S28: whoever has an object keeps it; the other App says whose it is, and its end takes nothing away.
#[tokio::test(flavor = "multi_thread")]
async fn s28_two_apps_do_not_take_an_object_from_each_other() {
    let stage = Stage::shared().await;
    stage.project("shared").await.unwrap();
    let ns = "kubeop-shared";
    let app = |name: &str, kind: &str, value: &str| {
        let manifest = format!(
            "      - {{apiVersion: v1, kind: {kind}, metadata: {{name: c}}, data: {{a: {value}}}}}\n"
        );
        raw(ns, &manifest).replace("name: pay", &format!("name: {name}"))
    };
    for kind in ["ConfigMap", "Secret"] {
        stage.apply(&app("a", kind, "Yg==")).await.unwrap();
        stage.app_is(ns, "a", "True", "Succeeded").await.unwrap();
        stage.apply(&app("b", kind, "Yw==")).await.unwrap();
        let other = stage.app_is(ns, "b", "False", "Conflict").await.unwrap();
        let message = condition(&other, "Ready")["message"].to_string();
        assert!(message.contains("belongs to app a"), "{message}");
        stage
            .kubectl(&format!("delete apps.platform.kubeop.io/b -n {ns} --timeout=30s"))
            .await
            .unwrap();
        let object = stage.get(ns, &format!("{kind}/c")).await.unwrap();
        assert_eq!(object["data"]["a"], "Yg==", "{kind}");
    }
}
