//! What people of a project try to get past the list of registries, or out of their namespace: a table of attempts, each
//! with who makes it and what the refusal must say.

mod attempt;
mod delivered;
mod ground;
mod images;
mod more;
mod objects;
mod reserved;
mod rights;
mod told;

use attempt::Attempt;
use ground::Ground;

/// One list, so that a failure names every attempt that was not refused as it should be.
#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_is_refused() {
    let ground = Ground::shared().await;
    let table: Vec<Attempt> = [
        images::attempts(),
        rights::attempts(),
        more::attempts(),
        reserved::attempts(&ground.hook_job),
        told::attempts(),
        delivered::attempts(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (mut names, mut wrong) = (std::collections::BTreeSet::new(), Vec::new());
    for attempt in &table {
        assert!(names.insert(attempt.name), "twice: {}", attempt.name);
    }
    for (attempt, found) in ground.make_all(&table).await {
        println!("{attempt}: {}", found.as_ref().map_or("NO", |()| "refused"));
        if let Err(found) = found {
            wrong.push(format!("- {attempt}: {found:#}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} attempts were not refused as they should be:\n{}",
        wrong.len(),
        table.len(),
        wrong.join("\n")
    );
}
