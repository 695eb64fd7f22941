//! `rollback.automatic` with a real kubelet: an image that crash-loops is given up, and the one before serves.

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::{KubeOp, wait};

use crate::evenings::TOOL;
use crate::support::{Evening, SOON};

const POLICY: &str = "  progressDeadlineSeconds: 20\n  rollback: {automatic: true}\n";

fn app(evening: &Evening<'_>, number: u32, args: &str) -> String {
    let more = format!("      args: {args}\n      env: [{{name: NUMBER, value: '{number}'}}]\n{POLICY}");
    evening.app(TOOL, &more).replace("replicas: 2", "replicas: 1")
}

/// Without a readiness probe: the container counts as ready before each crash.
pub async fn automatic(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "auto-back").await;
    evening.apply(&app(&evening, 1, "[serve, '8080']")).await.unwrap();
    evening.is_ready().await;
    let revision = "get app pay -o jsonpath={.status.revision}";
    let revision = async || {
        evening
            .kubectl(&format!("{revision} -n {}", evening.ns))
            .await
            .unwrap()
    };
    let first = revision().await;
    evening
        .apply(&app(&evening, 2, "[print, no database, exit, '3']"))
        .await
        .unwrap();
    let message = evening
        .says_within(
            Duration::from_secs(90),
            &["False", "RolledBackAutomatically", "exit code 3"],
        )
        .await;
    assert!(message.contains("no database"), "{message}");
    assert_eq!(revision().await, first);
    let conditions = "get app pay -o jsonpath={.status.conditions[?(@.type=='Stalled')].status}";
    let stalled = evening
        .kubectl(&format!("{conditions} -n {}", evening.ns))
        .await
        .unwrap();
    assert_eq!(stalled, "True");
    // It serves: the one Pod is the first revision's, and it is ready.
    wait::until("the first revision serves", SOON, || async {
        let pods = evening.get("pods -l app.kubeop.io/app-id=pay").await?;
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        let serving = pods
            .iter()
            .filter(|pod| pod["spec"]["containers"][0]["args"][0] == "serve");
        let ready = serving.filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true);
        ensure!(pods.len() == 1 && ready.count() == 1, "{pods:?}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let endpoints = "get endpointslices -l kubernetes.io/service-name=pay -o jsonpath={.items[0].endpoints[*].conditions.ready}";
    evening
        .seen("an endpoint of the Service", endpoints, "true")
        .await;
}
