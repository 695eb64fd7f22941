//! What costs nothing: a steady App, a second apply, a restart.

use std::time::Duration;

use anyhow::{Context, ensure};
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::wait;

use crate::support::{SOON, Stage, image_app};

const HOOK: &str = "  hooks:\n    pre:\n    - {name: migrate, image: 'ghcr.io/acme/migrate:1'}\n";

/// Waits for a second without a call: after a restart for another test the Project is looked after once more.
async fn settled(stage: &Stage, ns: &str) {
    wait::until("nothing is called any more", SOON, || async {
        let log = stage.cluster.audit_log().context("an audit log")?.from_now()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let calls = stage.calls_in(&log, ns)?;
        ensure!(calls.is_empty(), "{calls:#?}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

/// What it costs until the App `pay` is Ready as this text says.
async fn calls_of(stage: &Stage, ns: &str, app: &str) -> Vec<String> {
    settled(stage, ns).await;
    let log = stage.cluster.audit_log().unwrap().from_now().unwrap();
    stage.apply(app).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = stage.calls_in(&log, ns).unwrap();
    let told = calls
        .iter()
        .map(|call| format!("{} {} {:?} {}", call.verb, call.resource, call.name, call.code));
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_apply_and_a_restart_of_the_controller_write_nothing() {
    let stage = Stage::shared().await;
    stage.project("steady").await.unwrap();
    let ns = "kubeop-steady";
    let app = image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK);
    stage.apply(&app).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let quiet = stage.running.write().await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let log = stage.cluster.audit_log().unwrap().from_now().unwrap();
    let answer = stage.apply(&app).await.unwrap();
    assert!(answer.contains("unchanged"), "{answer}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = stage.calls_in(&log, ns).unwrap();
    assert!(calls.is_empty(), "a steady App costs no call: {calls:#?}");

    for how in [Ending::Asked, Ending::Killed] {
        stage.stop_controller(how).await.unwrap();
        stage.start_controller().await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(quiet);
    let writes = stage.writes_in(&log, ns).unwrap();
    assert!(writes.is_empty(), "{writes:#?}");
    // Projects are written without a namespace.
    let project = |entry: &kubeop_tests::audit::Entry| entry.name.as_deref() == Some("steady");
    let writes: Vec<_> = log.kubeop_writes().unwrap().into_iter().filter(project).collect();
    assert!(writes.is_empty(), "{writes:#?}");
}

/// n objects cost at most 2n + 6 calls, a hook at most 6 more.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_stays_within_its_budget_of_calls() {
    let stage = Stage::shared().await;
    stage.project("budget").await.unwrap();
    let ns = "kubeop-budget";
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", HOOK))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let _running = stage.running.read().await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let calls = calls_of(stage, ns, &image_app(ns, "pay", "ghcr.io/acme/pay:2", HOOK)).await;
    println!("{} calls: {calls:#?}", calls.len());
    assert!(calls.len() <= 2 * 2 + 6 + 6, "{calls:#?}");
}

/// The same with manifests of which some are pruned: n counts both.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_prunes_stays_within_its_budget_of_calls() {
    let stage = Stage::shared().await;
    stage.project("pruned").await.unwrap();
    let ns = "kubeop-pruned";
    let app = |names: std::ops::Range<usize>, value: &str| {
        let manifests: Vec<_> = names
            .map(|name| {
                format!(
                    "      - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{name}}}, data: {{a: {value}}}}}\n\
                     \x20     - {{apiVersion: v1, kind: Secret, metadata: {{name: s{name}}}, stringData: {{a: {value}}}}}\n"
                )
            })
            .collect();
        crate::manifests::raw(ns, &manifests.concat())
    };
    stage.apply(&app(0..4, "b")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let _running = stage.running.read().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = calls_of(stage, ns, &app(2..6, "c")).await;
    // Eight are applied, four are pruned.
    assert!(calls.len() <= 2 * 12 + 6, "{} calls: {calls:#?}", calls.len());
}

/// The smallest App, once a revision leaves the history for each that comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_trims_the_history_stays_within_its_budget_of_calls() {
    let stage = Stage::shared().await;
    stage.project("trimmed").await.unwrap();
    let ns = "kubeop-trimmed";
    let app = |value: u32| {
        let manifest = format!(
            "      - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{a: '{value}'}}}}\n"
        );
        crate::manifests::raw(ns, &manifest).replacen("spec:\n", "spec:\n  revisionHistoryLimit: 1\n", 1)
    };
    for value in 1..4 {
        let _running = stage.running.read().await;
        let calls = calls_of(stage, ns, &app(value)).await;
        assert!(calls.len() <= 2 + 6, "{} calls: {calls:#?}", calls.len());
    }
    let stored = stage
        .kubectl(&format!("get secrets -n {ns} -o name"))
        .await
        .unwrap();
    assert_eq!(stored.matches("kubeop-revision-pay-").count(), 1, "{stored}");
}
