//! Registry credentials: mirrored, kept in step, named in accounts, and never anybody else's.

use crate::support::{Stage, project, said};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CONDITION: &str = "CredentialsMirrored";
/// What nobody may ever read in a log, an Event or a status.
const PASSWORDS: [&str; 2] = ["hunter2-of-the-first-kind", "hunter2-of-the-second-kind"];

/// A registry Secret in namespace `kubeop-system`, in base64 as it is stored.
fn source(name: &str, password: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": name, "namespace": "kubeop-system", "labels": labels},
        "stringData": {".dockerconfigjson": config(password), "more": "not mirrored"}})
}

fn config(password: &str) -> String {
    json!({"auths": {"ghcr.io": {"username": "acme", "password": password}}}).to_string()
}

fn agrees() -> Value {
    json!({"platform.kubeop.io/mirror": "true"})
}

fn credentials(names: &[&str]) -> Value {
    let list: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"registryCredentials": list})
}

fn pulls(account: &Value) -> Vec<&str> {
    let list = account["imagePullSecrets"].as_array().into_iter().flatten();
    list.filter_map(|pull| pull["name"].as_str()).collect()
}

/// The password in a mirror.
async fn password(stage: &Stage<'_>, mirror: &str) -> Value {
    let args = format!("get secret {mirror} -o jsonpath={{.data.\\.dockerconfigjson}}");
    let text = decoded(&stage.done(&args).await);
    serde_json::from_str::<Value>(&text).unwrap_or_default()["auths"]["ghcr.io"]["password"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn s44_a_mirror_is_what_its_source_is_and_goes_with_it() {
    let stage = Stage::shared().await;
    stage.applied(&source("pull-ghcr", PASSWORDS[0], &agrees())).await;
    stage.project("pulls", credentials(&["pull-ghcr"])).await;
    let (mirror, at) = ("secret/pull-ghcr -n kubeop-pulls", "project/pulls");
    stage
        .says(at, [CONDITION, "True", "Succeeded"], "1 registry credential")
        .await;
    let live = stage.get(mirror).await.unwrap();
    assert_eq!(live["type"], "kubernetes.io/dockerconfigjson");
    let keys: Vec<_> = live["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, [".dockerconfigjson"], "only the credential is mirrored");
    assert_eq!(live["metadata"]["ownerReferences"][0]["kind"], "Project");
    assert_eq!(password(&stage, "pull-ghcr -n kubeop-pulls").await, PASSWORDS[0]);

    // Accounts: those that are there, and those that come; what they named before stays.
    let named = |wanted: Vec<&'static str>| move |found: &Value| pulls(found) == wanted;
    stage
        .until("serviceaccount/default -n kubeop-pulls", named(vec!["pull-ghcr"]))
        .await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "worker", "namespace": "kubeop-pulls"}, "imagePullSecrets": [{"name": "mine"}]});
    stage.send("create -f -", &account).await.success().unwrap();
    stage
        .until(
            "serviceaccount/worker -n kubeop-pulls",
            named(vec!["mine", "pull-ghcr"]),
        )
        .await;
    // Who applies the list says all of it.
    let applied = "apply --server-side --field-manager=argocd -f -";
    let mut theirs = account.clone();
    theirs["metadata"]["name"] = json!("applied");
    stage.send(applied, &theirs).await.success().unwrap();

    // Nothing changes: nothing is asked.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = stage.kubeop.cluster().audit_log().unwrap().from_now().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut calls = log.kubeop_calls().unwrap();
    calls.retain(|call| call.namespace.as_deref() == Some("kubeop-pulls"));
    assert!(calls.is_empty(), "{calls:#?}");
    assert_eq!(
        pulls(&stage.get("serviceaccount/applied -n kubeop-pulls").await.unwrap()),
        ["mine"]
    );

    // Damaged, deleted, and changed at its source.
    let damage = json!({"data": {".dockerconfigjson": "e30=", "more": "e30="}}).to_string();
    let start = Instant::now();
    stage
        .done(&format!("patch {mirror} --type=merge -p {damage}"))
        .await;
    stage.until(mirror, |found| found["data"] == live["data"]).await;
    let repaired = start.elapsed();
    println!("a damaged mirror is as its source again after {repaired:?}");
    stage.done(&format!("delete {mirror}")).await;
    stage.until(mirror, |found| found["data"] == live["data"]).await;
    stage.applied(&source("pull-ghcr", PASSWORDS[1], &agrees())).await;
    stage
        .until(mirror, |found| !found.is_null() && found["data"] != live["data"])
        .await;
    assert_eq!(password(&stage, "pull-ghcr -n kubeop-pulls").await, PASSWORDS[1]);

    // Its owner does not agree any more, and agrees again; then it is deleted.
    for (labels, reason) in [
        (json!({"platform.kubeop.io/mirror": "no"}), "CredentialRefused"),
        (agrees(), ""),
    ] {
        stage.applied(&source("pull-ghcr", PASSWORDS[1], &labels)).await;
        if reason.is_empty() {
            stage.until(mirror, |found| !found.is_null()).await;
        } else {
            stage
                .says(at, [CONDITION, "False", reason], "does not carry the label")
                .await;
            stage.gone(mirror).await;
        }
    }
    stage.done("delete secret pull-ghcr -n kubeop-system").await;
    stage.gone(mirror).await;
    stage
        .says(
            at,
            [CONDITION, "False", "SecretNotFound"],
            "there is no Secret pull-ghcr in namespace kubeop-system",
        )
        .await;
    stage
        .until("serviceaccount/default -n kubeop-pulls", named(vec![]))
        .await;
    stage
        .until("serviceaccount/worker -n kubeop-pulls", named(vec!["mine"]))
        .await;
    // What runs goes on: what is missing stops no delivery.
    stage.ready(at).await;

    // No longer asked for.
    stage.applied(&project("pulls", json!({}))).await;
    stage.until(at, |found| said(found, CONDITION).is_null()).await;
    nothing_is_told(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s44_somebody_elses_secret_is_not_touched() {
    let stage = Stage::shared().await;
    stage.applied(&source("pull-quay", PASSWORDS[0], &agrees())).await;
    stage.namespace_for("has-secret", "meets-secret").await;
    let users = "create secret generic pull-quay -n has-secret --from-literal=a=b";
    stage.done(users).await;
    let before = stage.get("secret/pull-quay -n has-secret").await.unwrap();
    let mut spec = credentials(&["pull-quay"]);
    (spec["namespace"], spec["adopt"]) = (json!("has-secret"), json!(true));
    stage.tenant("meets-secret").await;
    stage.applied(&project("meets-secret", spec)).await;
    let at = "project/meets-secret";
    let way_out = "kubectl delete secret pull-quay -n has-secret";
    stage.says(at, [CONDITION, "False", "Conflict"], way_out).await;
    stage.ready(at).await;
    let untouched = stage.get("secret/pull-quay -n has-secret").await.unwrap();
    assert_eq!(
        untouched["metadata"]["resourceVersion"],
        before["metadata"]["resourceVersion"]
    );
    let account = stage.get("serviceaccount/default -n has-secret").await.unwrap();
    assert!(
        pulls(&account).is_empty(),
        "it names what it did not name: {account}"
    );
    let start = Instant::now();
    stage.paste(way_out).await;
    stage.says(at, [CONDITION, "True", "Succeeded"], "").await;
    println!("mirrored {:?} after what was in the way went", start.elapsed());

    // The end of the Project: mirrors go, and accounts name what they named before.
    stage
        .until("serviceaccount/default -n has-secret", |found| {
            pulls(found) == ["pull-quay"]
        })
        .await;
    stage.done("delete project/meets-secret").await;
    stage.gone("secret/pull-quay -n has-secret").await;
    stage
        .until("serviceaccount/default -n has-secret", |found| {
            pulls(found).is_empty()
        })
        .await;
    nothing_is_told(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_credential_or_not_for_this_tenant_is_not_mirrored() {
    let stage = Stage::shared().await;
    let mut for_others = source("pull-others", PASSWORDS[0], &agrees());
    for_others["metadata"]["annotations"] = json!({"platform.kubeop.io/tenants": "globex, initech"});
    let secret = |name: &str, kind: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": "kubeop-system", "labels": agrees()},
            "stringData": {"tls.key": PASSWORDS[0]}})
    };
    for object in [
        for_others,
        source("pull-unasked", PASSWORDS[0], &json!({})),
        secret("looks-like-a-ca", "platform.kubeop.io/certificate-authority"),
        secret("looks-like-a-tsig-key", "Opaque"),
    ] {
        stage.applied(&object).await;
    }
    let names = [
        "pull-others",
        "pull-unasked",
        "looks-like-a-ca",
        "looks-like-a-tsig-key",
    ];
    stage.project("reaches", credentials(&names)).await;
    let whys = [
        "spec.registryCredentials[0]: Secret pull-others in namespace kubeop-system is not for tenant reaches",
        "spec.registryCredentials[1]: Secret pull-unasked in namespace kubeop-system does not carry the label",
        "spec.registryCredentials[2]: Secret looks-like-a-ca in namespace kubeop-system is of type \"platform.kubeop.io/certificate-authority\"",
        "spec.registryCredentials[3]: Secret looks-like-a-tsig-key in namespace kubeop-system is of type \"Opaque\"",
    ];
    for why in whys {
        stage
            .says("project/reaches", [CONDITION, "False", "CredentialRefused"], why)
            .await;
    }
    let secrets = stage.done("get secrets -n kubeop-reaches -o name").await;
    assert_eq!(secrets.trim(), "");
    // Its owner lets this tenant have it, too.
    stage
        .done("annotate secret pull-others -n kubeop-system --overwrite platform.kubeop.io/tenants=globex,reaches")
        .await;
    stage
        .until("secret/pull-others -n kubeop-reaches", |found| !found.is_null())
        .await;
    nothing_is_told(&stage).await;
}

fn decoded(text: &str) -> String {
    let bytes = json!({"data": {"a": text}, "kind": "Secret", "apiVersion": "v1"});
    let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(bytes).unwrap();
    let value = secret
        .data
        .and_then(|mut data| data.remove("a"))
        .unwrap_or_default();
    String::from_utf8(value.0).unwrap()
}

/// No password in the controller's log, in an Event, or in what is said of Projects.
async fn nothing_is_told(stage: &Stage<'_>) {
    let mut told = std::fs::read_to_string(stage.kubeop.controller_log()).unwrap();
    for what in ["events -A", "projects", "serviceaccounts -A"] {
        told.push_str(&stage.get(what).await.unwrap().to_string());
    }
    for password in PASSWORDS {
        // Encoded as the API server sends it, too.
        let encoded = json!(k8s_openapi::ByteString(config(password).into_bytes()));
        let encoded = encoded.as_str().unwrap();
        assert!(
            !told.contains(password) && !told.contains(encoded),
            "{password} is told"
        );
    }
}
