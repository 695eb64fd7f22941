//! What is a revision and what is none: hooks run for the first, once, and for the second not at all.

use anyhow::ensure;
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::{fake, wait};
use serde_json::Value;

use crate::apps::jobs;
use crate::hooks::hook;
use crate::support::{SOON, Stage, image_app};

/// An App with one pre hook; `image` are further lines under `spec.delivery.image`.
fn app(ns: &str, tag: u32, image: &str, hook: &str) -> String {
    let more = format!("{image}  hooks:\n    pre:\n{hook}");
    image_app(ns, "pay", &format!("ghcr.io/acme/pay:{tag}"), &more)
}

fn tagged(hook: &str, tag: u32) -> String {
    hook.replace("/a:1'", &format!("/a:{tag}'"))
}

async fn image(stage: &Stage, ns: &str) -> Value {
    let deployment = stage.get(ns, "deployments/pay").await.unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

/// Images of the hooks that ran, sorted.
async fn ran(stage: &Stage, ns: &str) -> Vec<String> {
    let args = "get jobs -o jsonpath={.items[*].spec.template.spec.containers[0].image}";
    let said = stage.kubectl(&format!("{args} -n {ns}")).await.unwrap();
    let mut images: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
    images.sort();
    images
}

#[tokio::test(flavor = "multi_thread")]
async fn s34_a_new_spec_gives_up_a_rollout_and_runs_its_own_hooks_first() {
    let stage = Stage::shared().await;
    stage.project("superseded").await.unwrap();
    let ns = "kubeop-superseded";
    let quick = hook("a", &[]);
    stage.apply(&app(ns, 1, "", &quick)).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();

    let stuck = format!("      env: [{{name: {}, value: 'true'}}]\n", fake::PULL_ERROR);
    stage
        .apply(&app(ns, 2, &stuck, &tagged(&quick, 2)))
        .await
        .unwrap();
    wait::until("the second revision is stuck", SOON, || async {
        let args =
            "get apps.platform.kubeop.io/pay -o jsonpath={.status.conditions[?(@.type=='Ready')].message}";
        let message = stage.kubectl(&format!("{args} -n {ns}")).await?;
        ensure!(message.contains("cannot be pulled"), "{message}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();

    let slow = tagged(&hook("a", &[(fake::RUN_FOR, "3s")]), 3);
    stage.apply(&app(ns, 3, "", &slow)).await.unwrap();
    stage.app_is(ns, "pay", "False", "HookRunning").await.unwrap();
    assert_eq!(
        image(stage, ns).await,
        "ghcr.io/acme/pay:2",
        "nothing of the third is written"
    );
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_eq!(image(stage, ns).await, "ghcr.io/acme/pay:3");
    let images = ["ghcr.io/acme/a:1", "ghcr.io/acme/a:2", "ghcr.io/acme/a:3"];
    assert_eq!(ran(stage, ns).await, images);
}

#[tokio::test(flavor = "multi_thread")]
async fn s37_no_change_runs_no_hook() {
    let stage = Stage::shared().await;
    stage.project("unchanged").await.unwrap();
    let ns = "kubeop-unchanged";
    let said = |resources: &str| app(ns, 1, &format!("      resources: {resources}\n"), &hook("a", &[]));
    stage
        .apply(&said("{limits: {cpu: 500m, memory: 1Gi}}"))
        .await
        .unwrap();
    let first = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let is_as_before = async |what: &str| {
        let now = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
        assert_eq!(now["status"]["revision"], first["status"]["revision"], "{what}");
        assert_eq!(jobs(stage, ns).await, 1, "{what}");
    };

    let other_words = said("{limits: {memory: '1073741824', cpu: '0.5'}}");
    stage.apply(&other_words).await.unwrap();
    is_as_before("the same in other words").await;
    for touch in [
        "label apps.platform.kubeop.io/pay a=b",
        "annotate apps.platform.kubeop.io/pay a=b",
    ] {
        stage.kubectl(&format!("{touch} -n {ns}")).await.unwrap();
    }
    is_as_before("a label and an annotation").await;
    stage
        .kubectl(&format!(
            "set image deployment/pay -n {ns} pay=ghcr.io/acme/by-hand:1"
        ))
        .await
        .unwrap();
    wait::until("the edit is put back", SOON, || async {
        let now = image(stage, ns).await;
        ensure!(now == "ghcr.io/acme/pay:1", "{now}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    is_as_before("a hand edit").await;
    stage
        .kubectl(&format!("delete pods --all -n {ns} --wait=false"))
        .await
        .unwrap();
    let running = stage.running.write().await;
    stage.stop_controller(Ending::Killed).await.unwrap();
    stage.start_controller().await.unwrap();
    drop(running);
    is_as_before("new Pods and a new controller").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s56_a_hook_alone_is_a_new_revision_and_restarts_no_pod() {
    let stage = Stage::shared().await;
    stage.project("hook-only").await.unwrap();
    let ns = "kubeop-hook-only";
    let quick = hook("a", &[]);
    stage.apply(&app(ns, 1, "", &quick)).await.unwrap();
    let first = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let pods = async || {
        let args = "get pods -l app.kubeop.io/app-id=pay,!batch.kubernetes.io/job-name -o jsonpath={.items[*].metadata.uid}";
        stage.kubectl(&format!("{args} -n {ns}")).await.unwrap()
    };
    let before = pods().await;
    assert_eq!(before.split_whitespace().count(), 2);
    stage.apply(&app(ns, 1, "", &tagged(&quick, 2))).await.unwrap();
    let second = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    assert_ne!(first["status"]["revision"], second["status"]["revision"]);
    assert_eq!(ran(stage, ns).await, ["ghcr.io/acme/a:1", "ghcr.io/acme/a:2"]);
    assert_eq!(before, pods().await);
}
