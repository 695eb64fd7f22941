//! The webhook is restarted while Pods are created, fifty a second.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kubeop_tests::load::{Load, Rhythm};
use kubeop_tests::wait;

use crate::ground::{ALLOWED, Ground, SOON, WEB};

/// How many creates a second.
const RATE: u32 = 50;

/// Each restart is a rollout of other lifetimes: between them its certificates follow one another within seconds.
pub async fn s14_s15_no_create_fails_while_the_webhook_and_its_certificates_are_replaced(ground: &Ground) {
    let load = Load::start(&ground.cluster, WEB, ALLOWED, Rhythm::steady(RATE))
        .await
        .unwrap();
    let first = signing_ca(ground).await;
    set_env(ground, "KUBEOP_LEAF_LIFE=20s KUBEOP_CA_LIFE=80s").await;
    // The ones before, which know of no short lives, still drain.
    tokio::time::sleep(Duration::from_secs(20)).await;
    // The CA of ten years stays until it is replaced by hand; its follower lives as long as is said now.
    ground
        .kubectl("-n kubeop-system delete secret kubeop-webhook-ca")
        .await
        .unwrap();
    let by_hand = another_ca(ground, &first).await;
    let start = Instant::now();
    another_ca(ground, &by_hand).await;
    println!(
        "  a CA followed another by itself after {:.0} s",
        start.elapsed().as_secs_f64()
    );
    set_env(ground, "KUBEOP_LEAF_LIFE- KUBEOP_CA_LIFE-").await;
    // The last of the old ones still drains.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let said = load.stop().await.unwrap();
    println!(
        "  two restarts of the webhook: {} created, {} failed, slowest {:?}",
        said.created,
        said.failed.len(),
        said.slowest
    );
    said.assert_none_failed(501);
}

async fn set_env(ground: &Ground, variables: &str) {
    ground
        .kubectl(&format!(
            "-n kubeop-system set env deploy/kubeop-webhook {variables}"
        ))
        .await
        .unwrap();
    ground.rolled_out("kubeop-webhook").await;
}

/// Waits until another CA than this one signs, and has done so for some seconds.
async fn another_ca(ground: &Ground, than: &str) -> String {
    wait::until("another CA signs", SOON, || async {
        let now = signing_ca(ground).await;
        ensure!(!now.is_empty() && now != than, "still the same");
        tokio::time::sleep(Duration::from_secs(3)).await;
        ensure!(signing_ca(ground).await == now, "not for long");
        anyhow::Ok(now)
    })
    .await
    .unwrap()
}

/// The certificate of the CA that signs now, as it is stored; empty while there is none.
async fn signing_ca(ground: &Ground) -> String {
    let args =
        "-n kubeop-system get secret kubeop-webhook-ca --ignore-not-found -o jsonpath={.data.ca\\.crt}";
    ground.kubectl(args).await.unwrap_or_default()
}

/// What was on its way to it when it died may fail, and nothing after.
pub async fn s14_a_killed_replica_is_replaced(ground: &Ground) {
    let load = Load::start(&ground.cluster, WEB, ALLOWED, Rhythm::steady(RATE))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let pods = ground.pods_of("kubeop-webhook").await;
    let killed = pods.first().expect("a Pod of the webhook");
    ground.kill_program_of(killed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let shortly_after = load.said().failed.len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    ground.rolled_out("kubeop-webhook").await;
    let said = load.stop().await.unwrap();
    println!(
        "  a replica killed: {} created, {} failed, slowest {:?}",
        said.created,
        said.failed.len(),
        said.slowest
    );
    assert_eq!(
        said.failed.len(),
        shortly_after,
        "it goes on failing: {:#?}",
        said.failed
    );
    // Half a second of creates.
    assert!(shortly_after <= 25, "{:#?}", said.failed);
}
