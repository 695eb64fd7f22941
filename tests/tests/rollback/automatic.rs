//! `rollback.automatic`: a rollout that misses its deadline is given up by itself.

use kubeop_tests::fake;

use crate::support::Evening;
use crate::told::{events, image, is, message, revision, roll_back, told};

const POLICY: &str = "  progressDeadlineSeconds: 4\n  rollback: {automatic: true}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_fails_is_rolled_back_where_the_spec_wants_it() {
    let evening = Evening::new("automatic").await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", POLICY))
        .await
        .unwrap();
    let first = revision(&is(&evening, "True", "Succeeded").await);
    let stuck = format!(
        "      env: [{{name: {}, value: 'true'}}]\n{POLICY}",
        fake::PULL_ERROR
    );
    let second = evening.app("ghcr.io/acme/pay:2", &stuck);
    evening.apply(&second).await.unwrap();
    let app = is(&evening, "False", "RolledBackAutomatically").await;
    assert_eq!(revision(&app), first);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    let said = message(&app);
    assert!(
        said.contains("failed: Deployment pay:") && said.contains("cannot be pulled"),
        "{said}"
    );
    let conditions = app["status"]["conditions"].as_array().unwrap();
    let state = |kind: &str| conditions.iter().find(|c| c["type"] == kind).unwrap()["status"].clone();
    assert_eq!(
        (state("Stalled"), state("Reconciling")),
        ("True".into(), "False".into())
    );
    told(&evening, "RolloutFailed", "cannot be pulled").await;
    told(&evening, "RolledBack", "automatically").await;
    // The same again changes nothing.
    evening.apply(&second).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    is(&evening, "False", "RolledBackAutomatically").await;
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    // A person may agree to it.
    roll_back(&evening, &first).await.unwrap();
    is(&evening, "True", "Pinned").await;
    // Or try it again, with the same end.
    roll_back(&evening, "none").await.unwrap();
    is(&evening, "False", "RolledBackAutomatically").await;
    let rolled_back = events(&evening, "RolledBack").await;
    assert_eq!(rolled_back.matches("automatically").count(), 2, "{rolled_back}");
    // And something new is delivered as ever.
    evening
        .apply(&evening.app("ghcr.io/acme/pay:3", POLICY))
        .await
        .unwrap();
    is(&evening, "True", "Succeeded").await;
}
