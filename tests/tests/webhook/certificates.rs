//! Certificates that change while Pods are created: two replicas, short lives, and nobody who meets a certificate that
//! it does not trust.

use crate::support::alone;
use crate::trust::{Witness, signed_by};
use kubeop_tests::load::{Load, Rhythm};
use kubeop_tests::replicas::{NAMESPACE, Replica, Replicas};
use kubeop_tests::wait;
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "secret kubeop-webhook-ca -n kubeop-system";

/// The CA that signs.
async fn ca(replicas: &Replicas<'_>) -> String {
    let secret = replicas.secret().await.unwrap();
    let data: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["ca.crt"].clone()).unwrap();
    String::from_utf8(data.0).unwrap()
}

/// Whether each replica serves a certificate of this CA.
fn all_serve(witness: &Witness, ca: &str) -> bool {
    let last = |served: &Vec<Vec<u8>>| signed_by(served.last().unwrap(), ca).is_some();
    witness.served.iter().all(last)
}

async fn two(replicas: &Replicas<'_>, name: &str) -> [Replica; 2] {
    // At the same time: both find nothing, and one of them is first to write.
    let (a, b) = (format!("{name}-a"), format!("{name}-b"));
    let both = tokio::try_join!(replicas.start(&a), replicas.start(&b));
    let both = both.unwrap();
    replicas.make_project().await.unwrap();
    both.into()
}

#[tokio::test]
async fn s15_certificates_and_ca_are_renewed_under_load() {
    let cluster = alone().await;
    let lives = ["--leaf-life=10s", "--ca-life=40s", "--drain=0s"];
    let replicas = Replicas::install(&cluster, &lives).await.unwrap();
    let both = two(&replicas, "renewal").await;
    let first = ca(&replicas).await;
    let load = Load::start(&cluster, NAMESPACE, "ghcr.io/acme/x", Rhythm::bursts())
        .await
        .unwrap();
    let mut witness = Witness::default();
    let minute = Duration::from_secs(60);
    let renewed = |witness: &Witness| witness.served.iter().all(|served| served.len() >= 2);
    witness
        .look_until(&replicas, &both, "certificates are renewed", minute, renewed)
        .await;
    assert!(
        all_serve(&witness, &first),
        "a certificate is renewed by the same CA"
    );
    witness
        .look_until(
            &replicas,
            &both,
            "the CA is followed by another",
            minute,
            |witness| {
                !witness
                    .served
                    .iter()
                    .any(|served| signed_by(served.last().unwrap(), &first).is_some())
            },
        )
        .await;
    let second = ca(&replicas).await;
    assert_ne!(first, second);
    assert!(all_serve(&witness, &second));
    let trusted: Vec<_> = witness
        .bundles
        .iter()
        .map(|bundle| [&first, &second].map(|ca| bundle.contains(ca.trim())))
        .collect();
    assert_eq!(trusted, [[true, false], [true, true]], "old and new at first");
    load.stop().await.unwrap().assert_none_failed(100);
    replicas.kill_all().await.unwrap();
}

#[tokio::test]
async fn s15_a_ca_that_is_deleted_and_one_that_is_restored_are_taken_over_under_load() {
    let cluster = alone().await;
    let lives = ["--leaf-life=14s", "--ca-life=10m", "--drain=0s"];
    let replicas = Replicas::install(&cluster, &lives).await.unwrap();
    let both = two(&replicas, "restore").await;
    let backup = replicas.secret().await.unwrap();
    let first = ca(&replicas).await;
    let load = Load::start(&cluster, NAMESPACE, "ghcr.io/acme/x", Rhythm::bursts())
        .await
        .unwrap();
    let mut witness = Witness::default();
    let minute = Duration::from_secs(60);
    witness
        .look_until(&replicas, &both, "both serve", minute, |witness| {
            all_serve(witness, &first)
        })
        .await;

    replicas.kubectl(&format!("delete {SECRET}")).await.unwrap();
    let second = wait::until("another CA", minute, || async {
        let secret = replicas.secret().await?;
        anyhow::ensure!(
            secret["metadata"]["uid"] != backup["metadata"]["uid"],
            "the same Secret"
        );
        anyhow::Ok(ca(&replicas).await)
    })
    .await
    .unwrap();
    assert_ne!(first, second);
    witness
        .look_until(&replicas, &both, "both take the new CA", minute, |witness| {
            all_serve(witness, &second)
        })
        .await;

    let mut restored = backup;
    restored["metadata"] = json!({"name": "kubeop-webhook-ca", "namespace": "kubeop-system"});
    let replaced = cluster
        .kubectl_with_input(["replace", "-f", "-"], &restored.to_string())
        .await;
    replaced.unwrap().success().unwrap();
    witness
        .look_until(&replicas, &both, "both take the old CA", minute, |witness| {
            all_serve(witness, &first)
        })
        .await;
    assert_eq!(ca(&replicas).await, first);
    witness
        .look_until(&replicas, &both, "the other one is let go", minute, |witness| {
            witness
                .bundles
                .last()
                .is_some_and(|bundle| bundle.trim() == first.trim())
        })
        .await;
    load.stop().await.unwrap().assert_none_failed(100);
    replicas.kill_all().await.unwrap();
}

/// Without what a write changes by itself, one line a field.
fn bare(mut registration: Value) -> String {
    for field in ["resourceVersion", "managedFields", "generation"] {
        registration["metadata"].as_object_mut().unwrap().remove(field);
    }
    format!("{registration:#}")
}

#[tokio::test]
async fn s15_a_bundle_that_is_overwritten_is_put_right_and_one_that_is_right_is_left_alone() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=0s", "--leaf-life=40s"])
        .await
        .unwrap();
    let first = replicas.start("overwritten-a").await.unwrap();
    let kinds = [
        "mutatingwebhookconfiguration kubeop",
        "validatingwebhookconfiguration kubeop",
    ];
    for kind in kinds {
        let right = replicas.get(kind).await.unwrap();
        let remove =
            |index| json!({"op": "remove", "path": format!("/webhooks/{index}/clientConfig/caBundle")});
        let patch = json!([remove(0), remove(2)]).to_string();
        let args = format!("patch {kind} --type=json -p");
        let patched = cluster.kubectl(args.split_whitespace().chain([&*patch])).await;
        patched.unwrap().success().unwrap();
        wait::until("put right", Duration::from_secs(2), || async {
            let (now, right) = (bare(replicas.get(kind).await?), bare(right.clone()));
            let other = now.lines().zip(right.lines()).find(|(now, right)| now != right);
            anyhow::ensure!(now == right, "{other:?}");
            anyhow::Ok(())
        })
        .await
        .unwrap();
    }
    replicas.ready(&first).await.unwrap();

    let log = cluster.audit_log().unwrap().from_now().unwrap();
    let secret = replicas.secret().await.unwrap();
    replicas.start("overwritten-b").await.unwrap();
    assert_eq!(replicas.secret().await.unwrap(), secret);
    let writes = log.kubeop_writes().unwrap();
    assert!(writes.is_empty(), "{}", writes[0]);
    replicas.kill_all().await.unwrap();
}

#[tokio::test]
async fn s15_whoever_overwrites_a_bundle_again_and_again_is_named() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=0s", "--leaf-life=40s"])
        .await
        .unwrap();
    let replica = replicas.start("fight-a").await.unwrap();
    let log = || std::fs::read_to_string(cluster.log_of("fight-a")).unwrap();
    let told = "caBundle of MutatingWebhookConfiguration kubeop is overwritten again and again";
    let by = r#"its last field manager besides the webhook is \"kubectl-patch\""#;
    // As an injector of another CA does it.
    let now = time::OffsetDateTime::now_utc();
    let theirs = kubeop_certs::Authority::new("theirs", now, time::Duration::DAY).unwrap();
    let theirs = k8s_openapi::ByteString(theirs.certificate().as_bytes().to_vec());
    let path = "/webhooks/0/clientConfig/caBundle";
    let inject = json!([{"op": "replace", "path": path, "value": theirs}]).to_string();
    let args = [
        "patch",
        "mutatingwebhookconfiguration",
        "kubeop",
        "--type=json",
        "-p",
        &inject,
    ];
    wait::until("it is named", Duration::from_secs(20), || async {
        cluster.kubectl(args).await?.success()?;
        anyhow::ensure!(log().contains(told) && log().contains(by), "{}", log());
        anyhow::Ok(())
    })
    .await
    .unwrap();
    // Left in peace, it is put right.
    replicas.ready(&replica).await.unwrap();
    replicas.kill_all().await.unwrap();
}
