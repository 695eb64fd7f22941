//! Whose a Secret is, and who gets none.

use crate::support::{Stage, certificate, certificate_at, said, text, version};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn s45_two_certificates_and_one_secret() {
    let stage = Stage::shared().await;
    stage.namespace("s45").await;
    let of = |name: &str, host: &str| certificate("s45", name, host, &json!({"secretName": "shared"}));
    stage.applied(&of("b-first", "first.example.com")).await;
    stage.ready("s45", "b-first").await;
    let before = stage.secret("s45", "shared").await;
    // Whole seconds tell who is older.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    stage.applied(&of("a-second", "second.example.com")).await;
    let second = stage
        .says(
            "s45",
            "a-second",
            ["False", "Conflict"],
            "Secret shared belongs to Certificate b-first",
        )
        .await;
    assert_eq!(said(&second, "Stalled")["status"], "True");
    assert_eq!(second["status"]["names"], Value::Null);
    // Neither looks nor restarts make them fight.
    stage
        .done("annotate certificates.platform.kubeop.io --all -n s45 looked=again")
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = stage.secret("s45", "shared").await;
    assert_eq!(version(&after), version(&before));

    stage
        .done(&format!("delete {}", certificate_at("s45", "b-first")))
        .await;
    stage.ready("s45", "a-second").await;
    let taken = stage
        .until("secret/shared -n s45", |found| {
            found["metadata"]["ownerReferences"][0]["name"] == "a-second"
        })
        .await;
    assert_ne!(taken["data"]["tls.crt"], before["data"]["tls.crt"]);
    stage
        .until(&certificate_at("s45", "a-second"), |found| {
            found["status"]["names"] == json!(["second.example.com"])
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_somebody_else_made_is_left_alone() {
    let stage = Stage::shared().await;
    stage.namespace("foreign").await;
    stage
        .done("create secret generic opaque --from-literal=a=b -n foreign")
        .await;
    let pair = kubeop_certs::Authority::new("x", time::OffsetDateTime::now_utc(), time::Duration::DAY)
        .unwrap()
        .server(
            &["web.example.com".to_owned()],
            time::OffsetDateTime::now_utc(),
            time::Duration::DAY,
        )
        .unwrap();
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "theirs", "namespace": "foreign"},
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key}});
    stage.applied(&theirs).await;
    let cases = [
        ("opaque", "Secret opaque is of type Opaque: "),
        ("theirs", "Secret theirs is not kubeOP's: "),
    ];
    for (secret, words) in cases {
        let before = stage.secret("foreign", secret).await;
        let more = json!({"secretName": secret});
        stage
            .applied(&certificate("foreign", secret, "web.example.com", &more))
            .await;
        stage.says("foreign", secret, ["False", "Conflict"], words).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(stage.secret("foreign", secret).await, before);
        // Once it is gone, the way is free.
        stage.done(&format!("delete secret {secret} -n foreign")).await;
        stage.ready("foreign", secret).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_may_not_be_had_are_refused_by_name() {
    let stage = Stage::shared().await;
    stage.project("bounded", json!({"hosts": ["acme.example"]})).await;
    stage.namespace("admins").await;
    let refused = ["False", "HostNotAllowed"];
    // Where an administrator's webhook lets it pass, or it was there before.
    for (name, host, words) in [
        (
            "service",
            "web.admins.svc",
            "\"web.admins.svc\" is a name inside the cluster",
        ),
        (
            "cluster",
            "web.admins.svc.cluster.local",
            "is a name inside the cluster",
        ),
        ("single", "localhost", "is a single label"),
        ("address", "10.0.0.1", "is an address"),
    ] {
        stage
            .applied(&certificate("admins", name, host, &json!({})))
            .await;
        let found = stage.says("admins", name, refused, words).await;
        assert_eq!(said(&found, "Stalled")["status"], "True");
        assert_eq!(stage.secret("admins", &format!("{name}-tls")).await, Value::Null);
    }
    stage
        .applied(&certificate("admins", "wild", "*.Example.com.", &json!({})))
        .await;
    let wild = stage.ready("admins", "wild").await;
    assert_eq!(wild["status"]["names"], json!(["*.example.com"]));

    let bounded = "kubeop-bounded";
    stage
        .applied(&certificate(bounded, "in", "pay.acme.example", &json!({})))
        .await;
    stage.ready(bounded, "in").await;
    // Its list is narrowed: what was issued stays, and is renewed no more.
    let before = stage.secret(bounded, "in-tls").await;
    stage.project("bounded", json!({"hosts": ["shop.example"]})).await;
    let words = "\"pay.acme.example\" is not under a host of project bounded (shop.example)";
    stage.says(bounded, "in", refused, words).await;
    assert_eq!(version(&stage.secret(bounded, "in-tls").await), version(&before));
    stage.project("bounded", json!({"hosts": ["acme.example"]})).await;
    stage.ready(bounded, "in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_is_read_by_nobody_in_a_project_and_kept_names_are_nobodys() {
    let stage = Stage::shared().await;
    stage
        .project("spies", json!({"members": [{"kind": "User", "name": "ann"}]}))
        .await;
    stage
        .applied(&certificate(
            "kubeop-spies",
            "web",
            "spies.example.com",
            &json!({}),
        ))
        .await;
    stage.ready("kubeop-spies", "web").await;
    let ca = stage.secret("kubeop-system", "kubeop-issuer-ca").await;
    assert_eq!(ca["type"], "platform.kubeop.io/certificate-authority");
    for who in ["ann", "system:serviceaccount:kubeop-spies:kubeop-deployer"] {
        for verb in ["get", "list", "watch", "update", "delete"] {
            let args = format!("auth can-i {verb} secrets/kubeop-issuer-ca -n kubeop-system --as={who}");
            assert_eq!(stage.kubectl(&args).await.stdout.trim(), "no", "{args}");
        }
    }
    // Outside projects, Secrets are written where there are Certificates, while there are.
    let may = async |namespace: &str| {
        let controller = "--as=system:serviceaccount:kubeop-system:kubeop-controller";
        let args = format!("auth can-i update secrets -n {namespace} {controller}");
        stage.kubectl(&args).await.stdout.trim().to_owned()
    };
    stage.namespace("passing").await;
    assert_eq!(may("passing").await, "no");
    stage
        .applied(&certificate("passing", "web", "passing.example.com", &json!({})))
        .await;
    stage.ready("passing", "web").await;
    assert_eq!(may("passing").await, "yes");
    assert_eq!(may("kube-system").await, "no");
    stage
        .done(&format!("delete {}", certificate_at("passing", "web")))
        .await;
    stage
        .until("rolebinding/kubeop-certificates -n passing", Value::is_null)
        .await;

    let more = json!({"secretName": "kubeop-revision-pay-7"});
    stage
        .applied(&certificate("kubeop-spies", "passes", "spies.example.com", &more))
        .await;
    stage
        .says(
            "kubeop-spies",
            "passes",
            ["False", "Conflict"],
            "is kept for kubeOP's own Secrets",
        )
        .await;
    assert_eq!(
        stage.secret("kubeop-spies", "kubeop-revision-pay-7").await,
        Value::Null
    );
}

/// Every private key that the cluster holds in a Secret, in lines.
#[tokio::test(flavor = "multi_thread")]
async fn no_private_key_is_told() {
    let stage = Stage::shared().await;
    stage.namespace("keys").await;
    stage
        .applied(&certificate("keys", "web", "keys.example.com", &json!({})))
        .await;
    stage.ready("keys", "web").await;
    // One that was damaged is read, and told as damaged.
    let before = stage.secret("keys", "web-tls").await;
    let key = text(&before, "tls.key").replace('\n', "");
    let patch = json!({"stringData": {"tls.key": key}}).to_string();
    let args = [
        "patch",
        "secret",
        "web-tls",
        "-n",
        "keys",
        "--type=merge",
        "-p",
        &patch,
    ];
    stage.cluster.kubectl(args).await.unwrap().success().unwrap();
    stage.another("keys", "web-tls", &before).await;

    let secrets = stage.get("secrets -A").await.unwrap();
    let mut keys: Vec<String> = secrets["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|secret| ["tls.key", "ca.key", "next.key"].map(|name| text(secret, name)))
        .collect();
    keys.push(text(&before, "tls.key"));
    keys.retain(|key| !key.is_empty());
    assert!(keys.len() >= 3, "{}", keys.len());
    let log = std::fs::read_to_string(kubeop_tests::KubeOp::shared().await.controller_log()).unwrap();
    let mut told = log;
    for what in ["events", "certificates.platform.kubeop.io", "configmaps"] {
        told += &stage.get(&format!("{what} -A")).await.unwrap().to_string();
    }
    for key in keys {
        let line = key.lines().find(|line| !line.contains("-----")).unwrap();
        let bytes = format!("{:?}", &line.as_bytes()[..24]);
        for secret in [&line[..24], bytes.trim_matches(['[', ']'])] {
            assert!(!told.contains(secret), "a key is told");
        }
    }
}
