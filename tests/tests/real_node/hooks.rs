//! Hooks with a real kubelet: what a failed one tells, how it is run again or passed over, and what ends one that
//! cannot start or does not end.

use std::time::Duration;

use anyhow::{Context, ensure};
use kubeop_tests::{KubeOp, wait};

use crate::evenings::TOOL;
use crate::support::{Evening, SOON};

/// An App whose revision is this number, with one pre hook.
fn app(evening: &Evening<'_>, number: u32, hook: &str) -> String {
    let more = format!(
        "      args: [serve, '8080']\n      env: [{{name: NUMBER, value: '{number}'}}]\n  hooks:\n    pre:\n    - {hook}\n"
    );
    evening.app(TOOL, &more).replace("replicas: 2", "replicas: 1")
}

fn hook(args: &str, more: &str) -> String {
    format!("{{name: migrate, image: '{TOOL}', args: {args}{more}}}")
}

/// The printed command that says this.
async fn follow(evening: &Evening<'_>, message: &str, word: &str) {
    let lines = || {
        message
            .lines()
            .filter_map(|line| line.find("kubectl ").map(|start| &line[start..]))
    };
    let command = lines().find(|line| line.contains(word));
    let command = command.unwrap_or_else(|| panic!("no command says {word}: {message}"));
    let cluster = evening.kubeop.cluster();
    let command = command.replace("<anything new>", "once-more");
    cluster.paste(&command).await.unwrap().success().unwrap();
}

async fn text(evening: &Evening<'_>, what: &str, path: &str) -> String {
    let args = format!("get {what} -n {} -o jsonpath={path}", evening.ns);
    evening.kubectl(&args).await.unwrap()
}

/// How many hook Jobs there are.
async fn jobs(evening: &Evening<'_>) -> usize {
    text(evening, "jobs", "{.items[*].metadata.name}")
        .await
        .split_whitespace()
        .count()
}

pub async fn all(kubeop: &KubeOp<'_>) {
    tokio::join!(
        failing(kubeop),
        hanging(kubeop),
        unpullable(kubeop),
        without_account(kubeop),
        deleted(kubeop),
    );
}

async fn failing(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "hook-fails").await;
    evening
        .apply(&app(&evening, 1, &hook("[print, done]", "")))
        .await
        .unwrap();
    evening.is_ready().await;
    let generation = "{.metadata.generation}";
    let before = text(&evening, "deployment/pay", generation).await;

    let failing = hook("[print, no such table, exit, '3']", "");
    evening.apply(&app(&evening, 2, &failing)).await.unwrap();
    evening
        .seen("a hook that fails", "get pods -o yaml", "exitCode: 3")
        .await;
    let words = [
        "HookFailed",
        "pre hook migrate failed with exit code 3",
        "no such table",
    ];
    let message = evening.says(&words).await;
    assert_eq!(before, text(&evening, "deployment/pay", generation).await);
    let told = "get events --field-selector=reason=HookFailed -o jsonpath={.items[*].message}";
    evening.seen("an Event", told, "exit code 3: no such table").await;
    assert_eq!(jobs(&evening).await, 2);

    follow(&evening, &message, "retry-hooks").await;
    wait::until("the hook failed once more", SOON, || async {
        let record = text(&evening, "configmap/kubeop-revision-pay", "{.data.hooks}").await;
        ensure!(record.contains("attempt: 2"), "{record}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let message = evening.says(&words).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(jobs(&evening).await, 3, "a retry is one more run");
    assert_eq!(before, text(&evening, "deployment/pay", generation).await);

    follow(&evening, &message, "skip-hook").await;
    evening.is_ready().await;
    assert_eq!(jobs(&evening).await, 3, "what is skipped does not run");
    let record = text(&evening, "configmap/kubeop-revision-pay", "{.data.hooks}").await;
    assert!(record.contains("outcome: Skipped"), "{record}");
    let told = "get events --field-selector=reason=HookSkipped -o jsonpath={.items[*].message}";
    let whoami = evening
        .kubectl("auth whoami -o jsonpath={.status.userInfo.username}")
        .await
        .unwrap();
    evening.seen("who skipped it", told, &whoami).await;
}

/// S36: a hook that hangs.
async fn hanging(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "hook-hangs").await;
    let hook = hook(
        "[print, waiting for a lock, sleep, '10000']",
        ", timeoutSeconds: 10",
    );
    evening.apply(&app(&evening, 1, &hook)).await.unwrap();
    evening
        .says_within(SOON, &["pre hook migrate", "DeadlineExceeded"])
        .await;
    assert!(evening.get("deployment/pay").await.is_err());
    evening
        .apply(&app(&evening, 1, &self::hook("[print, done]", "")))
        .await
        .unwrap();
    evening.is_ready().await;
}

/// S36: a hook whose image cannot be pulled.
async fn unpullable(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "hook-pull").await;
    let none = hook("[print, done]", "").replace(TOOL, "ghcr.io/acme/none:1");
    evening.apply(&app(&evening, 1, &none)).await.unwrap();
    let pods = "get pods -o yaml";
    evening
        .seen("an image that cannot be pulled", pods, "ErrImagePull")
        .await;
    let words = ["HookRunning", "image \"ghcr.io/acme/none:1\" cannot be pulled"];
    evening.says(&words).await;
    // A new spec waits for the end of a hook that may still run.
    let hook = hook("[print, done]", "");
    evening.apply(&app(&evening, 1, &hook)).await.unwrap();
    let jobs = "delete jobs --all --wait=false";
    evening
        .kubectl(&format!("{jobs} -n {}", evening.ns))
        .await
        .unwrap();
    let pods = "delete pods --all --wait=false";
    evening
        .kubectl(&format!("{pods} -n {}", evening.ns))
        .await
        .unwrap();
    evening.is_ready().await;
}

/// S36: a hook whose account does not exist. Once it does, the hook runs.
async fn without_account(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "hook-account").await;
    let hook = hook("[print, done]", ", serviceAccountName: migrator");
    evening.apply(&app(&evening, 1, &hook)).await.unwrap();
    evening.cannot_create("migrator").await;
    evening.says(&["HookRunning", "migrator", "not found"]).await;
    let account = format!("create serviceaccount migrator -n {}", evening.ns);
    evening.kubectl(&account).await.unwrap();
    evening.is_ready().await;
    assert_eq!(jobs(&evening).await, 1);
}

/// S33: the Job is deleted while it runs, and its Pod tells how it ended.
async fn deleted(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "hook-deleted").await;
    let hook = hook("[sleep, '8', print, done]", "");
    evening.apply(&app(&evening, 1, &hook)).await.unwrap();
    let pods = "get pods -l platform.kubeop.io/hook-of=pay -o jsonpath={.items[*].status.phase}";
    evening.seen("a hook that runs", pods, "Running").await;
    let delete = format!("delete jobs --all --wait=false -n {}", evening.ns);
    evening.kubectl(&delete).await.unwrap();
    evening.is_ready().await;
    let record = evening.get("configmap/kubeop-revision-pay").await.unwrap();
    let hooks = record["data"]["hooks"].as_str().context("no hooks").unwrap();
    assert!(
        hooks.contains("outcome: Succeeded") && hooks.contains("attempt: 1"),
        "{hooks}"
    );
    assert_eq!(jobs(&evening).await, 0);
}
