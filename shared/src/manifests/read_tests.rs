//! `manifests[]` as a whole: paths, what is dropped, faults; and real manifests.

use super::{Fault, FaultKind, Object, read_manifests};
use rstest::rstest;
use serde_json::{Value, json};

fn read(manifest: impl Into<Value>) -> Result<Vec<Object>, Vec<Fault>> {
    read_all("manifests", &[manifest.into()])
}

fn read_all(field: &str, manifests: &[Value]) -> Result<Vec<Object>, Vec<Fault>> {
    read_manifests(field, manifests)
        .map(|read| read.objects)
        .map_err(|faulty| faulty.faults)
}

/// The path and the clause of each fault.
fn faults(manifest: impl Into<Value>) -> Vec<(String, String)> {
    let faults = read(manifest).unwrap_err();
    faults.into_iter().map(|fault| (fault.path, fault.why)).collect()
}

#[test]
fn strings_and_embedded_objects_are_read_alike() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 1.0}\n";
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"replicas": 1.0},
    });
    let objects = read_all("m", &[text.into(), object]).unwrap();
    assert_eq!(objects[0].value, objects[1].value);
    assert_eq!(objects[0].value["spec"]["replicas"], 1);
    assert_eq!(objects[0].gvk.to_string(), "apps/v1 Deployment");
}

#[test]
fn a_document_of_several_is_named_as_people_count() {
    let text = "# note\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\nkind: X\n";
    let fault = read(text).unwrap_err().remove(0);
    assert_eq!(
        (fault.path.as_str(), fault.line),
        ("manifests[0]{2}.apiVersion", Some(7))
    );
}

#[test]
fn s21_the_namespace_that_each_manifest_names_is_told() {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "kubeop-web"},
        "subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": "elsewhere"}],
    });
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n---\n\
                apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: kube-system}\n";
    let objects = read_all("m", &[text.into(), binding]).unwrap();
    let found: Vec<_> = objects
        .iter()
        .map(|o| (o.path.as_str(), o.namespace.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("m[0]{1}", None),
            ("m[0]{2}", Some("kube-system")),
            ("m[1]", Some("kubeop-web"))
        ]
    );
}

#[test]
fn s32_what_only_a_server_sets_is_dropped() {
    let dump = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "a",
            "labels": {"app": "a"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "creationTimestamp": null,
            "generation": 3,
            "managedFields": [{"manager": "kubectl"}],
            "ownerReferences": [{"kind": "App", "name": "x", "uid": "1"}],
            "resourceVersion": "7",
            "selfLink": "/api",
            "uid": "5d0c",
        },
        "spec": {"ports": []},
        "status": {"loadBalancer": {}},
    });
    let want = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "labels": {"app": "a"}},
        "spec": {"ports": []},
    });
    assert_eq!(read(dump).unwrap()[0].value, want);
}

#[test]
fn s32_a_generated_name_is_a_fault_of_its_own() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "a-"}});
    let faults = read(job).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].kind, FaultKind::GeneratedName);
    assert_eq!(faults[0].path, "manifests[0].metadata.generateName");
}

fn secret(fields: &Value) -> Value {
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let fields = fields.as_object().unwrap().clone();
    secret.as_object_mut().unwrap().extend(fields);
    secret
}

#[test]
fn string_data_becomes_data_and_wins() {
    let given = secret(&json!({"data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "new", "c": ""}}));
    let want = secret(&json!({"data": {"a": "bmV3", "b": "Yg==", "c": ""}}));
    assert_eq!(read(given).unwrap()[0].value, want);
}

#[test]
fn string_data_of_other_kinds_stays() {
    let given = json!({
        "apiVersion": "acme.example/v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"},
    });
    assert_eq!(read(given.clone()).unwrap()[0].value, given);
}

#[test]
fn string_data_that_is_no_string_is_refused_without_its_value() {
    let given = secret(&json!({"stringData": {"pin": 4711}}));
    assert_eq!(
        faults(given),
        [(
            "manifests[0].stringData[pin]".into(),
            "is no string; quote it".into()
        )]
    );
}

#[rstest]
#[case::not_an_object(json!(7), "manifests[0]", "is no object")]
#[case::a_list_at_the_top(json!("- a\n"), "manifests[0]", "is no object")]
#[case::api_version_is_a_number(json!("apiVersion: 1\nkind: X\nmetadata: {name: a}\n"), "manifests[0].apiVersion", "is 1,")]
#[case::api_version_with_two_slashes(json!("apiVersion: a/b/c\nkind: X\nmetadata: {name: a}\n"), "manifests[0].apiVersion", "is no version")]
#[case::kind_is_yes(json!("apiVersion: v1\nkind: yes\nmetadata: {name: a}\n"), "manifests[0].kind", "is true,")]
#[case::no_metadata(json!("apiVersion: v1\nkind: X\n"), "manifests[0].metadata.name", "is missing")]
#[case::metadata_is_a_list(json!("apiVersion: v1\nkind: X\nmetadata: []\n"), "manifests[0].metadata", "is no object")]
#[case::name_is_a_number(json!("apiVersion: v1\nkind: X\nmetadata: {name: 1}\n"), "manifests[0].metadata.name", "is 1,")]
#[case::a_label_that_yaml_takes_for_true(json!("apiVersion: v1\nkind: X\nmetadata: {name: a, labels: {x: on}}\n"), "manifests[0].metadata.labels[x]", "is true,")]
#[case::an_annotation_that_is_null(json!("apiVersion: v1\nkind: X\nmetadata: {name: a, annotations: {x: }}\n"), "manifests[0].metadata.annotations[x]", "is null,")]
#[case::broken_yaml(json!("a: [\n"), "manifests[0]", "is no YAML")]
fn a_fault_tells_where_and_why(#[case] manifest: Value, #[case] path: &str, #[case] why: &str) {
    let faults = faults(manifest);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].0, path);
    assert!(faults[0].1.starts_with(why), "{}", faults[0].1);
}

#[test]
fn all_faults_come_at_once_and_not_without_end() {
    let faults = read_all("m", &vec![json!({"kind": "X"}); 1000]).unwrap_err();
    assert!((2..60).contains(&faults.len()), "{}", faults.len());
}

macro_rules! corpus {
    ($($path:literal: $wanted:expr;)*) => {
        [$(($path, include_str!(concat!("../../../tests/corpus/manifests/", $path)), $wanted)),*]
    };
}

/// How many objects kubectl makes of each file of the corpus, or why it is refused.
#[test]
fn real_manifests_are_read_whole() {
    let corpus = corpus! {
        "GoogleCloudPlatform-microservices-demo/kubernetes-manifests.yaml": Ok(35);
        "argoproj-argo-cd/guestbook-ui-svc.yaml": Ok(1);
        "argoproj-argo-cd/namespace-install.yaml": Ok(50);
        // A null list with a spec, which kubectl drops in silence.
        "argoproj-argo-cd/weird-list.yaml": Err("manifests[0]{1}.spec");
        "argoproj-argo-rollouts/analysis-templates.yaml": Ok(2);
        "istio-istio/bookinfo.yaml": Ok(14);
        "istio-istio/list.yaml": Ok(2);
        "knative-serving/rollout-probe-setup-activator-direct.yaml": Ok(1);
        "kubernetes-examples/cassandra-statefulset.yaml": Ok(2);
        "kubernetes-examples/guestbook-all-in-one.yaml": Ok(6);
        "kubernetes-examples/sysdig-daemonset.yaml": Ok(1);
        "kubernetes-ingress-nginx/deploy.yaml": Ok(19);
        "microservices-demo-microservices-demo/complete-demo.yaml": Ok(29);
        "microservices-demo-microservices-demo/jaeger.yaml": Ok(6);
        "prometheus-operator-kube-prometheus/0podmonitorCustomResourceDefinition.yaml": Ok(1);
        "prometheus-operator-kube-prometheus/prometheus-prometheus.yaml": Ok(1);
        "prometheus-operator-kube-prometheus/prometheus-roleSpecificNamespaces.yaml": Ok(3);
        "stefanprodan-podinfo/cronjob-warm-cache.yaml": Ok(1);
        "strimzi-strimzi-kafka-operator/kafka-connect-build.yaml": Ok(1);
        "tektoncd-pipeline/pipelinerun.yaml": Err("manifests[0]{1}.metadata.generateName");
    };
    for (path, text, wanted) in corpus {
        let wanted: Result<usize, &str> = wanted;
        let got = read(text).map(|objects| objects.len());
        match wanted {
            Ok(count) => assert_eq!(got, Ok(count), "{path}"),
            Err(fault) => assert_eq!(got.unwrap_err()[0].path, fault, "{path}"),
        }
    }
}
