//! The webhook is restarted while Pods are created, fifty a second.

use std::time::Duration;

use kubeop_tests::load::{Load, Rhythm};

use crate::ground::{ALLOWED, Ground, WEB};

/// How many creates a second.
const RATE: u32 = 50;

pub async fn s14_no_create_fails_while_the_webhook_is_restarted(ground: &Ground) {
    let load = Load::start(&ground.cluster, WEB, ALLOWED, Rhythm::steady(RATE))
        .await
        .unwrap();
    for _ in 0..2 {
        ground
            .kubectl("-n kubeop-system rollout restart deploy/kubeop-webhook")
            .await
            .unwrap();
        ground.rolled_out("kubeop-webhook").await;
    }
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
