//! S20: a list of registries is narrowed under things that run. On a cluster of its own, since the cluster's list is
//! changed, too.

use anyhow::{Result, ensure};
use kubeop_tests::kubectl::Output;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, wait};
use serde_json::{Value, json};

use crate::support::{SOON, condition, image_app};

const NAMESPACE: &str = "kubeop-web";
const APP: &str = "apps.platform.kubeop.io/pay";

struct Stage<'c> {
    kubeop: KubeOp<'c>,
}

impl<'c> Stage<'c> {
    async fn on(cluster: &'c Cluster) -> Stage<'c> {
        let options = InstallOptions {
            allowlist: vec!["ghcr.io/acme".to_owned(), "quay.io".to_owned()],
            ..InstallOptions::default()
        };
        let kubeop = KubeOp::install(cluster, options).await.unwrap();
        let stage = Stage { kubeop };
        stage
            .applied(&owner(
                "Tenant",
                "acme",
                &json!({"contact": "platform@acme.example"}),
            ))
            .await;
        stage
            .applied(&owner("Project", "web", &json!({"tenantRef": "acme"})))
            .await;
        stage
            .done("wait project/web --for=condition=Ready --timeout=60s")
            .await;
        stage
    }

    async fn kubectl(&self, args: &str) -> Output {
        let args = args.split_whitespace().chain(["-n", NAMESPACE]);
        self.kubeop.cluster().kubectl(args).await.unwrap()
    }

    async fn done(&self, args: &str) -> String {
        self.kubectl(args).await.success().unwrap()
    }

    async fn apply(&self, text: &str) -> Output {
        self.kubeop
            .cluster()
            .kubectl_with_input(["apply", "-f", "-"], text)
            .await
            .unwrap()
    }

    async fn applied(&self, object: &Value) {
        self.apply(&object.to_string()).await.success().unwrap();
    }

    async fn narrow(&self, kind: &str, name: &str, list: &[&str]) {
        let patch = json!({"spec": {"imageAllowlist": list}}).to_string();
        let args = ["patch", kind, name, "--type=merge", "-p", &patch];
        self.kubeop
            .cluster()
            .kubectl(args)
            .await
            .unwrap()
            .success()
            .unwrap();
    }

    async fn get(&self, what: &str) -> Result<Value> {
        let text = self.kubectl(&format!("get {what} -o json")).await.success()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Waits until the App says this of its compliance, while it is Ready all the time.
    async fn compliant(&self, status: &str, message: &str) {
        self.says_of_compliance(status, message).await;
        let ready = condition(&self.get(APP).await.unwrap(), "Ready");
        assert_eq!(ready["status"], "True", "{ready}");
    }

    async fn says_of_compliance(&self, status: &str, message: &str) {
        wait::until(&format!("Compliant is {status}: {message}"), SOON, || async {
            let app = self.get(APP).await?;
            let compliant = condition(&app, "Compliant");
            let says = compliant["message"]
                .as_str()
                .unwrap_or_default()
                .contains(message);
            ensure!(compliant["status"] == status && says, "{}", app["status"]);
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    }
}

fn owner(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn by_hand() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hand", "namespace": NAMESPACE},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "hand"}},
            "template": {"metadata": {"labels": {"app": "hand"}}, "spec": {"containers": [
                {"name": "a", "image": "quay.io/acme/x:1"}]}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_a_rule_that_tightens_is_told_and_stops_only_what_is_new() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let mut stage = Stage::on(&cluster).await;
    let app = image_app(NAMESPACE, "pay", "quay.io/acme/x:1", "");
    stage.apply(&app).await.success().unwrap();
    stage.applied(&by_hand()).await;
    stage
        .done(&format!("wait {APP} --for=condition=Ready --timeout=60s"))
        .await;
    stage.done("rollout status deployment/hand --timeout=60s").await;
    stage.compliant("True", "every image is in every list").await;

    stage.narrow("project", "web", &["ghcr.io/acme"]).await;
    stage
        .compliant(
            "False",
            "\"quay.io/acme/x:1\" is not in the list of project web (ghcr.io/acme). What runs goes on, but no new Pod \
             with such an image is admitted. Deliver an image that is in the list, or ask platform@acme.example.",
        )
        .await;
    what_is_there_may_change(&stage).await;
    what_is_new_is_refused(&stage, &app).await;

    stage.narrow("project", "web", &[]).await;
    stage.compliant("True", "every image is in every list").await;
    stage.narrow("tenant", "acme", &["ghcr.io"]).await;
    stage
        .compliant("False", "is not in the list of tenant acme (ghcr.io)")
        .await;
    stage.narrow("tenant", "acme", &[]).await;
    stage.compliant("True", "every image is in every list").await;
    stage
        .kubeop
        .restart_with_allowlist(&["ghcr.io/acme"])
        .await
        .unwrap();
    stage
        .compliant("False", "is not in the list of the cluster (ghcr.io/acme)")
        .await;

    // The way out that the message names: a rollout, which takes its time.
    let moved = app.replace("quay.io/acme/x:1", "ghcr.io/acme/x:1");
    stage.apply(&moved).await.success().unwrap();
    stage
        .says_of_compliance("True", "every image is in every list")
        .await;
    stage
        .done(&format!("wait {APP} --for=condition=Ready --timeout=60s"))
        .await;
}

/// (a) and the second half of (d): status, labels, scale down, metadata, deletion.
async fn what_is_there_may_change(stage: &Stage<'_>) {
    let pods = stage.get("pods -l app=hand").await.unwrap();
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    for args in [
        format!(
            "patch pod {pod} --subresource=status --type=merge -p {{\"status\":{{\"message\":\"seen\"}}}}"
        ),
        format!("label pod {pod} seen=yes"),
        format!("delete pod {pod} --wait=false"),
        "scale deployment/hand --replicas=1".to_owned(),
        format!("annotate {APP} note=1"),
        format!("scale {APP} --replicas=1"),
    ] {
        stage.done(&args).await;
    }
    wait::until("the App is scaled down", SOON, || async {
        let live = stage.get("deployment/pay").await?;
        ensure!(live["status"]["replicas"] == 1, "{}", live["status"]);
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

/// (b) and the first half of (d): another image, another revision.
async fn what_is_new_is_refused(stage: &Stage<'_>, app: &str) {
    let set = "set image deployment/hand a=quay.io/acme/x:2";
    let refused = stage.kubectl(set).await.failure().unwrap();
    assert!(
        refused.contains("[ImageNotAllowed] spec.template.spec.containers[0].image: \"quay.io/acme/x:2\""),
        "{refused}"
    );
    let edited = app.replace("      replicas: 2\n", "      args: [--verbose]\n");
    let refused = stage.apply(&edited).await.failure().unwrap();
    for part in [
        "[ImageNotAllowed] spec.delivery.image.ref: \"quay.io/acme/x:1\" is not in the list of project web",
        "so a new revision with it could not start; metadata and scale may still change",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
}
