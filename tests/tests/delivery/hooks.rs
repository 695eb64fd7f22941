//! Hooks: in order, once, and what happens when one fails.

use std::time::Duration;

use anyhow::ensure;
use kubeop_shared::api::AppSpec;
use kubeop_shared::render::{Declared, hook_job_name};
use kubeop_shared::revision::{HookKey, Phase};
use kubeop_tests::audit::Entry;
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::{fake, wait};

use crate::apps::jobs;
use crate::support::{SOON, Stage, condition, image_app};

pub fn hook(name: &str, env: &[(&str, &str)]) -> String {
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| format!("{{name: {name}, value: '{value}'}}"))
        .collect();
    format!(
        "    - {{name: {name}, image: 'ghcr.io/acme/{name}:1', env: [{}]}}\n",
        env.join(", ")
    )
}

fn hooks(pre: &[String], post: &[String]) -> String {
    format!("  hooks:\n    pre:\n{}    post:\n{}", pre.concat(), post.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_hooks_run_one_after_the_other_before_and_after_delivery() {
    let stage = Stage::shared().await;
    stage.project("order").await.unwrap();
    let ns = "kubeop-order";
    let slow = [(fake::RUN_FOR, "1s")];
    let more = hooks(
        &[hook("a", &slow), hook("b", &slow)],
        &[hook("c", &slow), hook("d", &slow)],
    );
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let list = stage.get(ns, "jobs").await.unwrap();
    let mut runs: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            let text = |pointer: &str| job.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            let name = text("/metadata/labels/platform.kubeop.io~1hook");
            (text("/status/startTime"), text("/status/completionTime"), name)
        })
        .collect();
    runs.sort();
    let order: Vec<_> = runs.iter().map(|(_, _, name)| name.as_str()).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
    for pair in runs.windows(2) {
        assert!(
            pair[0].1 <= pair[1].0,
            "{} ends before {} starts",
            pair[0].2,
            pair[1].2
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_a_failed_hook_pauses_the_app_and_tells_its_exit_code() {
    let stage = Stage::shared().await;
    stage.project("failing").await.unwrap();
    let ns = "kubeop-failing";
    let more = hooks(
        &[hook("a", &[]), hook("b", &[(fake::EXIT_CODE, "3")])],
        &[hook("c", &[])],
    );
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    let app = stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    let message = condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("pre hook b failed with exit code 3"),
        "{message}"
    );
    assert!(
        message.contains("retry-hooks"),
        "the way out is part of it: {message}"
    );
    assert_eq!(condition(&app, "Stalled")["status"], "True");
    assert_eq!(condition(&app, "Reconciling")["status"], "False");
    assert!(stage.get(ns, "deployments/pay").await.unwrap().is_null());
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(events.contains("HookFailed"), "{events}");
    assert_eq!(jobs(stage, ns).await, 2);

    // A restart runs nothing again.
    let running = stage.running.write().await;
    stage.stop_controller(Ending::Killed).await.unwrap();
    stage.start_controller().await.unwrap();
    drop(running);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(jobs(stage, ns).await, 2);

    // A retry is a new attempt of the one that failed.
    let retry =
        format!("annotate --overwrite apps.platform.kubeop.io/pay -n {ns} platform.kubeop.io/retry-hooks=1");
    stage.kubectl(&retry).await.unwrap();
    wait::until("a third Job", SOON, || async {
        ensure!(jobs(stage, ns).await == 3, "no third Job yet");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    let app = stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    assert_eq!(app["status"]["handled"]["platform.kubeop.io/retry-hooks"], "1");

    // A new spec is the other way out.
    let more = hooks(&[hook("a", &[])], &[hook("c", &[])]);
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_a_hook_runs_starts_it_no_second_time() {
    let stage = Stage::shared().await;
    stage.project("crash").await.unwrap();
    let ns = "kubeop-crash";
    let more = hooks(&[hook("a", &[(fake::RUN_FOR, "4s")])], &[hook("b", &[])]);
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "False", "HookRunning").await.unwrap();
    let running = stage.running.write().await;
    stage.stop_controller(Ending::Killed).await.unwrap();
    stage.start_controller().await.unwrap();
    drop(running);
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    // Times are in whole seconds, and sort as texts.
    let list = stage.get(ns, "jobs -l platform.kubeop.io/hook=a").await.unwrap();
    let ended = list["items"][0]["status"]["completionTime"]
        .as_str()
        .unwrap()
        .to_owned();
    let deployment = stage.get(ns, "deployment/pay").await.unwrap();
    let delivered = deployment["metadata"]["creationTimestamp"].as_str().unwrap();
    assert!(
        delivered >= ended.as_str(),
        "delivered at {delivered}, hook ended at {ended}"
    );
    assert_eq!(jobs(stage, ns).await, 2);
}

/// S33: somebody deletes the Job while it runs. Its Pod is followed for as long as the hook has time.
#[tokio::test(flavor = "multi_thread")]
async fn s33_a_job_that_is_deleted_while_it_runs_is_followed_by_its_pod() {
    let stage = Stage::shared().await;
    stage.project("deleted-job").await.unwrap();
    let ns = "kubeop-deleted-job";
    for (name, runs_for, reason) in [("short", "4s", "Succeeded"), ("long", "24h", "HookFailed")] {
        let hook =
            hook("a", &[(fake::RUN_FOR, runs_for)]).replace("name: a,", "name: a, timeoutSeconds: 12,");
        let more = format!("  hooks:\n    pre:\n{hook}");
        stage
            .apply(&image_app(ns, name, "ghcr.io/acme/pay:1", &more))
            .await
            .unwrap();
        stage.app_is(ns, name, "False", "HookRunning").await.unwrap();
        let jobs = format!("-l app.kubeop.io/app-id={name} -n {ns}");
        wait::until("the Pod runs", SOON, || async {
            let pods = stage
                .kubectl(&format!("get pods -l platform.kubeop.io/hook-of={name} -n {ns}"))
                .await?;
            ensure!(pods.contains("Running"), "{pods}");
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
        stage
            .kubectl(&format!("delete jobs {jobs} --wait=false"))
            .await
            .unwrap();
        let status = if reason == "Succeeded" { "True" } else { "False" };
        let app = stage.app_is(ns, name, status, reason).await.unwrap();
        if reason == "HookFailed" {
            let message = condition(&app, "Ready")["message"].to_string();
            // Who ends it first: the Job controller, or we.
            let told = ["DeadlineExceeded", "its Job was deleted"];
            assert!(told.iter().any(|why| message.contains(why)), "{message}");
        }
        wait::until("the Job is gone", SOON, || async {
            let left = stage.kubectl(&format!("get jobs {jobs} -o name")).await?;
            ensure!(left.trim().is_empty(), "{left}");
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    }
}

/// S36: a hook that cannot start is no wait for ever, and the Pod's own reason is told.
#[tokio::test(flavor = "multi_thread")]
async fn s36_a_hook_whose_image_cannot_be_pulled_fails_at_its_deadline() {
    let stage = Stage::shared().await;
    stage.project("unpullable").await.unwrap();
    let ns = "kubeop-unpullable";
    let hook = hook("a", &[(fake::PULL_ERROR, "true")]).replace("name: a,", "name: a, timeoutSeconds: 6,");
    let more = format!("  hooks:\n    pre:\n{hook}");
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", &more))
        .await
        .unwrap();
    let app = stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    let message = condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("cannot be pulled") && message.contains("DeadlineExceeded"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s47_configuration_that_a_hook_needs_is_there_before_it_runs() {
    let stage = Stage::shared().await;
    stage.project("needs").await.unwrap();
    let ns = "kubeop-needs";
    let hooks = hooks(&[hook("a", &[(fake::EXIT_CODE, "3")])], &[]).replacen(
        "hooks:\n",
        "hooks:\n    needs: Config\n",
        1,
    );
    let manifests = "  delivery:\n    kind: Raw\n    raw:\n      manifests:\n\
        \x20     - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}\n\
        \x20     - {apiVersion: v1, kind: Service, metadata: {name: pay}, spec: {ports: [{port: 80}]}}\n";
    let app = format!(
        "apiVersion: platform.kubeop.io/v1alpha1\nkind: App\nmetadata: {{name: pay, namespace: {ns}}}\n\
         spec:\n  projectRef: needs\n{manifests}{hooks}"
    );
    stage.apply(&app).await.unwrap();
    stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    assert!(!stage.get(ns, "configmaps/settings").await.unwrap().is_null());
    assert!(stage.get(ns, "services/pay").await.unwrap().is_null());
    let log = stage.cluster.audit_log().unwrap();
    let writes = stage.writes_in(&log, ns).unwrap();
    let settings = Some("settings".to_owned());
    let config = writes.iter().position(|write| write.name == settings).unwrap();
    let job = writes.iter().position(|write| write.resource == "jobs").unwrap();
    assert!(config < job, "the ConfigMap comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn s59_a_failed_hook_is_skipped_by_the_printed_command() {
    let stage = Stage::shared().await;
    stage.project("skip").await.unwrap();
    let ns = "kubeop-skip";
    let more = hooks(&[hook("a", &[(fake::EXIT_CODE, "3")]), hook("b", &[])], &[]);
    let app = image_app(ns, "pay", "ghcr.io/acme/pay:1", &more);
    stage.apply(&app).await.unwrap();
    let failed = stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    let message = condition(&failed, "Ready")["message"]
        .as_str()
        .unwrap()
        .to_owned();
    let command = message.lines().find(|line| line.contains("skip-hook")).unwrap();
    stage.cluster.paste(command).await.unwrap().success().unwrap();
    let app = stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let pre = condition(&app, "PreHooksSucceeded")["message"].to_string();
    assert!(pre.contains("skipped: a"), "{pre}");
    assert_eq!(jobs(stage, ns).await, 2, "the other hook ran");
    let record = stage.get(ns, "configmaps/kubeop-revision-pay").await.unwrap();
    assert!(
        record["data"]["hooks"]
            .as_str()
            .unwrap()
            .contains("outcome: Skipped"),
        "{record}"
    );
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(events.contains("HookSkipped"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_hook_has_failed_the_delivered_revision_stays_as_it_was() {
    let stage = Stage::shared().await;
    stage.project("held").await.unwrap();
    let ns = "kubeop-held";
    let revision = |number: u32, code: &str| {
        let more = hooks(&[hook("a", &[(fake::EXIT_CODE, code)])], &[]);
        image_app(ns, "pay", &format!("ghcr.io/acme/pay:{number}"), &more)
    };
    stage.apply(&revision(1, "0")).await.unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    stage.apply(&revision(2, "3")).await.unwrap();
    stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();

    let image = async || {
        let deployment = stage.get(ns, "deployments/pay").await?;
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        anyhow::Ok((image, deployment["metadata"]["generation"].clone()))
    };
    for edit in [
        format!("set image deployment/pay -n {ns} pay=ghcr.io/acme/by-hand:1"),
        format!("delete deployment/pay -n {ns}"),
    ] {
        let (before, generation) = image().await.unwrap();
        assert_eq!(before, "ghcr.io/acme/pay:1");
        stage.kubectl(&edit).await.unwrap();
        wait::until("the delivered revision is put back", SOON, || async {
            let (now, moved) = image().await?;
            ensure!(now == "ghcr.io/acme/pay:1" && moved != generation, "{now}");
            Ok(())
        })
        .await
        .unwrap();
    }
    stage.app_is(ns, "pay", "False", "HookFailed").await.unwrap();
    assert_eq!(jobs(stage, ns).await, 2, "no hook runs for that");

    // Each revision is stored, readable for those who may read Secrets, and goes with the App.
    for number in [1, 2] {
        let secret = stage
            .get(ns, &format!("secrets/kubeop-revision-pay-{number}"))
            .await
            .unwrap();
        assert_eq!(secret["type"], "platform.kubeop.io/revision", "{secret}");
    }
    stage
        .kubectl(&format!(
            "delete apps.platform.kubeop.io/pay -n {ns} --cascade=orphan"
        ))
        .await
        .unwrap();
    for what in [
        "secrets/kubeop-revision-pay-1",
        "secrets/kubeop-revision-pay-2",
        "deployments/pay",
    ] {
        assert!(stage.get(ns, what).await.unwrap().is_null(), "{what} is left");
    }
}

/// The name of a hook Job can be known beforehand. Whoever may create Jobs could take it, and must neither count as the
/// hook nor make the controller turn in circles.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_job_of_a_hooks_name_is_told_and_is_no_hook() {
    let stage = Stage::shared().await;
    stage.project("squat").await.unwrap();
    let ns = "kubeop-squat";
    let app = |suspend: bool| {
        let pre = format!(
            "  hooks:\n    pre:\n{}  suspend: {suspend}\n",
            hook("migrate", &[])
        );
        image_app(ns, "pay", "ghcr.io/acme/pay:1", &pre)
    };
    stage.apply(&app(true)).await.unwrap();
    let found = stage.app_is(ns, "pay", "False", "Suspended").await.unwrap();
    let spec: AppSpec = serde_json::from_value(found["spec"].clone()).unwrap();
    let key = HookKey {
        hash: Declared::read(&spec, ns).unwrap().hash,
        phase: Phase::Pre,
        name: "migrate".to_owned(),
    };
    let name = hook_job_name("pay", found["metadata"]["uid"].as_str().unwrap(), &key, 1);
    let foreign = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: {ns}}}\n\
         spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: 'ghcr.io/acme/x:1'}}]}}}}}}\n"
    );
    stage.apply(&foreign).await.unwrap();
    stage.apply(&app(false)).await.unwrap();
    let told = stage.app_is(ns, "pay", "False", "ApplyFailed").await.unwrap();
    let message = condition(&told, "Ready")["message"].as_str().unwrap().to_owned();
    let command = message.lines().last().unwrap();
    assert_eq!(command, format!("kubectl -n {ns} delete job {name}"), "{message}");
    let log = stage.cluster.audit_log().unwrap().from_now().unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let ours = |entry: &Entry| entry.namespace.as_deref() == Some(ns);
    let calls = log.kubeop_calls().unwrap().into_iter().filter(ours).count();
    assert!(calls < 30, "{calls} calls in three seconds");
    stage
        .kubectl(command.trim_start_matches("kubectl "))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
    let jobs = stage.get(ns, "jobs").await.unwrap();
    assert_eq!(jobs["items"][0]["metadata"]["name"], name.as_str());
}
