//! A leader is paused with a write on its way, another one delivers the next revision, and then the write arrives.

use futures::future::join_all;
use kubeop_tests::proxy::{Fault, WriteFault};
use kubeop_tests::wait;
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{SOON, Stage};

/// Writes of a revision with a hook: its stored spec, record, Job, outcome, objects, status.
const POSITIONS: std::ops::RangeInclusive<usize> = 1..=10;

#[tokio::test(flavor = "multi_thread")]
async fn s55_the_late_write_of_a_deposed_leader_brings_nothing_back() {
    join_all(POSITIONS.map(late_write)).await;
}

async fn late_write(nth: usize) {
    let stage = Stage::new(&format!("late-{nth}")).await;
    let cluster = &stage.ground.cluster;
    // What was there before is delivered by one that hands over.
    let before = stage.controller("before", Fault::default()).await.unwrap();
    stage.write_app("1").await;
    stage.delivers("1").await;
    cluster
        .end(&before.name, kubeop_tests::keeper::requests::Ending::Asked)
        .await
        .unwrap();

    let old = stage
        .controller("old", Fault::at_write(nth, WriteFault::Hold))
        .await
        .unwrap();
    stage.leads(&old).await;
    stage.write_app("2").await;
    tokio::time::timeout(SOON, old.proxy.held())
        .await
        .unwrap_or_else(|_| panic!("there is no write {nth}"));
    let pid = Pid::from_raw(old.pid).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let held = old.proxy.ledger().struck.unwrap_or_default();

    let new = stage.controller("new", Fault::default()).await.unwrap();
    stage.write_app("3").await;
    stage.leads(&new).await;
    stage.delivers("3").await;
    let steady = new.proxy.ledger().writes.len();

    old.proxy.let_through();
    let code = wait::until("the late write is answered", SOON, || async {
        old.proxy.late_answer().ok_or("not yet")
    })
    .await
    .unwrap();
    println!("late write {nth}: {held}: answered {code}");
    kill_process(pid, Signal::CONT).unwrap();
    let ended = wait::until("the old leader ends by itself", SOON, || async {
        cluster.ended(&old.name).await?.ok_or(anyhow::anyhow!("it runs"))
    });
    ended.await.unwrap();
    assert_eq!(
        old.proxy.ledger().writes.len(),
        nth,
        "it wrote more than what was on its way: {held}"
    );
    // Nothing of the second revision comes back, and each hook ran once per revision at most.
    stage.delivers("3").await;
    let log = cluster.audit_log().expect("an audit log");
    let created = log.entries().unwrap().into_iter().filter(|entry| {
        entry.verb == "create"
            && entry.resource == "jobs"
            && entry.namespace.as_ref() == Some(&stage.ns)
            && entry.code == 201
    });
    let created = created.count();
    assert!(
        (2..=3).contains(&created),
        "{held}: {created} hook Jobs for three revisions"
    );
    let more = new.proxy.ledger().writes.len() - steady;
    assert!(more <= 4, "{held}: {more} writes to mend it");
}
