//! What is damaged is repaired, what changes is issued again, and what is good costs nothing.

use crate::support::{Stage, calls_in, certificate, certificate_at, text, version};
use kubeop_tests::KubeOp;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_deleted_is_repaired_within_seconds() {
    let stage = Stage::shared().await;
    stage.namespace("damaged").await;
    stage
        .applied(&certificate("damaged", "web", "damaged.example.com", &json!({})))
        .await;
    stage.ready("damaged", "web").await;
    let mut good = stage.secret("damaged", "web-tls").await;
    let other = kubeop_certs::Authority::new(
        "kubeOP issuer",
        time::OffsetDateTime::now_utc(),
        time::Duration::DAY,
    );
    let other = other
        .unwrap()
        .server(
            &["damaged.example.com".to_owned()],
            time::OffsetDateTime::now_utc(),
            time::Duration::DAY,
        )
        .unwrap();
    for (what, fields) in [
        ("no key", json!({"data": {"tls.key": ""}})),
        ("another key", json!({"stringData": {"tls.key": other.key}})),
        (
            "of another CA",
            json!({"stringData": {"tls.key": other.key, "tls.crt": other.certificate}}),
        ),
    ] {
        let start = Instant::now();
        patch(stage, "damaged", "web-tls", &fields).await;
        let repaired = stage
            .until("secret/web-tls -n damaged", |found| {
                found["data"]["tls.crt"] != good["data"]["tls.crt"] && is_of_kubeop(found)
            })
            .await;
        assert!(
            start.elapsed() < Duration::from_secs(8),
            "{what}: {:?}",
            start.elapsed()
        );
        good = repaired;
    }
    // What stands beside it is put right without another certificate.
    for (what, fields) in [
        ("no CA", json!({"data": {"ca.crt": ""}})),
        (
            "no label",
            json!({"metadata": {"labels": {"platform.kubeop.io/certificate": null}}}),
        ),
        ("no owner", json!({"metadata": {"ownerReferences": null}})),
    ] {
        patch(stage, "damaged", "web-tls", &fields).await;
        let repaired = stage
            .until("secret/web-tls -n damaged", |found| {
                found["data"] == good["data"]
                    && found["metadata"]["labels"]["platform.kubeop.io/certificate"] == "true"
                    && found["metadata"]["ownerReferences"][0]["name"] == "web"
            })
            .await;
        assert_ne!(version(&repaired), version(&good), "{what}");
    }
    stage.done("delete secret web-tls -n damaged").await;
    let made = stage.another("damaged", "web-tls", &good).await;
    stage.ready("damaged", "web").await;
    // With its Certificate it goes, by the garbage collector.
    assert_eq!(made["metadata"]["ownerReferences"][0]["kind"], "Certificate");
    stage
        .done(&format!("delete {}", certificate_at("damaged", "web")))
        .await;
    stage.collected("secret/web-tls -n damaged").await;
}

fn is_of_kubeop(secret: &Value) -> bool {
    let held = kubeop_certs::Held::read(&kubeop_certs::Pair {
        certificate: text(secret, "tls.crt"),
        key: text(secret, "tls.key"),
    });
    let bundle = kubeop_certs::Bundle::read(text(secret, "ca.crt").as_bytes());
    let trusted = kubeop_certs::Trusted::Bundle(&bundle);
    held.is_ok_and(|held| {
        held.check("damaged.example.com", trusted, time::OffsetDateTime::now_utc())
            .is_ok()
    })
}

async fn patch(stage: Stage<'_>, namespace: &str, secret: &str, fields: &Value) {
    let fields = fields.to_string();
    let args = [
        "patch",
        "secret",
        secret,
        "-n",
        namespace,
        "--type=merge",
        "-p",
        &fields,
    ];
    stage.cluster.kubectl(args).await.unwrap().success().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_and_another_secret_are_issued_for() {
    let stage = Stage::shared().await;
    stage.namespace("changes").await;
    let of = |host: &str, more: &Value| certificate("changes", "web", host, more);
    stage.applied(&of("one.example.com", &json!({}))).await;
    stage.ready("changes", "web").await;
    let before = stage.secret("changes", "web-tls").await;
    stage.applied(&of("Two.example.com.", &json!({}))).await;
    let after = stage.another("changes", "web-tls", &before).await;
    stage
        .until(&certificate_at("changes", "web"), |found| {
            found["status"]["names"] == json!(["two.example.com"])
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
        })
        .await;
    // Another way to write the same host is no other host.
    stage.applied(&of("two.example.com", &json!({}))).await;
    stage.ready("changes", "web").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let same = stage.secret("changes", "web-tls").await;
    assert_eq!(version(&same), version(&after));
    stage
        .applied(&of("two.example.com", &json!({"secretName": "moved"})))
        .await;
    stage
        .until("secret/moved -n changes", |found| !found.is_null())
        .await;
    stage.ready("changes", "web").await;
    assert_eq!(
        version(&stage.secret("changes", "web-tls").await),
        version(&after)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fight_over_a_secret_is_told_and_slows_down() {
    let stage = Stage::shared().await;
    stage.namespace("fight").await;
    stage
        .applied(&certificate("fight", "web", "fight.example.com", &json!({})))
        .await;
    stage.ready("fight", "web").await;
    let log = stage.log();
    let start = Instant::now();
    loop {
        patch(stage, "fight", "web-tls", &json!({"data": {"tls.key": ""}})).await;
        let found = stage.get(&certificate_at("fight", "web")).await.unwrap();
        let message = crate::support::said(&found, "Ready")["message"].to_string();
        if message.contains("Secret web-tls is overwritten again and again") {
            break;
        }
        assert!(start.elapsed() < crate::support::SOON, "{message}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let writes = crate::support::secret_writes(&log, "fight");
    let most = 5 * (2 + usize::try_from(start.elapsed().as_secs() / 10).unwrap());
    assert!(writes <= most, "{writes} writes");
    stage.ready("fight", "web").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s53_a_steady_certificate_costs_no_call_and_a_released_one_stays() {
    let cluster = crate::support::cluster().await;
    let kubeop: KubeOp<'_> = crate::support::alone(&cluster, &[]).await;
    let stage = Stage { cluster: &cluster };
    stage.namespace("steady").await;
    stage
        .applied(&certificate("steady", "web", "steady.example.com", &json!({})))
        .await;
    stage.ready("steady", "web").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let log = stage.log();
    stage
        .done("create secret generic others --from-literal=a=b -n steady")
        .await;
    stage
        .applied(&certificate("steady", "web", "steady.example.com", &json!({})))
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = calls_in(&log, "steady");
    assert!(calls.is_empty(), "{calls:#?}");
    let before = stage.secret("steady", "web-tls").await;
    kubeop.restart_controller().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let writes = log.kubeop_writes().unwrap();
    assert!(writes.is_empty(), "{writes:#?}");
    assert_eq!(
        version(&stage.secret("steady", "web-tls").await),
        version(&before)
    );

    // Lost, the CA is made anew, and the one before stays trusted beside it.
    let first = text(&before, "ca.crt");
    stage
        .done("delete secret kubeop-issuer-ca -n kubeop-system")
        .await;
    let both = stage
        .until("secret/web-tls -n steady", |found| {
            text(found, "ca.crt").matches("BEGIN").count() == 2
        })
        .await;
    assert!(text(&both, "ca.crt").contains(first.trim()));
    assert_eq!(
        both["data"]["tls.crt"], before["data"]["tls.crt"],
        "it is as good as before"
    );
    somebody_elses_ca(&kubeop, stage).await;
    released(&kubeop, stage).await;
}

/// A Secret that stands where the CA is to be is left alone, and told.
async fn somebody_elses_ca(kubeop: &KubeOp<'_>, stage: Stage<'_>) {
    kubeop.stop_controller().await.unwrap();
    let at = "secret/kubeop-issuer-ca -n kubeop-system";
    stage.done(&format!("delete {at}")).await;
    stage
        .done("create secret generic kubeop-issuer-ca --from-literal=a=b -n kubeop-system")
        .await;
    kubeop.start_controller().await.unwrap();
    stage
        .applied(&certificate("steady", "later", "later.example.com", &json!({})))
        .await;
    let words = "Secret kubeop-issuer-ca of kubeop-system is of type Opaque";
    stage.says("steady", "later", ["False", "Retrying"], words).await;
    stage.done(&format!("delete {at}")).await;
    stage.ready("steady", "later").await;
    stage.ready("steady", "web").await;
}

/// Who uninstalls kubeOP deletes all Certificates with their definition, and no server is to lose what it serves.
async fn released(kubeop: &KubeOp<'_>, stage: Stage<'_>) {
    stage.namespace("left").await;
    stage
        .applied(&certificate("left", "web", "left.example.com", &json!({})))
        .await;
    stage.ready("left", "web").await;
    let before = stage.secret("left", "web-tls").await;
    kubeop.stop_controller().await.unwrap();
    kubeop.release().await.unwrap();
    stage
        .done("delete crd certificates.platform.kubeop.io --timeout=60s")
        .await;
    // The garbage collector is as fast with one that goes.
    stage.done("create configmap owner -n left").await;
    let owner = stage.get("configmap/owner -n left").await.unwrap();
    let goes = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "goes", "namespace": "left",
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}]}});
    stage.applied(&goes).await;
    stage.done("delete configmap owner -n left").await;
    stage.collected("secret/goes -n left").await;
    let after = stage.secret("left", "web-tls").await;
    assert_eq!(after["data"], before["data"]);
}
