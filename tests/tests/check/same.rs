//! The same verdict: kubectl asks a real API server with the real webhook about every input file, and what it is told is
//! what `check` says, to the byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use futures::{StreamExt, stream};
use kubeop_tests::generated::repository;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::{Cluster, KubeOp, Options, Output, seed};
use serde_json::{Value, json};

use crate::support::{check_in, inputs};

const ALLOWLIST: &str = "ghcr.io,registry.example.com,docker.io/library";

/// How what the webhook refuses begins in an error of the API server.
const DENIED: &str = ".kubeop.io\" denied the request: ";

/// Warnings of the API server itself, and the plan, which only a dry run has.
const OF_OTHERS: [&str; 3] = ["would violate PodSecurity", "app/", "resource "];

/// Input files, each with the `-n` that it is applied with.
fn files(folder: &Path) -> Vec<(PathBuf, Option<&'static str>)> {
    let mut files = vec![
        (inputs().join("apps.yaml"), None),
        (inputs().join("objects.yaml"), None),
    ];
    for sample in ["app.yaml", "dns-tls.yaml"] {
        let path = repository().join("tests/samples").join(sample);
        files.push((path.clone(), None));
        files.push((path, Some("kubeop-web")));
    }
    let sample = folder.join("seed.yaml");
    fs::write(&sample, seed::sample_app()).unwrap();
    files.push((sample, Some("shop")));
    let corpus = repository().join("tests/corpus/manifests");
    for project in fs::read_dir(&corpus).unwrap() {
        for file in fs::read_dir(project.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(&corpus).unwrap().display().to_string();
            files.push((path, Some("kubeop-web")));
            // The same file, delivered by an App.
            let raw = folder.join(format!("{}.json", name.replace('/', "-")));
            let app = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
                "metadata": {"name": "corpus"},
                "spec": {"projectRef": "web", "delivery": {"kind": "Raw", "raw": {"manifests": [text]}}}});
            fs::write(&raw, app.to_string()).unwrap();
            files.push((raw, Some("kubeop-web")));
        }
    }
    files
}

async fn installed(cluster: &Cluster) -> KubeOp<'_> {
    let options = InstallOptions {
        allowlist: ALLOWLIST.split(',').map(str::to_owned).collect(),
        ..InstallOptions::default()
    };
    let kubeop = KubeOp::install(cluster, options).await.unwrap();
    let platform = fs::read_to_string(inputs().join("platform.yaml")).unwrap();
    cluster.apply(&platform).await.unwrap();
    let ready = "wait projects/web projects/shop --for=condition=Ready --timeout=60s";
    cluster
        .kubectl(ready.split(' '))
        .await
        .unwrap()
        .success()
        .unwrap();
    kubeop
}

#[tokio::test(flavor = "multi_thread")]
async fn every_input_is_told_what_the_webhook_tells_it() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let _kubeop = installed(&cluster).await;
    let id = "get namespace kube-system -o jsonpath={.metadata.uid}";
    let id = cluster.kubectl(id.split(' ')).await.unwrap().success().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cluster, id) = (&cluster, &id);
    let answers = stream::iter(files(folder.path()))
        .map(async |(path, namespace)| {
            let name = path.display().to_string();
            let mut apply = vec!["apply", "--dry-run=server", "-f", &name];
            apply.extend(namespace.iter().flat_map(|namespace| ["-n", namespace]));
            let answer = cluster.kubectl(apply).await.unwrap();
            (path, namespace, answer)
        })
        .buffer_unordered(3)
        .collect::<Vec<_>>()
        .await;
    let (mut refused, mut warned) = (0, 0);
    for (path, namespace, real) in answers {
        let namespace = namespace
            .map(|namespace| format!(" -n {namespace}"))
            .unwrap_or_default();
        let args = format!(
            "-f {}{namespace} --project {} --image-allowlist {ALLOWLIST} --cluster-id {id} --as admin -o json",
            path.display(),
            inputs().join("platform.yaml").display(),
        );
        let answer = check_in(folder.path(), &args, "");
        assert_ne!(answer.status, -1, "{answer:?}");
        let said = answer.json();
        let wanted = Told::by_kubectl(&real);
        let told = Told::by_check(&said);
        assert_eq!(
            told,
            wanted,
            "{}{namespace}:\n{}\n{answer:?}",
            path.display(),
            real.stderr
        );
        refused += told.refusals.len();
        warned += told.warnings.len();
        let status = match (
            said["unreadable"].as_array().unwrap().is_empty(),
            told.refusals.is_empty(),
        ) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        assert_eq!(answer.status, status, "{answer:?}");
    }
    // So many that nobody can have left something out.
    assert!(
        refused >= 60 && warned >= 7,
        "{refused} refusals, {warned} warnings"
    );
    with_context(cluster, folder.path()).await;
}

/// Refusals in order, as some objects are refused with the same words; warnings once each, as kubectl prints them.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    refusals: Vec<String>,
    warnings: BTreeSet<String>,
}

impl Told {
    fn by_kubectl(output: &Output) -> Told {
        let (mut refusals, mut warnings) = (Vec::<String>::new(), BTreeSet::new());
        let mut in_refusal = false;
        for line in output.stderr.lines() {
            if let Some(warning) = line.strip_prefix("Warning: ") {
                in_refusal = false;
                if !OF_OTHERS.iter().any(|other| warning.starts_with(other)) {
                    warnings.insert(warning.to_owned());
                }
            } else if let Some((_, refusal)) = line.split_once(DENIED) {
                in_refusal = true;
                refusals.push(refusal.to_owned());
            } else if in_refusal && line.starts_with('[') {
                let last = refusals.last_mut().unwrap();
                last.push('\n');
                last.push_str(line);
            } else {
                in_refusal = false;
            }
        }
        refusals.sort();
        Told { refusals, warnings }
    }

    fn by_check(said: &Value) -> Told {
        let objects = said["objects"].as_array().unwrap();
        let texts = |value: &Value| value.as_str().unwrap().to_owned();
        let messages = objects.iter().filter_map(|object| object.get("message"));
        let mut refusals: Vec<_> = messages.map(texts).collect();
        refusals.sort();
        // The API server passes the warnings of a refused request on, too.
        let warnings = objects.iter().filter_map(|object| object["warnings"].as_array());
        Told {
            refusals,
            warnings: warnings.flatten().map(texts).collect(),
        }
    }
}

/// What files say elsewhere is read from the cluster.
async fn with_context(cluster: &Cluster, folder: &Path) {
    let kubeconfig = cluster.kubeconfig_path();
    let run = async |args: &str| {
        let line = format!(
            "KUBECONFIG={} {} check {args}",
            kubeconfig.display(),
            crate::support::program().display()
        );
        cluster.paste(&line).await.unwrap()
    };
    let context = cluster.kubectl(["config", "current-context"]).await.unwrap();
    let context = context.success().unwrap();
    let apps = inputs().join("apps.yaml");
    let args_of_context = format!("-f {} --context {} -o json", apps.display(), context.trim());
    // This cluster has no Deployment of the webhook.
    let unknown = run(&args_of_context).await;
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("Say --image-allowlist"), "{unknown:?}");
    let by_context = run(&format!("{args_of_context} --image-allowlist {ALLOWLIST}")).await;
    let args = format!(
        "-f {} --project {} --image-allowlist {ALLOWLIST} -o json",
        apps.display(),
        inputs().join("platform.yaml").display()
    );
    let by_files = check_in(folder, &args, "");
    assert_eq!((by_context.status, &by_context.stdout), (1, &by_files.stdout));
    // As the manifests install it, with nobody to run it.
    let programs = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kubeop-config-0123456789", "namespace": "kubeop-system"},
            "data": {"KUBEOP_IMAGE_ALLOWLIST": ALLOWLIST}},
        {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "kubeop-webhook", "namespace": "kubeop-system"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "webhook", "image": "ghcr.io/kubeop/kubeop-webhook",
                    "envFrom": [{"configMapRef": {"name": "kubeop-config-0123456789"}}]}]}}}},
    ]});
    cluster.apply(&programs.to_string()).await.unwrap();
    let by_cluster = run(&args_of_context).await;
    assert_eq!((by_cluster.status, &by_cluster.stdout), (1, &by_files.stdout));
    let nowhere = run("-f - --context nowhere").await;
    assert_eq!(nowhere.status, 2);
    assert!(nowhere.stderr.contains("--context nowhere"), "{nowhere:?}");
}
