//! Every command of the user's own page on delivery workflows, run as it stands there.

use kubeop_tests::seed;
use serde_json::Value;

use crate::support::Evening;
use crate::told::{is_app, revision};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_works() {
    let evening = Evening::new("web").await;
    let cluster = evening.kubeop.cluster();
    // The tool that the page pipes into is not part of the cluster.
    if !cluster
        .paste("command -v jq")
        .await
        .unwrap()
        .stdout
        .contains("jq")
    {
        kubeop_tests::skip!("the page needs jq");
    }
    let sample = seed::sample_app();
    let mut hashes = Vec::new();
    for tag in ["2.3.1", "2.3.2", "2.3.3"] {
        let app = sample.replace("payments:2.3.1", &format!("payments:{tag}"));
        let apply = ["apply", "-n", "kubeop-web", "-f", "-"];
        cluster
            .kubectl_with_input(apply, &app)
            .await
            .unwrap()
            .success()
            .unwrap();
        hashes.push(revision(&is_app(&evening, "payments", "True", "Succeeded").await));
    }
    let commands = seed::commands();
    assert_eq!(commands.len(), 6, "{commands:?}");
    let mut said = Vec::new();
    for command in &commands {
        let output = cluster.paste(command).await.unwrap().success();
        said.push(output.unwrap_or_else(|error| panic!("{error:#}")));
    }
    let [conditions, record, rollout, undo, dns, events] = said.try_into().unwrap();
    let conditions: Value = serde_json::from_str(&conditions).unwrap();
    assert!(
        conditions
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["type"] == "Ready" && c["status"] == "True")
    );
    assert!(record.contains(&format!("hash: {}", hashes[0])), "{record}");
    assert!(rollout.contains("successfully rolled out"), "{rollout}");
    assert!(undo.contains("rolled back"), "{undo}");
    assert!(dns.contains("web-external created"), "{dns}");
    assert!(events.contains("HookSucceeded"), "{events}");
    // What the page calls a rollback is one: the second revision, held.
    let app = is_app(&evening, "payments", "True", "Pinned").await;
    assert_eq!(revision(&app), hashes[1]);

    // Its other way: the first manifest again is the first revision, and its hook does not run again.
    let jobs = || async {
        evening.get("jobs.batch").await.unwrap()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(jobs().await, 3);
    let apply = ["apply", "-n", "kubeop-web", "-f", "-"];
    cluster
        .kubectl_with_input(apply, sample)
        .await
        .unwrap()
        .success()
        .unwrap();
    let app = is_app(&evening, "payments", "True", "Succeeded").await;
    assert_eq!(revision(&app), hashes[0]);
    assert_eq!(jobs().await, 3);
}
