//! The crash sweep: one App lives its whole life under one fault, and the end state is the same as without. A sample
//! of faults in each test run; all of them with `KUBEOP_TEST_SWEEP=all` (`just sweep`), the rest of them with `after 1000`.

mod audit;
mod difference;
mod faults;
mod ground;
mod objects;
mod once;
mod run;
mod schedule;
mod schedules;
mod snapshot;
mod story;
mod table;

use std::collections::BTreeMap;

use futures::StreamExt;
use kubeop_tests::options::Audit;
use kubeop_tests::proxy::Fault;

use faults::{Faults, Trial};
use ground::Ground;
use run::{Run, Walked};
use story::Story;
use table::Table;

/// Runs at the same time. A run mostly waits, for Jobs and Pods.
const AT_ONCE: usize = 6;

/// The tests of this program fill the machine, each for itself.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_the_end_state_is_the_same() {
    let _turn = TURN.lock().await;
    let ground = &Ground::start(Audit::On).await.unwrap();
    let without = async |(number, story)| {
        let fault = Fault::default();
        Run::new(ground, number, Trial { story, fault }).walk(None).await
    };
    let unharmed = futures::future::try_join_all((0..).zip(Story::ALL).map(without));
    let unharmed: BTreeMap<Story, Walked> = Story::ALL.into_iter().zip(unharmed.await.unwrap()).collect();
    for (story, Walked { ledger, .. }) in &unharmed {
        let (writes, news) = (ledger.writes.len(), ledger.news.len());
        println!("{story:?} life without faults: {writes} writes, {news} news of watches");
        for (user, calls) in ledger.calls() {
            println!("  {user}: {calls}");
        }
    }
    let faults = Faults::from_environment(&unharmed);
    println!("{faults}");
    let numbered = faults.list.iter().zip(unharmed.len()..);
    let runs = numbered.map(|(&trial, number)| {
        let unharmed = unharmed.get(&trial.story);
        async move { (trial.fault, Run::new(ground, number, trial).walk(unharmed).await) }
    });
    let mut walked = futures::stream::iter(runs).buffer_unordered(AT_ONCE);
    let mut table = Table::default();
    while let Some((fault, walked)) = walked.next().await {
        table.add(fault, walked);
        let (runs, _) = table.reached();
        if runs.is_multiple_of(50) {
            println!("{runs} of {}", faults.list.len());
        }
    }
    println!("{table}");
    assert!(
        table.violations().is_empty(),
        "{}",
        table.violations().join("\n\n")
    );
    // How much passes in the last moments differs from run to run.
    let (runs, struck) = table.reached();
    assert!(struck * 10 >= runs * 9, "only {struck} of {runs} faults were met");
}
