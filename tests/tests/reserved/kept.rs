//! What kubeOP keeps in a project namespace is not changed by others, and not forged.

use kubeop_tests::Identity;
use serde_json::{Value, json};

use crate::support::{APP, NAMESPACE, Web, reserved};

/// Free, and another test writes it.
const TOUCHED: &str = "platform.kubeop.io/touched";

/// An object of the project's namespace.
fn object(kind: &str, metadata: &Value) -> Value {
    let api_version = if kind == "Job" { "batch/v1" } else { "v1" };
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    object["metadata"]["namespace"] = json!(NAMESPACE);
    if kind == "Job" {
        let container = json!({"name": "a", "image": "ghcr.io/acme/a"});
        object["spec"] = json!({"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}});
    }
    object
}

async fn kept(web: &Web) -> [String; 3] {
    [
        format!("configmap/kubeop-revision-{APP}"),
        format!("secret/kubeop-revision-{APP}-1"),
        format!("job/{}", web.hook_job(NAMESPACE).await.unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubeop_keeps_is_changed_by_nobody_else() {
    let web = Web::shared().await;
    let [record, revision, job] = &kept(web).await;
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]);
    for (what, fields, path) in [
        (record, json!({"data": {"revision": "x"}}), "data"),
        (record, json!({"data": null}), "data"),
        (record, json!({"binaryData": {"x": "eA=="}}), "binaryData"),
        // Nobody could write it any more.
        (record, json!({"immutable": true}), "immutable"),
        (
            record,
            json!({"metadata": {"finalizers": null}}),
            "metadata.finalizers",
        ),
        (
            record,
            json!({"metadata": {"ownerReferences": owner}}),
            "metadata.ownerReferences",
        ),
        (revision, json!({"stringData": {"revision.json.gz": "x"}}), "data"),
        (revision, json!({"immutable": true}), "immutable"),
        (job, json!({"spec": {"suspend": true}}), "spec"),
        (job, json!({"spec": {"activeDeadlineSeconds": 1}}), "spec"),
        (
            job,
            json!({"metadata": {"finalizers": null}}),
            "metadata.finalizers",
        ),
        (
            job,
            json!({"metadata": {"ownerReferences": owner}}),
            "metadata.ownerReferences",
        ),
    ] {
        println!("{what} {fields}");
        reserved(web.patch(&format!("{what} -n {NAMESPACE}"), &fields).await, path);
    }
}

/// Each label and annotation that is there today, so that none is forgotten that comes tomorrow.
#[tokio::test(flavor = "multi_thread")]
async fn no_label_and_no_annotation_of_kubeops_comes_off() {
    let web = Web::shared().await;
    let mut tried = 0;
    for what in kept(web).await {
        let whole = web.get(&format!("{what} -n {NAMESPACE}")).await.unwrap();
        for field in ["labels", "annotations"] {
            let names = whole["metadata"][field].as_object().cloned().unwrap_or_default();
            let is_ours =
                |name: &&String| name.starts_with("platform.kubeop.io/") || *name == "app.kubeop.io/app-id";
            for name in names.keys().filter(is_ours).filter(|name| *name != TOUCHED) {
                for (value, door) in [
                    (json!(null), ""),
                    (json!("x"), ""),
                    (json!("x"), "--subresource=status"),
                ] {
                    if !door.is_empty() && !what.starts_with("job/") {
                        continue;
                    }
                    let fields = json!({"metadata": {field: {name: value}}});
                    let output = web.patch(&format!("{what} -n {NAMESPACE} {door}"), &fields).await;
                    println!("{what} {door} {fields}");
                    reserved(output, &format!("metadata.{field}[{name}]"));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 20, "{tried} changes were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_job_is_not_changed_by_its_status_either() {
    let web = Web::shared().await;
    let job = web.hook_job(NAMESPACE).await.unwrap();
    let door = format!("job/{job} -n {NAMESPACE} --subresource=status");
    let finalizers = json!({"metadata": {"finalizers": null}});
    reserved(web.patch(&door, &finalizers).await, "metadata.finalizers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_pass_for_kubeops_is_not_made() {
    let web = Web::shared().await;
    let finalizer = json!(["platform.kubeop.io/finalizer"]);
    for (kind, metadata, path) in [
        (
            "ConfigMap",
            json!({"name": "kubeop-revision-new"}),
            "metadata.name",
        ),
        (
            "Secret",
            json!({"name": "kubeop-revision-new-1"}),
            "metadata.name",
        ),
        (
            "ConfigMap",
            json!({"name": "x", "finalizers": finalizer}),
            "metadata.finalizers",
        ),
        (
            "Job",
            json!({"name": "x", "finalizers": finalizer}),
            "metadata.finalizers",
        ),
        (
            "Job",
            json!({"name": "x", "labels": {"platform.kubeop.io/hook": "migrate"}}),
            "metadata.labels[platform.kubeop.io/hook]",
        ),
        (
            "ConfigMap",
            json!({"name": "x", "labels": {"platform.kubeop.io/revision-record": "true"}}),
            "metadata.labels[platform.kubeop.io/revision-record]",
        ),
        (
            "Secret",
            json!({"name": "x", "labels": {"platform.kubeop.io/mirror-of": "kubeop-system"}}),
            "metadata.labels[platform.kubeop.io/mirror-of]",
        ),
    ] {
        let made = web.write("create -f -", &object(kind, &metadata)).await;
        println!("{kind} {metadata}");
        reserved(made, path);
        // Nor does what is there already become one.
        if path == "metadata.name" {
            continue;
        }
        let plain = object(kind, &json!({"name": "plain"}));
        web.apply(&plain).await.unwrap();
        let changed = web
            .patch(
                &format!("{kind}/plain -n {NAMESPACE}"),
                &json!({"metadata": metadata_of(&metadata)}),
            )
            .await;
        reserved(changed, path);
    }
    let drawn = object("ConfigMap", &json!({"generateName": "kubeop-revision-"}));
    reserved(web.write("create -f -", &drawn).await, "metadata.name");
    // Where no project is, the names are free.
    let mut elsewhere = object("ConfigMap", &json!({"name": "kubeop-revision-new"}));
    elsewhere["metadata"]["namespace"] = json!("default");
    let made = web.write("create --dry-run=server -f -", &elsewhere).await;
    made.success().unwrap();
}

/// Without the name, which a patch does not change.
fn metadata_of(metadata: &Value) -> Value {
    let mut metadata = metadata.clone();
    metadata.as_object_mut().unwrap().remove("name");
    metadata
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirrored_secret_is_what_its_source_is() {
    let web = Web::shared().await;
    let source = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "regcred", "namespace": "kubeop-system", "labels": {"platform.kubeop.io/mirror": "true"}},
        "stringData": {".dockerconfigjson": "{\"auths\":{}}"}});
    web.apply(&source).await.unwrap();
    for line in [
        "patch project/web --type=merge -p {\"spec\":{\"registryCredentials\":[{\"name\":\"regcred\"}]}}",
        "wait secret/regcred -n kubeop-web --for=create --timeout=30s",
    ] {
        let done = web.cluster.kubectl(line.split_whitespace()).await.unwrap();
        done.success().unwrap();
    }
    let what = format!("secret/regcred -n {NAMESPACE}");
    let refused = web.patch(&what, &json!({"stringData": {"a": "c"}})).await;
    assert!(
        refused.stderr.contains("Change the Secret that it mirrors."),
        "{}",
        refused.stderr
    );
    reserved(refused, "data");
    let label = json!({"metadata": {"labels": {"platform.kubeop.io/mirror-of": null}}});
    let refused = web.patch(&what, &label).await;
    reserved(refused, "metadata.labels[platform.kubeop.io/mirror-of]");
    let deleted = web
        .write(&format!("delete {what} --dry-run=server"), &Value::Null)
        .await;
    deleted.success().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_token_of_the_deployer() {
    let web = Web::shared().await;
    let token = |account: &str| format!("create token {account} -n {NAMESPACE}");
    let refused = web.write(&token("kubeop-deployer"), &Value::Null).await;
    reserved(refused, "metadata.name");
    web.write(&token("default"), &Value::Null)
        .await
        .success()
        .unwrap();

    // A Pod that asks for one waits for ever: the kubelet does not get it.
    let kubelet = Identity::user("system:node:fake", &["system:nodes"]);
    let kubelet = web.cluster.kubectl_as(&kubelet).unwrap();
    let refused = kubelet.run(token("kubeop-deployer").split(' ')).await.unwrap();
    let refused = refused.failure().unwrap();
    assert!(refused.contains("forbidden"), "{refused}");

    let annotation = "kubernetes.io/service-account.name";
    let asks = |account: &str| {
        let mut secret = object(
            "Secret",
            &json!({"name": "token", "annotations": {annotation: account}}),
        );
        secret["type"] = json!("kubernetes.io/service-account-token");
        secret
    };
    let refused = web.write("create -f -", &asks("kubeop-deployer")).await;
    reserved(refused, &format!("metadata.annotations[{annotation}]"));
    web.apply(&asks("default")).await.unwrap();
    let other = json!({"metadata": {"annotations": {annotation: "kubeop-deployer"}}});
    let refused = web.patch(&format!("secret/token -n {NAMESPACE}"), &other).await;
    reserved(refused, &format!("metadata.annotations[{annotation}]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_delivery_stands_on_is_not_taken_away() {
    let web = Web::shared().await;
    let bind = |name: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}})
    };
    for name in ["kubeop-deployer", "kubeop-impersonate-deployer"] {
        let what = format!("rolebinding/{name} -n {NAMESPACE}");
        let deleted = web.write(&format!("delete {what}"), &Value::Null).await;
        reserved(deleted, "metadata.name");
        reserved(
            web.patch(&what, &json!({"subjects": null})).await,
            "metadata.name",
        );
        // Even where it is missing, nobody takes its place.
        let created = web.write("create -f -", &bind(name)).await;
        reserved(created, "metadata.name");
    }
    let deleted = web
        .write(
            &format!("delete serviceaccount/kubeop-deployer -n {NAMESPACE}"),
            &Value::Null,
        )
        .await;
    reserved(deleted, "metadata.name");
    let account = json!({"metadata": {"annotations": {"example.com/mine": "a"}}});
    let patched = web
        .patch(
            &format!("serviceaccount/kubeop-deployer -n {NAMESPACE}"),
            &account,
        )
        .await;
    patched.success().unwrap();
    web.write("create --dry-run=server -f -", &bind("mine"))
        .await
        .success()
        .unwrap();
}
