//! One that ends hands over; one that dies is followed when its lease has run out.

use std::time::{Duration, Instant};

use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::proxy::Fault;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_ends_hands_over_at_once() {
    let stage = Stage::new("handover").await;
    let first = stage.controller("first", Fault::default()).await.unwrap();
    stage.leads(&first).await;
    let second = stage.controller("second", Fault::default()).await.unwrap();
    stage.write_app("1").await;
    stage.delivers("1").await;
    let writes = |controller: &crate::stage::Controller| controller.proxy.ledger().writes.len();
    assert!(
        writes(&first) > 0 && writes(&second) == 0,
        "the second one only waits"
    );
    let cluster = &stage.ground.cluster;
    let asked = Instant::now();
    cluster.end(&first.name, Ending::Asked).await.unwrap();
    stage.leads(&second).await;
    // A lease that nobody let go of holds for 20 s, and 10 s more are waited then.
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "after {:?}",
        asked.elapsed()
    );
    stage.write_app("2").await;
    stage.delivers("2").await;
}
