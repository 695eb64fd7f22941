//! What an App may be, and what its manifests may be.

use crate::support::{NAMESPACE, Web, app, pod, raw};
use serde_json::{Value, json};

fn configuration(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

#[tokio::test]
async fn an_app_with_three_faults_is_refused_in_one_answer() {
    let web = Web::shared().await;
    let mut faulty = app("shop", "evil.example/shop:1");
    faulty["metadata"]["namespace"] = json!("default");
    faulty["spec"]["hooks"] = json!({"pre": [{"name": "m", "image": "evil.example/m:1"}]});
    let refused = web.refused(&faulty).await;
    for part in [
        "app shop refused: 3 faults",
        "[WrongNamespace] metadata.namespace: \"default\" is not the namespace of project web (kubeop-web). \
         kubectl apply -n kubeop-web -f ...",
        "[ImageNotAllowed] spec.delivery.image.ref: \"evil.example/shop:1\"",
        "[ImageNotAllowed] spec.hooks.pre[0].image: \"evil.example/m:1\"",
        "ask platform@acme.example.",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
}

#[tokio::test]
async fn what_an_app_names_must_exist() {
    let web = Web::shared().await;
    let mut lost = app("lost", "ghcr.io/acme/x");
    lost["spec"]["projectRef"] = json!("nowhere");
    let refused = web.refused(&lost).await;
    assert!(
        refused.contains("[ProjectNotFound] spec.projectRef: \"nowhere\""),
        "{refused}"
    );
    let project = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
        "metadata": {"name": "lost"}, "spec": {"tenantRef": "nobody"}});
    let refused = web.refused(&project).await;
    assert!(
        refused.contains("[TenantNotFound] spec.tenantRef: \"nobody\""),
        "{refused}"
    );
}

#[tokio::test]
async fn s19_a_dry_run_answers_as_the_real_request_and_writes_nothing() {
    let web = Web::shared().await;
    let fine = app("s19", "ghcr.io/acme/x");
    let said = web.allowed(&fine).await;
    assert!(said.contains("created (server dry run)"), "{said}");
    let refused = web.refused(&app("s19", "evil.example/x")).await;
    assert!(refused.contains("[ImageNotAllowed]"), "{refused}");
    // `kubectl diff` ends with 1 where there are differences, with more where it failed.
    let diff = web.send("diff -f -", &fine).await;
    assert_eq!(diff.status, 1, "{diff:?}");
    for kind in [
        "tenants",
        "projects",
        "apps",
        "dnsrecords",
        "certificates",
        "pods",
        "deployments",
    ] {
        let delete = format!("delete {kind} nothing -n {NAMESPACE} --dry-run=server --ignore-not-found");
        web.kubectl(&delete).await.success().unwrap();
    }
    let delete = web
        .kubectl("delete project web --dry-run=server")
        .await
        .success()
        .unwrap();
    assert!(delete.contains("server dry run"), "{delete}");
    let list = web
        .kubectl(&format!("get apps,configmaps,events -n {NAMESPACE} -o name"))
        .await;
    let list = list.success().unwrap();
    assert!(!list.contains("s19"), "{list}");
}

#[tokio::test]
async fn s21_another_namespace_and_cluster_scope_are_refused() {
    let web = Web::shared().await;
    let at = |kind: &str, namespace: Option<&str>| {
        let version = if kind.contains("Role") {
            "rbac.authorization.k8s.io/v1"
        } else {
            "v1"
        };
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
        if let Some(namespace) = namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        object
    };
    let mut binding = at("RoleBinding", Some(NAMESPACE));
    binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"});
    binding["subjects"] = json!([{"kind": "ServiceAccount", "name": "a", "namespace": "elsewhere"}]);
    let refused = web
        .refused(&raw(
            "s21",
            &[
                at("ConfigMap", Some("kube-system")),
                at("Namespace", None),
                at("ClusterRole", None),
                at("ClusterRole", Some(NAMESPACE)),
                binding,
            ],
        ))
        .await;
    assert!(refused.contains("app s21 refused: 4 faults"), "{refused}");
    for path in ["[0].metadata.namespace", "[1].kind", "[2].kind", "[3].kind"] {
        assert!(
            refused.contains(&format!("spec.delivery.raw.manifests{path}: ")),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn s22_every_rule_holds_for_every_item_of_a_list() {
    let web = Web::shared().await;
    let mut foreign = configuration("b");
    foreign["metadata"]["namespace"] = json!("default");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        configuration("a"),
        {"apiVersion": "v1", "kind": "List", "items": [pod("x", "evil.example/x"), foreign]},
    ]});
    let refused = web.refused(&raw("s22", &[list])).await;
    for path in [
        "items[1].items[0].spec.containers[0].image",
        "items[1].items[1].metadata.namespace",
    ] {
        assert!(
            refused.contains(&format!("spec.delivery.raw.manifests[0].{path}: ")),
            "{refused}"
        );
    }
    let nameless = json!({"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"name": "x"}}]});
    let refused = web.refused(&raw("s22", &[nameless])).await;
    assert!(
        refused.contains("spec.delivery.raw.manifests[0].items[0]"),
        "{refused}"
    );
    let embedded = json!({"apiVersion": "v1", "kind": "List", "items": []});
    for empty in [
        embedded,
        json!("apiVersion: v1\r\nkind: ConfigMapList\r\nitems:\r\n"),
    ] {
        web.allowed(&raw("s22", &[empty])).await;
    }
}

#[tokio::test]
async fn s23_every_document_of_a_string_is_judged() {
    let web = Web::shared().await;
    let text = "\u{feff}--- # note\n# nothing\n--- \r\napiVersion: v1\r\nkind: ConfigMap\r\n\
        metadata: {name: a}\r\ndata:\r\n  b: |\r\n    ---x\r\n---\napiVersion: v1\nkind: Pod\n\
        metadata: {name: p}\nspec: {containers: [{name: c, image: evil.example/x}]}";
    let refused = web.refused(&raw("s23", &[json!(text)])).await;
    assert!(refused.contains("1 fault\n"), "{refused}");
    assert!(
        refused.contains("spec.delivery.raw.manifests[0]{2}.spec.containers[0].image"),
        "{refused}"
    );
    let twice = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {x: a}\ndata: {x: b}\n";
    let refused = web.refused(&raw("s23", &[json!(twice)])).await;
    assert!(
        refused.contains("[ManifestUnreadable]") && refused.contains("line 5"),
        "{refused}"
    );
}

#[tokio::test]
async fn own_kinds_helm_hooks_and_generated_names_are_refused() {
    let web = Web::shared().await;
    let mut hook = configuration("hook");
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-install"});
    let generated = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}});
    let refused = web
        .refused(&raw("x", &[hook, app("inner", "ghcr.io/acme/x"), generated]))
        .await;
    assert!(
        refused.contains("[HelmHook]") && refused.contains("Leave the annotation out"),
        "{refused}"
    );
    assert!(
        refused.contains("[OwnKind] spec.delivery.raw.manifests[1].kind"),
        "{refused}"
    );
    assert!(refused.contains("[GenerateName]"), "{refused}");
}

#[tokio::test]
async fn s50_marks_and_hooks_of_other_tools_are_told() {
    let web = Web::shared().await;
    let mut tested = configuration("tested");
    tested["metadata"]["annotations"] = json!({"helm.sh/hook": "test"});
    let mut tracked = configuration("tracked");
    tracked["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "x"});
    let passed = web.dry_run(&raw("s50", &[tested.clone(), tracked.clone()])).await;
    for line in [
        "manifests[0].metadata.annotations[helm.sh/hook] is \"test\", a hook that only Helm runs",
        "manifests[1].metadata.labels[argocd.argoproj.io/instance] is how another tool",
    ] {
        assert!(passed.stderr.contains(line), "{line} in {passed:?}");
    }
    passed.success().unwrap();
    let mut migrate = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m"}, "spec": {"template":
        {"spec": {"containers": [{"name": "m", "image": "evil.example/m"}]}}}});
    migrate["metadata"]["annotations"] = json!({"argocd.argoproj.io/hook": "PreSync"});
    let refused = web
        .refused(&raw("s50", &[migrate, tracked.clone(), tracked]))
        .await;
    for line in [
        "app s50 refused: 3 faults",
        "[ArgoHook] spec.delivery.raw.manifests[0].metadata.annotations[argocd.argoproj.io/hook]: is \"PreSync\": \
         only Argo CD runs that. Move it to spec.hooks.",
        "[ImageNotAllowed] spec.delivery.raw.manifests[0].spec.template.spec.containers[0].image: ",
        "[GivenTwice] spec.delivery.raw.manifests[2].metadata.name: \"tracked\" is the ConfigMap that stands at \
         spec.delivery.raw.manifests[1]. Keep one of them.",
    ] {
        assert!(refused.contains(line), "{line} in {refused}");
    }
}
