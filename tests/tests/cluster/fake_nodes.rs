//! Pods on fake nodes do what their containers' environment says.

use std::time::Duration;

use anyhow::ensure;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, PostParams};
use kubeop_tests::{Cluster, fake, wait};
use serde_json::{Value, json};

/// A Pod template whose container has this in its environment.
fn template(env: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = env
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "ghcr.io/acme/x:1", "env": env}]})
}

async fn run_job(name: &str, env: &[(&str, &str)]) -> Api<Job> {
    let jobs = Api::<Job>::default_namespaced(Cluster::shared().await.client().await.unwrap());
    let job = json!({
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": template(env)}},
    });
    jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap())
        .await
        .unwrap();
    jobs
}

async fn condition(jobs: &Api<Job>, name: &str, wanted: &str) -> anyhow::Result<()> {
    let status = jobs.get(name).await?.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    ensure!(
        conditions
            .iter()
            .any(|one| one.type_ == wanted && one.status == "True"),
        "{conditions:?}"
    );
    Ok(())
}

async fn wait_for(jobs: &Api<Job>, name: &str, wanted: &str) {
    wait::until(wanted, Duration::from_secs(30), || condition(jobs, name, wanted))
        .await
        .unwrap();
}

async fn pod_of(name: &str) -> Pod {
    let pods = Api::<Pod>::default_namespaced(Cluster::shared().await.client().await.unwrap());
    pods.list(&ListParams::default().labels(&format!("job-name={name}")))
        .await
        .unwrap()
        .items
        .remove(0)
}

fn state(pod: &Pod) -> Value {
    serde_json::to_value(&pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0]).unwrap()
}

#[tokio::test]
async fn a_job_completes() {
    let jobs = run_job("completes", &[]).await;
    wait_for(&jobs, "completes", "Complete").await;
}

#[tokio::test]
async fn a_job_fails_with_the_exit_code_that_its_environment_names() {
    let jobs = run_job("fails", &[(fake::EXIT_CODE, "3")]).await;
    wait_for(&jobs, "fails", "Failed").await;
    assert_eq!(
        state(&pod_of("fails").await)["state"]["terminated"]["exitCode"],
        3
    );
}

#[tokio::test]
async fn a_job_runs_as_long_as_its_environment_says() {
    let jobs = run_job("slow", &[(fake::RUN_FOR, "2s")]).await;
    let hanging = run_job("hangs", &[(fake::RUN_FOR, "24h")]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    condition(&jobs, "slow", "Complete").await.unwrap_err();
    wait_for(&jobs, "slow", "Complete").await;
    assert_eq!(
        hanging.get("hangs").await.unwrap().status.unwrap().active,
        Some(1)
    );
    assert_eq!(
        pod_of("hangs").await.status.unwrap().phase.as_deref(),
        Some("Running")
    );
}

#[tokio::test]
async fn other_pods_run_crash_loop_or_cannot_pull() {
    let pods = Api::<Pod>::default_namespaced(Cluster::shared().await.client().await.unwrap());
    for (name, env) in [
        ("runs", vec![]),
        ("crashes", vec![(fake::EXIT_CODE, "7")]),
        ("pulls", vec![(fake::PULL_ERROR, "true")]),
    ] {
        let pod = json!({"metadata": {"name": name}, "spec": template(&env)});
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap())
            .await
            .unwrap();
    }
    let comes = |name: &'static str, pointer: &'static str, wanted: Value| {
        let pods = pods.clone();
        async move {
            wait::until(name, Duration::from_secs(30), || async {
                let pod = serde_json::to_value(pods.get(name).await?)?;
                ensure!(pod.pointer(pointer) == Some(&wanted), "{}", pod["status"]);
                Ok(())
            })
            .await
            .unwrap();
        }
    };
    comes("runs", "/status/containerStatuses/0/ready", json!(true)).await;
    comes(
        "crashes",
        "/status/containerStatuses/0/state/waiting/reason",
        json!("CrashLoopBackOff"),
    )
    .await;
    comes(
        "crashes",
        "/status/containerStatuses/0/lastState/terminated/exitCode",
        json!(7),
    )
    .await;
    comes(
        "pulls",
        "/status/containerStatuses/0/state/waiting/reason",
        json!("ImagePullBackOff"),
    )
    .await;
    comes("pulls", "/status/phase", json!("Pending")).await;
}
