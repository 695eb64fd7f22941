//! The crash sweep: one App lives its whole life under one fault, and the end state is the same as without. A sample
//! of faults in each test run; all of them with `KUBEOP_TEST_SWEEP=all` (`just sweep`).

mod audit;
mod difference;
mod faults;
mod ground;
mod objects;
mod run;
mod snapshot;
mod story;
mod table;

use futures::StreamExt;
use kubeop_tests::proxy::Fault;

use faults::Faults;
use ground::Ground;
use run::Run;
use table::Table;

/// Runs at the same time. A run mostly waits, for Jobs and Pods.
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_the_end_state_is_the_same() {
    let ground = Ground::start().await.unwrap();
    let unharmed = Run::new(&ground, 0, Fault::default()).walk(None).await.unwrap();
    println!(
        "without faults: {} writes, {} news of watches",
        unharmed.ledger.writes.len(),
        unharmed.ledger.news.len()
    );
    for (user, calls) in unharmed.ledger.calls() {
        println!("  {user}: {calls}");
    }
    let faults = Faults::from_environment(&unharmed.ledger);
    println!("{faults}");
    let runs = faults.list.iter().zip(1..).map(|(&fault, number)| {
        let (ground, unharmed) = (&ground, &unharmed);
        async move {
            let walked = Run::new(ground, number, fault).walk(Some(unharmed)).await;
            (fault, walked)
        }
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
