//! Real manifests, each file as one Raw App, delivered by both programs.

mod plan;

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use kubeop_tests::generated::repository;
use kubeop_tests::kubectl::Output;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, wait};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// How long fifty objects may take on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// Where the images of the corpus come from.
const REGISTRIES: [&str; 9] = [
    "docker.io",
    "fake.docker.io",
    "gcr.io",
    "ghcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.istio.io",
    "registry.k8s.io",
    "us-central1-docker.pkg.dev",
];

/// What comes of a file.
enum Comes {
    /// It is Ready, with so many objects.
    Ready(usize),
    /// The condition says what is missing.
    Waits(&'static str),
    /// Admission refuses it.
    Refused,
}

use Comes::{Ready, Refused, Waits};

const FILES: [(&str, Comes); 19] = [
    (
        "GoogleCloudPlatform-microservices-demo/kubernetes-manifests.yaml",
        Ready(35),
    ),
    ("argoproj-argo-cd/guestbook-ui-svc.yaml", Ready(1)),
    ("argoproj-argo-cd/weird-list.yaml", Refused),
    (
        "argoproj-argo-rollouts/analysis-templates.yaml",
        Waits("there is no kind AnalysisTemplate in argoproj.io/v1alpha1. An administrator installs it"),
    ),
    ("istio-istio/bookinfo.yaml", Ready(14)),
    ("istio-istio/list.yaml", Ready(2)),
    (
        "knative-serving/rollout-probe-setup-activator-direct.yaml",
        Refused,
    ),
    ("kubernetes-examples/cassandra-statefulset.yaml", Refused),
    ("kubernetes-examples/guestbook-all-in-one.yaml", Ready(6)),
    // Its Pods ask for the host, which the project's pod security refuses.
    (
        "kubernetes-examples/sysdig-daemonset.yaml",
        Waits("DaemonSet sysdig-agent: "),
    ),
    ("kubernetes-ingress-nginx/deploy.yaml", Refused),
    (
        "microservices-demo-microservices-demo/complete-demo.yaml",
        Refused,
    ),
    ("microservices-demo-microservices-demo/jaeger.yaml", Refused),
    (
        "prometheus-operator-kube-prometheus/0podmonitorCustomResourceDefinition.yaml",
        Refused,
    ),
    (
        "prometheus-operator-kube-prometheus/prometheus-prometheus.yaml",
        Refused,
    ),
    (
        "prometheus-operator-kube-prometheus/prometheus-roleSpecificNamespaces.yaml",
        Refused,
    ),
    ("stefanprodan-podinfo/cronjob-warm-cache.yaml", Ready(1)),
    (
        "strimzi-strimzi-kafka-operator/kafka-connect-build.yaml",
        Waits("there is no kind KafkaConnect in kafka.strimzi.io/v1. An administrator installs it"),
    ),
    ("tektoncd-pipeline/pipelinerun.yaml", Refused),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_admission_accepts_is_delivered_or_told_what_is_missing() {
    let cluster = installed().await.cluster();
    let mut accepted = Vec::new();
    for (index, (file, comes)) in FILES.iter().enumerate() {
        let project = format!("file-{index}");
        make_project(cluster, &project).await;
        let answer = apply(cluster, &app(&project, &read(file))).await;
        match comes {
            Refused => assert_ne!(answer.status, 0, "{file}: {answer:?}"),
            _ => {
                answer.success().unwrap();
                accepted.push((file, project, comes));
            }
        }
    }
    for (file, project, comes) in accepted {
        match comes {
            Ready(count) => becomes(cluster, &project, "True", &format!("({count})")).await,
            Waits(message) => becomes(cluster, &project, "False", message).await,
            Refused => unreachable!("{file} was not accepted"),
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn argo_cd_is_delivered_once_an_administrator_lends_it_the_rights_and_a_document_less_is_pruned() {
    let cluster = installed().await.cluster();
    make_project(cluster, "argo").await;
    let whole = read("argoproj-argo-cd/namespace-install.yaml");
    apply(cluster, &app("argo", &whole)).await.success().unwrap();
    let message = becomes(cluster, "argo", "False", "Role argocd-server").await;
    for part in [
        "{APIGroups:[\"argoproj.io\"], Resources:[\"applications\"], Verbs:[\"create\"",
        "An administrator grants it: a ClusterRole with these rules and the label \
         platform.kubeop.io/aggregate-to-deployer: \"true\"",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert_eq!(
        names(cluster, "configmaps,roles").await,
        NOT_THE_APPS,
        "a stage goes as a whole"
    );

    let rights = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "argo-cd-in-apps", "labels": {"platform.kubeop.io/aggregate-to-deployer": "true"}},
        "rules": [{"apiGroups": ["argoproj.io"], "verbs": ["*"], "resources": ["applications", "appprojects",
            "applicationsets", "applicationsets/finalizers", "applicationsets/status"]}],
    });
    apply(cluster, &rights).await.success().unwrap();
    becomes(cluster, "argo", "True", "(50)").await;
    assert_eq!(names(cluster, "deployments,statefulsets").await.len(), 7);

    let gone = "argocd-ssh-known-hosts-cm";
    let mut documents: Vec<_> = whole.split("\n---\n").collect();
    documents.retain(|document| !document.contains(&format!("\n  name: {gone}")));
    apply(cluster, &app("argo", &documents.join("\n---\n")))
        .await
        .success()
        .unwrap();
    becomes(cluster, "argo", "True", "(49)").await;
    wait::until("the document that was removed is pruned", SOON, || async {
        let left = names(cluster, "configmaps").await;
        ensure!(!left.iter().any(|name| name.ends_with(gone)), "{left:?}");
        ensure!(
            left.iter().any(|name| name.ends_with("argocd-tls-certs-cm")),
            "{left:?}"
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

/// What stands in a project namespace besides.
const NOT_THE_APPS: [&str; 2] = ["configmap/kube-root-ca.crt", "configmap/kubeop-revision-app"];

async fn installed() -> &'static KubeOp<'static> {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    static KUBEOP: OnceCell<KubeOp<'static>> = OnceCell::const_new();
    KUBEOP
        .get_or_init(|| async {
            let start = || async { Cluster::start(Options::default()).await.unwrap() };
            let cluster = CLUSTER.get_or_init(start).await;
            let options = InstallOptions {
                allowlist: REGISTRIES.map(str::to_owned).to_vec(),
                ..InstallOptions::default()
            };
            let kubeop = KubeOp::install(cluster, options).await.unwrap();
            apply(cluster, &own("Tenant", "acme", &json!({})))
                .await
                .success()
                .unwrap();
            kubeop
        })
        .await
}

fn read(file: &str) -> String {
    fs::read_to_string(repository().join("tests/corpus/manifests").join(file)).unwrap()
}

fn own(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn app(project: &str, text: &str) -> Value {
    let delivery = json!({"kind": "Raw", "raw": {"manifests": [text]}});
    let mut app = own(
        "App",
        "app",
        &json!({"projectRef": project, "delivery": delivery}),
    );
    app["metadata"]["namespace"] = json!(format!("kubeop-{project}"));
    app
}

async fn apply(cluster: &Cluster, object: &Value) -> Output {
    cluster
        .kubectl_with_input(["apply", "-f", "-"], &object.to_string())
        .await
        .unwrap()
}

async fn make_project(cluster: &Cluster, name: &str) {
    apply(cluster, &own("Project", name, &json!({"tenantRef": "acme"})))
        .await
        .success()
        .unwrap();
    let wait = format!("wait project/{name} --for=condition=Ready --timeout=60s");
    cluster
        .kubectl(wait.split_whitespace())
        .await
        .unwrap()
        .success()
        .unwrap();
}

/// Objects of the App's namespace, as `kind/name`.
async fn names(cluster: &Cluster, kinds: &str) -> Vec<String> {
    let args = ["get", kinds, "-n", "kubeop-argo", "-o", "name"];
    let text = cluster.kubectl(args).await.unwrap().success().unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Waits until Ready is this, and Ready or Applied says that; the message of Ready.
async fn becomes(cluster: &Cluster, project: &str, status: &str, says: &str) -> String {
    let namespace = format!("kubeop-{project}");
    let args = [
        "get",
        "apps.platform.kubeop.io/app",
        "-n",
        &namespace,
        "-o",
        "json",
    ];
    wait::until(&format!("{project} is {status}: {says}"), SOON, || async {
        let text = cluster.kubectl(args).await?.success()?;
        let app: Value = serde_json::from_str(&text)?;
        let said = |kind: &str| -> Result<(String, String)> {
            let conditions = app["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found = conditions.iter().find(|condition| condition["type"] == kind);
            let text = |field: &str| {
                found
                    .and_then(|found| found[field].as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            Ok((text("status"), text("message")))
        };
        let ((is, message), (_, applied)) = (said("Ready")?, said("Applied")?);
        let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
        let told = message.contains(says) || applied.contains(says);
        ensure!(current && is == status && told, "{}", app["status"]);
        Ok(message)
    })
    .await
    .unwrap()
}
