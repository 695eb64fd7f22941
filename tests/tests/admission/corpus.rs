//! Real manifests, each file as one Raw App: accepted, or refused with exactly these codes and paths.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Web, raw};
use kubeop_tests::generated::repository;
use serde_json::json;

/// A file, and below it what is said of it, where `{…}` are documents of the file as admission counts them. The lists
/// of the fixture hold: of these images, only those of Docker Hub's library are allowed.
const TABLE: &str = "
GoogleCloudPlatform-microservices-demo/kubernetes-manifests.yaml
    ImageNotAllowed {1,5,8,11,16,18,21,24,27,30,33}.spec.template.spec.containers[0].image
argoproj-argo-cd/guestbook-ui-svc.yaml
    accepted
argoproj-argo-cd/namespace-install.yaml
    ImageNotAllowed {37,38,39,40,41,42,43}.spec.template.spec.containers[0].image
    ImageNotAllowed {38,40,41}.spec.template.spec.initContainers[0].image
argoproj-argo-cd/weird-list.yaml
    ManifestNotAnObject {1}.spec
argoproj-argo-rollouts/analysis-templates.yaml
    accepted
    told {1,2}: kind argoproj.io/v1alpha1 AnalysisTemplate is not known here; delivery decides
istio-istio/bookinfo.yaml
    ImageNotAllowed {3,6,9,10,11,14}.spec.template.spec.containers[0].image
istio-istio/list.yaml
    ImageNotAllowed .items[0].spec.template.spec.containers[0].image
    ImageNotAllowed .items[1].spec.template.spec.containers[0].image
knative-serving/rollout-probe-setup-activator-direct.yaml
    OtherNamespace .metadata.namespace
kubernetes-examples/cassandra-statefulset.yaml
    ImageNotAllowed {1}.spec.template.spec.containers[0].image
    ClusterScoped {2}.kind
kubernetes-examples/guestbook-all-in-one.yaml
    ImageNotAllowed {2,4,6}.spec.template.spec.containers[0].image
kubernetes-examples/sysdig-daemonset.yaml
    ImageNotAllowed .spec.template.spec.containers[0].image
kubernetes-ingress-nginx/deploy.yaml
    ClusterScoped {1,6,7,10,11,18,19}.kind
    OtherNamespace {2,3,4,5,8,9,12,13,14,15,16,17}.metadata.namespace
    ImageNotAllowed {15,16,17}.spec.template.spec.containers[0].image
microservices-demo-microservices-demo/complete-demo.yaml
    ClusterScoped {1}.kind
    OtherNamespace {2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29}.metadata.namespace
    ImageNotAllowed {2,6,8,10,12,16,18,24,26,28}.spec.template.spec.containers[0].image
    ImageNotAllowed {20}.spec.template.spec.containers[1].image
microservices-demo-microservices-demo/jaeger.yaml
    ClusterScoped .items[0].kind
    OtherNamespace .items[1].metadata.namespace
    ImageNotAllowed .items[1].spec.template.spec.containers[0].image
    OtherNamespace .items[2].metadata.namespace
    OtherNamespace .items[3].metadata.namespace
    OtherNamespace .items[4].metadata.namespace
    OtherNamespace .items[5].metadata.namespace
prometheus-operator-kube-prometheus/0podmonitorCustomResourceDefinition.yaml
    ClusterScoped .kind
prometheus-operator-kube-prometheus/prometheus-prometheus.yaml
    OtherNamespace .metadata.namespace
prometheus-operator-kube-prometheus/prometheus-roleSpecificNamespaces.yaml
    OtherNamespace .items[0].metadata.namespace
    OtherNamespace .items[1].metadata.namespace
    OtherNamespace .items[2].metadata.namespace
stefanprodan-podinfo/cronjob-warm-cache.yaml
    ImageNotAllowed .spec.jobTemplate.spec.template.spec.containers[0].image
    ImageNotAllowed .spec.jobTemplate.spec.template.spec.initContainers[0].image
strimzi-strimzi-kafka-operator/kafka-connect-build.yaml
    accepted
    told : kind kafka.strimzi.io/v1 KafkaConnect is not known here; delivery decides
tektoncd-pipeline/pipelinerun.yaml
    GenerateName {1}.metadata.generateName
    ClusterScoped {1}.kind
    ImageNotAllowed {2}.spec.steps[0].image
    ImageNotAllowed {3}.spec.steps[1].image
";

#[tokio::test]
async fn real_manifests_are_accepted_or_refused_as_this_table_says() {
    let web = Web::shared().await;
    let mut table = table();
    let folder = repository().join("tests/corpus/manifests");
    for project in fs::read_dir(&folder).unwrap() {
        for file in fs::read_dir(project.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            let answer = web.dry_run(&raw("corpus", &[json!(text)])).await;
            let mut said: Vec<_> = answer.stderr.lines().filter_map(line).collect();
            if answer.status == 0 {
                said.push("accepted".to_owned());
            }
            said.sort();
            let wanted = table.remove(&name).unwrap_or_default();
            assert_eq!(said, wanted, "{name}: {}", answer.stderr);
        }
    }
    assert_eq!(table, BTreeMap::new(), "files that are not there");
}

/// What each file is to be told, one line a fault.
fn table() -> BTreeMap<String, Vec<String>> {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut file = "";
    for row in TABLE.lines() {
        match row.strip_prefix("    ") {
            None => file = row,
            Some(row) => table
                .entry(file.to_owned())
                .or_default()
                .extend(each_document(row)),
        }
    }
    table.values_mut().for_each(|rows| rows.sort());
    table
}

/// `Code {1,2}.kind` is `Code {1}.kind` and `Code {2}.kind`.
fn each_document(row: &str) -> Vec<String> {
    let Some((before, (documents, after))) = row
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![row.to_owned()];
    };
    let one = |document| format!("{before}{{{document}}}{after}");
    documents.split(',').map(one).collect()
}

/// A line of the answer as the table has it; none for the head of a refusal, and for the plan, which has its own test.
fn line(line: &str) -> Option<String> {
    const MANIFEST: &str = "spec.delivery.raw.manifests[0]";
    if let Some(told) = line.strip_prefix("Warning: ") {
        if told.starts_with("app/corpus: ") {
            return None;
        }
        return Some(format!("told {}", told.replacen(MANIFEST, "", 1)));
    }
    let (code, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (path, _) = rest.split_once(": ")?;
    Some(format!("{code} {}", path.strip_prefix(MANIFEST)?))
}
