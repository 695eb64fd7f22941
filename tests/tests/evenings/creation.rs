//! Evenings on which no Pod can be created. When the reason is gone, that is not waited out: the ReplicaSet would
//! try again only after minutes.

use std::time::{Duration, Instant};

use crate::others_webhook::OthersWebhook;
use crate::support::Evening;

/// Attempts so far: the next one of the controller's own is further away than [`AT_ONCE`].
const LONG_ENOUGH: Duration = Duration::from_secs(45);
/// From the end of the reason to an App that is Ready.
const AT_ONCE: Duration = Duration::from_secs(12);

async fn is_ready_at_once(evening: &Evening<'_>) {
    let since = Instant::now();
    evening.is_ready().await;
    assert!(since.elapsed() < AT_ONCE, "it took {:?}", since.elapsed());
    evening
        .seen(
            "the touch",
            "get replicasets -o yaml",
            "platform.kubeop.io/touched",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up() {
    let evening = Evening::new("quota").await;
    let quota = |pods: u32| {
        format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: few, namespace: {}}}\nspec: {{hard: {{pods: {pods}}}}}\n",
            evening.ns
        )
    };
    evening.apply(&quota(1)).await.unwrap();
    evening
        .seen(
            "a quota that counts",
            "get quota few -o jsonpath={.status.hard}",
            "pods",
        )
        .await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    evening.cannot_create("exceeded quota").await;
    let message = evening
        .says(&[
            "Deployment pay",
            "its Pods cannot be created",
            "exceeded quota: few",
        ])
        .await;
    assert!(
        !message.contains("used:"),
        "what changes all the time is left out: {message}"
    );
    let told = evening.follow(&message, &[]).await;
    assert!(told.contains("few"), "{told}");

    tokio::time::sleep(LONG_ENOUGH).await;
    evening.apply(&quota(5)).await.unwrap();
    is_ready_at_once(&evening).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_missing() {
    let evening = Evening::new("no-account").await;
    let app = evening.app("ghcr.io/acme/pay:1", "      serviceAccountName: payer\n");
    evening.apply(&app).await.unwrap();
    evening.cannot_create("payer").await;
    let message = evening
        .says(&["its Pods cannot be created", "serviceaccount \"payer\" not found"])
        .await;
    tokio::time::sleep(LONG_ENOUGH).await;
    evening.follow(&message, &[]).await;
    is_ready_at_once(&evening).await;
}

/// S20(c): the list is narrowed under what runs, and a Pod has to be replaced.
#[tokio::test(flavor = "multi_thread")]
async fn s20_an_image_that_is_no_longer_allowed() {
    let evening = Evening::new("narrowed").await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    evening.is_ready().await;
    evening
        .project(", imageAllowlist: [ghcr.io/acme/good]")
        .await
        .unwrap();
    // The webhook learns of it by itself.
    tokio::time::sleep(Duration::from_secs(2)).await;
    evening
        .kubectl(&format!(
            "delete pods -n {} -l app.kubeop.io/app-id=pay --wait=false",
            evening.ns
        ))
        .await
        .unwrap();
    evening.cannot_create("[ImageNotAllowed]").await;
    let words = [
        "its Pods cannot be created",
        "[ImageNotAllowed]",
        "ghcr.io/acme/pay:1",
        "ghcr.io/acme/good",
    ];
    let message = evening.says(&words).await;

    // The list is widened again: no need to wait for the ReplicaSet's own patience.
    tokio::time::sleep(LONG_ENOUGH).await;
    evening.project(", imageAllowlist: [ghcr.io/acme]").await.unwrap();
    is_ready_at_once(&evening).await;

    // The other way out is another image.
    evening
        .project(", imageAllowlist: [ghcr.io/acme/good]")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    evening
        .follow(&message, &[("<image>", "ghcr.io/acme/good:1")])
        .await;
    evening
        .seen(
            "the other image",
            "get deployment pay -o yaml",
            "image: ghcr.io/acme/good:1",
        )
        .await;
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_another_team_that_refuses() {
    let evening = Evening::new("others").await;
    let webhook = OthersWebhook::start("Pods need an owner: ask the payments team").await;
    webhook.register(&evening).await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    evening.cannot_create("Pods need an owner").await;
    let words = [
        "its Pods cannot be created",
        "others.example.com",
        "Pods need an owner: ask the payments team",
    ];
    evening.says(&words).await;
    webhook.unregister(&evening).await;
}

/// Nothing tells when a webhook answers again; it is tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_another_team_that_does_not_answer() {
    let evening = Evening::new("silent").await;
    let webhook = OthersWebhook::silent();
    webhook.register(&evening).await;
    evening
        .apply(&evening.app("ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    evening.cannot_create("failed calling webhook").await;
    evening
        .says(&[
            "its Pods cannot be created",
            "failed calling webhook",
            "connection refused",
        ])
        .await;
    tokio::time::sleep(LONG_ENOUGH).await;
    webhook.unregister(&evening).await;
    is_ready_at_once(&evening).await;
}

/// The Pod of a hook is created by its Job.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_a_hook_that_is_missing() {
    let evening = Evening::new("hook").await;
    let hooks =
        "  hooks: {pre: [{name: migrate, image: 'ghcr.io/acme/pay:1', serviceAccountName: migrator}]}\n";
    let app = evening.app("ghcr.io/acme/pay:1", "") + hooks;
    evening.apply(&app).await.unwrap();
    evening.cannot_create("migrator").await;
    let message = evening
        .says(&["pre hook migrate", "serviceaccount \"migrator\" not found"])
        .await;
    evening.follow(&message, &[]).await;
    evening.is_ready().await;
}

/// What is not delivered by an App is nobody's to touch.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_made_is_left_alone() {
    let evening = Evening::new("by-people").await;
    let own = format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: own, namespace: {}}}, spec: {{selector: {{matchLabels: \
         {{app: own}}}}, template: {{metadata: {{labels: {{app: own}}}}, spec: {{serviceAccountName: payer, containers: \
         [{{name: main, image: 'ghcr.io/acme/pay:1'}}]}}}}}}}}",
        evening.ns
    );
    evening.apply(&own).await.unwrap();
    evening.cannot_create("payer").await;
    let account = format!("create serviceaccount other -n {}", evening.ns);
    evening.kubectl(&account).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    let sets = evening.get("replicasets").await.unwrap().to_string();
    assert!(!sets.contains("platform.kubeop.io/touched"), "{sets}");
}
