//! What tests of rollback ask of an App `pay`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kubeop_tests::wait;
use serde_json::Value;

use crate::support::{Evening, SOON};

/// How soon a rollback is live.
pub const LIVE: Duration = Duration::from_secs(5);

/// Full names of kinds: other products use the short ones, too.
pub const APP: &str = "apps.platform.kubeop.io/pay";

pub const ROLLBACK: &str = "platform.kubeop.io/rollback-to";

/// Status and reason of the Ready condition, for what the App says now.
async fn ready(evening: &Evening<'_>, name: &str) -> Result<(String, String, Value)> {
    let app = evening.get(&format!("apps.platform.kubeop.io/{name}")).await?;
    let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
    ensure!(current, "not looked at yet: {}", app["status"]);
    let conditions = app["status"]["conditions"].as_array().context("no conditions")?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    let ready = ready.context("no Ready")?;
    let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    Ok((text("status"), text("reason"), app))
}

/// Waits until Ready has this status and reason, and returns the App.
pub async fn is(evening: &Evening<'_>, status: &str, reason: &str) -> Value {
    is_within(evening, SOON, status, reason).await
}

pub async fn is_within(evening: &Evening<'_>, time: Duration, status: &str, reason: &str) -> Value {
    becomes(evening, "pay", time, status, reason).await
}

/// The same of an App of another name.
pub async fn is_app(evening: &Evening<'_>, name: &str, status: &str, reason: &str) -> Value {
    becomes(evening, name, SOON, status, reason).await
}

async fn becomes(evening: &Evening<'_>, name: &str, time: Duration, status: &str, reason: &str) -> Value {
    let what = format!("App {name} of {} is {status} {reason}", evening.ns);
    wait::until(&what, time, || async {
        let (is, why, app) = ready(evening, name).await?;
        ensure!(is == status && why == reason, "{}", app["status"]);
        Ok::<_, anyhow::Error>(app)
    })
    .await
    .unwrap()
}

/// What the Ready condition says.
pub fn message(app: &Value) -> String {
    let mut conditions = app["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.find(|condition| condition["type"] == "Ready");
    ready.unwrap()["message"].as_str().unwrap().to_owned()
}

pub fn revision(app: &Value) -> String {
    app["status"]["revision"].as_str().unwrap().to_owned()
}

/// The image of the Deployment.
pub async fn image(evening: &Evening<'_>) -> String {
    let args = "get deployments.apps/pay -o jsonpath={.spec.template.spec.containers[0].image}";
    evening
        .kubectl(&format!("{args} -n {}", evening.ns))
        .await
        .unwrap()
}

/// Names of the hook Jobs.
pub async fn jobs(evening: &Evening<'_>) -> usize {
    let jobs = evening.get("jobs.batch").await.unwrap();
    jobs["items"].as_array().unwrap().len()
}

/// Asks for a rollback as a person does.
pub async fn roll_back(evening: &Evening<'_>, to: &str) -> Result<String> {
    evening
        .kubectl(&format!(
            "annotate --overwrite -n {} {APP} {ROLLBACK}={to}",
            evening.ns
        ))
        .await
}

/// The record, as a person reads it.
pub async fn record(evening: &Evening<'_>) -> String {
    let args = format!("get configmap kubeop-revision-pay -n {} -o yaml", evening.ns);
    evening.kubectl(&args).await.unwrap()
}

/// Messages of the App's Events of a reason.
pub async fn events(evening: &Evening<'_>, reason: &str) -> String {
    let args = "get events -o jsonpath={.items[*].message} --field-selector";
    evening
        .kubectl(&format!("{args} reason={reason} -n {}", evening.ns))
        .await
        .unwrap()
}

/// Waits for an Event of a reason that says this.
pub async fn told(evening: &Evening<'_>, reason: &str, word: &str) {
    wait::until(&format!("an Event {reason}"), SOON, || async {
        let said = events(evening, reason).await;
        ensure!(said.contains(word), "{said}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}
