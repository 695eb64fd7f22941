//! Evenings on which Pods exist and do not work.

use std::time::Duration;

use crate::by_hand::{self, HERE, container, plays, ready, waiting};
use crate::support::{Evening, remedy};
use serde_json::json;

async fn by_hand(name: &str, more: &str) -> Evening<'static> {
    let evening = Evening::new(name).await;
    by_hand::node(evening.kubeop.cluster()).await;
    let app = evening.app("ghcr.io/acme/pay:1", &format!("{HERE}{more}"));
    evening.apply(&app).await.unwrap();
    evening
}

async fn all_ready(evening: &Evening<'_>) {
    for pod in by_hand::pods(evening, 2).await {
        plays(evening, &pod, &ready()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_does_not_exist() {
    let evening = by_hand("no-image", "").await;
    let pod = by_hand::pods(&evening, 2).await.remove(0);
    let said = "failed to resolve reference \"ghcr.io/acme/pay:1\": ghcr.io/acme/pay:1: not found";
    plays(&evening, &pod, &waiting("ErrImagePull", said))
        .await
        .unwrap();
    let words = [
        "Deployment pay",
        &pod,
        "image \"ghcr.io/acme/pay:1\" cannot be pulled",
        "not found",
    ];
    let message = evening.says(&words).await;

    // The kubelet alternates, and the App does not.
    let before = evening.get("apps.platform.kubeop.io/pay").await.unwrap();
    let backs_off = format!("Back-off pulling image \"ghcr.io/acme/pay:1\": ErrImagePull: {said}");
    for (reason, said) in [("ImagePullBackOff", backs_off.as_str()), ("ErrImagePull", said)] {
        plays(&evening, &pod, &waiting(reason, said)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let after = evening.get("apps.platform.kubeop.io/pay").await.unwrap();
    assert_eq!(
        before["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );

    // After a restart it is known again, and nothing is written.
    evening.kubeop.restart_controller().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = evening.get("apps.platform.kubeop.io/pay").await.unwrap();
    assert_eq!(
        before["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );

    evening
        .follow(&message, &[("<image>", "ghcr.io/acme/pay:2")])
        .await;
    evening
        .seen(
            "the other image",
            "get deployment pay -o yaml",
            "image: ghcr.io/acme/pay:2",
        )
        .await;
    // The rollout replaces one Pod after the other.
    for _ in 0..3 {
        all_ready(&evening).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    all_ready(&evening).await;
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s43_a_crash_loop_with_its_last_line() {
    let evening = by_hand("crash", "").await;
    let pods = by_hand::pods(&evening, 2).await;
    let crash = container(
        "Running",
        json!({
            "restartCount": 3, "started": false,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "message": "connecting\nno database at db:5432\n",
                "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}},
        }),
    );
    for pod in &pods {
        plays(&evening, pod, &crash).await.unwrap();
    }
    let words = [
        "CrashLoopBackOff",
        "exit code 3",
        "no database at db:5432",
        "container pay of Pod pay-",
    ];
    let message = evening.says(&words).await;
    // There is no kubelet here to ask for logs: that it works is seen on a real node.
    let command = remedy(&message);
    let named = pods
        .iter()
        .any(|pod| command == format!("kubectl logs {pod} -n {} -c pay", evening.ns));
    assert!(named, "{command}");
    all_ready(&evening).await;
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_readiness_probe_that_fails() {
    let probes = "      probes: {readiness: {path: /healthz, port: 8080}}\n";
    let evening = by_hand("unready", probes).await;
    let runs = container(
        "Running",
        json!({"started": true, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}),
    );
    for pod in by_hand::pods(&evening, 2).await {
        plays(&evening, &pod, &runs).await.unwrap();
    }
    let message = evening
        .says(&[
            "container pay of Pod pay-",
            "readiness probe (GET /healthz on port 8080) does not succeed",
        ])
        .await;
    let told = evening.follow(&message, &[]).await;
    assert!(told.contains("Readiness:"), "{told}");
    all_ready(&evening).await;
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_no_node_can_take() {
    let evening = Evening::new("no-room").await;
    let app = evening.app(
        "ghcr.io/acme/pay:1",
        "      resources: {requests: {cpu: '1000'}}\n",
    );
    evening.apply(&app).await.unwrap();
    evening
        .seen(
            "a Pod that cannot be scheduled",
            "get pods -o yaml",
            "reason: Unschedulable",
        )
        .await;
    let message = evening
        .says(&["Pod pay-", "cannot be scheduled", "Insufficient cpu"])
        .await;
    let told = evening.follow(&message, &[]).await;
    assert!(told.contains("FailedScheduling"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_is_missing() {
    let env = "      env: [{name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}]\n";
    let evening = by_hand("no-config", env).await;
    for pod in by_hand::pods(&evening, 2).await {
        let status = waiting("CreateContainerConfigError", "configmap \"settings\" not found");
        plays(&evening, &pod, &status).await.unwrap();
    }
    let message = evening
        .says(&["container pay of Pod pay-", "configmap \"settings\" not found"])
        .await;
    let command = format!(
        "kubectl create configmap settings -n {} --from-literal=mode=<value>",
        evening.ns
    );
    assert_eq!(remedy(&message), command);
    evening.follow(&message, &[("<value>", "fast")]).await;
    let settings = evening.get("configmap settings").await.unwrap();
    assert_eq!(settings["data"]["mode"], "fast");
    all_ready(&evening).await;
    evening.is_ready().await;
}

/// The kubelet says in an Event only why it cannot mount a volume.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_a_config_map_that_is_missing() {
    let volumes = "      volumes: [{name: conf, configMap: {name: settings}}]\n\
                   \x20     volumeMounts: [{name: conf, mountPath: /conf}]\n";
    let evening = by_hand("no-volume", volumes).await;
    let pod = by_hand::pods(&evening, 2).await.remove(0);
    plays(&evening, &pod, &waiting("ContainerCreating", ""))
        .await
        .unwrap();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "pay.1", "namespace": evening.ns},
        "reason": "FailedMount", "type": "Warning", "source": {"component": "kubelet"}, "count": 1,
        "message": "MountVolume.SetUp failed for volume \"conf\" : configmap \"settings\" not found",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": evening.ns, "name": pod},
    });
    evening.apply(&event.to_string()).await.unwrap();
    let message = evening
        .says(&["volume conf of Pod", &pod, "configmap \"settings\" not found"])
        .await;
    evening
        .follow(&message, &[("<key>=<value>", "app.ini=fast")])
        .await;
    all_ready(&evening).await;
    evening.is_ready().await;
}

/// The end of a Job is told by its Pod, and what the Job says is not lost.
#[tokio::test(flavor = "multi_thread")]
async fn s43_a_job_that_fails_to_its_backoff_limit() {
    let evening = Evening::new("job").await;
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: load}, spec: {backoffLimit: 0, template: {spec: \
               {restartPolicy: Never, containers: [{name: load, image: 'ghcr.io/acme/load:1', \
               env: [{name: FAKE_EXIT_CODE, value: '3'}]}]}}}}";
    evening.apply(&evening.raw(&[job])).await.unwrap();
    evening
        .seen("a failed Job", "get job load -o yaml", "type: Failed")
        .await;
    let words = [
        "Job load: container load of Pod load-",
        "exit code 3",
        "BackoffLimitExceeded",
        "Unhealthy",
    ];
    evening.says(&words).await;
    let suspended = job
        .replace("{backoffLimit: 0", "{suspend: true, backoffLimit: 0")
        .replace("name: load}", "name: later}");
    evening.apply(&evening.raw(&[&suspended])).await.unwrap();
    evening.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s43_a_stateful_set_whose_new_pod_crash_loops() {
    let evening = Evening::new("set").await;
    let set = |env: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{replicas: 2, serviceName: x, \
             selector: {{matchLabels: {{app: db}}}}, template: {{metadata: {{labels: {{app: db}}}}, spec: {{containers: \
             [{{name: main, image: 'ghcr.io/acme/db:1', env: [{env}]}}]}}}}}}}}"
        )
    };
    evening.apply(&evening.raw(&[&set("")])).await.unwrap();
    evening.is_ready().await;
    let crashes = set("{name: FAKE_EXIT_CODE, value: '9'}");
    evening.apply(&evening.raw(&[&crashes])).await.unwrap();
    evening
        .seen("a crash", "get pod db-1 -o yaml", "CrashLoopBackOff")
        .await;
    evening
        .says(&[
            // Either: the first may have been ready for a moment, and then the other is replaced, too.
            "StatefulSet db: container main of Pod db-",
            "CrashLoopBackOff",
            "exit code 9",
        ])
        .await;
}
