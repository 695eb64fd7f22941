//! Replicas that are asked to end: what is still sent to them is answered.

use crate::support::{alone, head, post, response, review};
use kubeop_tests::https::Connection;
use kubeop_tests::load::{Load, Rhythm};
use kubeop_tests::replicas::{NAMESPACE, Replica, Replicas};
use std::time::{Duration, Instant};

/// A short life, with which a replica is ready sooner.
const LEAF: &str = "--leaf-life=20s";
const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: webhook\r\n\r\n";

async fn connect(replicas: &Replicas<'_>, replica: &Replica) -> anyhow::Result<Connection> {
    let bundle = replicas.bundles().await?.pop().unwrap();
    Connection::open_trusting(&replica.url(), bundle.as_bytes()).await
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

#[tokio::test]
async fn s14_replicas_that_end_one_after_the_other_refuse_nothing() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=3s", LEAF]).await.unwrap();
    let (a, b) = tokio::join!(replicas.start("drain-a"), replicas.start("drain-b"));
    let (mut ending, mut staying) = (a.unwrap(), b.unwrap());
    replicas.make_project().await.unwrap();
    let load = Load::start(&cluster, NAMESPACE, "ghcr.io/acme/x", Rhythm::bursts())
        .await
        .unwrap();
    pause(500).await;
    // As `kubectl rollout restart` does it, twice: the next one is there before this one goes.
    for round in ["drain-c", "drain-d"] {
        let next = replicas.start(round).await.unwrap();
        replicas.ask_to_end(&ending).unwrap();
        // The cluster has its Service changed a moment later.
        pause(1000).await;
        replicas.leave_service(&ending);
        let how = replicas.ended(&ending, Duration::from_secs(10)).await.unwrap();
        assert_eq!(how, "exit status: 0", "{}", ending.name);
        (ending, staying) = (staying, next);
    }
    pause(500).await;
    load.stop().await.unwrap().assert_none_failed(100);
    replicas.kill_all().await.unwrap();
}

#[tokio::test]
async fn s14_a_replica_on_its_way_out_is_not_ready_and_answers_everything() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=3s", LEAF]).await.unwrap();
    let replica = replicas.start("out-a").await.unwrap();
    let whole = review("{}");
    let (first, rest) = whole.split_at(whole.len() / 2);
    let open = || async { connect(&replicas, &replica).await.unwrap() };
    let (mut kept, mut idle, mut unused, mut under_way) =
        (open().await, open().await, open().await, open().await);
    for connection in [&mut kept, &mut idle] {
        connection.send(READY).await.unwrap();
        let answer = connection.answer().await.unwrap();
        assert_eq!((answer.status, answer.field("connection")), (200, None));
    }
    under_way
        .send(&head(&format!("content-length: {}", whole.len())))
        .await
        .unwrap();
    under_way.send(first).await.unwrap();

    let asked = Instant::now();
    replicas.ask_to_end(&replica).unwrap();
    pause(300).await;
    // A connection that was kept, and one that is new.
    kept.send(READY).await.unwrap();
    let answer = kept.answer().await.unwrap();
    assert_eq!((answer.status, answer.field("connection")), (503, Some("close")));
    kept.closed().await.unwrap();
    let mut new = open().await;
    new.send(&post(&whole)).await.unwrap();
    let answer = new.answer().await.unwrap();
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(response(&answer)["allowed"], true);
    // They stay open until the drain is over.
    for connection in [&mut idle, &mut unused] {
        connection.closed().await.unwrap();
        let after = asked.elapsed().as_millis();
        assert!((2900..4500).contains(&after), "closed after {after} ms");
    }
    // What was under way is finished, though nothing new is taken.
    assert!(connect(&replicas, &replica).await.is_err());
    under_way.send(rest).await.unwrap();
    let answer = under_way.answer().await.unwrap();
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(response(&answer)["allowed"], true);
    under_way.closed().await.unwrap();
    drop((kept, idle, unused, new, under_way));
    let how = replicas.ended(&replica, Duration::from_secs(8)).await.unwrap();
    assert_eq!(how, "exit status: 0");
}

#[tokio::test]
async fn s14_a_second_signal_ends_it_at_once() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=1m", LEAF]).await.unwrap();
    let replica = replicas.start("twice-a").await.unwrap();
    replicas.ask_to_end(&replica).unwrap();
    pause(500).await;
    assert_eq!(cluster.ended("twice-a").await.unwrap(), None);
    replicas.ask_to_end(&replica).unwrap();
    let how = replicas.ended(&replica, Duration::from_secs(1)).await.unwrap();
    assert_eq!(how, "exit status: 1");
}
