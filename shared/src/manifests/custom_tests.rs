//! Which fields of custom resources are images, on resources as their projects document them.

use crate::manifests::images::tests::images;
use rstest::rstest;
use serde_json::{Value, json};

/// The paths at which an image `x` is found.
fn paths(spec: &Value) -> Vec<String> {
    let object = json!({"spec": spec});
    let mut found: Vec<_> = images("acme.example", "Anything", &object)
        .iter()
        .filter_map(|line| line.strip_suffix("=Text(\"x\")").map(str::to_owned))
        .collect();
    found.sort();
    found
}

#[rstest]
#[case::argo_workflow(
    json!({"templates": [
        {"container": {"image": "x", "command": ["sh"]}},
        {"script": {"image": "x", "source": "echo"}},
        {"containerSet": {"containers": [{"name": "a", "image": "x"}]}},
        {"sidecars": [{"name": "s", "image": "x"}], "initContainers": [{"image": "x"}]},
    ]}),
    &["spec.templates[0].container.image", "spec.templates[1].script.image",
      "spec.templates[2].containerSet.containers[0].image", "spec.templates[3].initContainers[0].image",
      "spec.templates[3].sidecars[0].image"],
)]
#[case::analysis_template(
    json!({"metrics": [{"provider": {"job": {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}}}]}),
    &["spec.metrics[0].provider.job.spec.template.spec.containers[0].image"],
)]
#[case::rollout(
    json!({"replicas": 1, "template": {"spec": {
        "containers": [{"image": "x"}], "volumes": [{"name": "m", "image": {"reference": "x"}}]}}}),
    &["spec.template.spec.containers[0].image", "spec.template.spec.volumes[0].image.reference"],
)]
#[case::tekton_task(
    json!({"steps": [{"image": "x", "script": "make"}], "sidecars": [{"image": "x"}], "stepTemplate": {"image": "x"}}),
    &["spec.sidecars[0].image", "spec.stepTemplate.image", "spec.steps[0].image"],
)]
#[case::tekton_pipeline(
    json!({"pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"image": "x"}]}}]}}),
    &["spec.pipelineSpec.tasks[0].taskSpec.steps[0].image"],
)]
#[case::knative_service(
    json!({"template": {"spec": {"containers": [{"image": "x"}]}}}),
    &["spec.template.spec.containers[0].image"],
)]
#[case::prometheus_with_a_sidecar(
    json!({"image": "x", "resources": {}, "volumeMounts": [], "containers": [{"name": "a", "image": "x"}]}),
    &["spec.containers[0].image"],
)]
#[case::a_manifest_inside(
    json!({"triggers": [{"template": {"k8s": {"source": {"resource": {
        "kind": "Job", "spec": {"template": {"spec": {"initContainers": [{"image": "x"}]}}}}}}}}]}),
    &["spec.triggers[0].template.k8s.source.resource.spec.template.spec.initContainers[0].image"],
)]
#[case::it_says_what_to_run(
    json!({"backup": {"command": ["dump"], "image": "x"}}),
    &["spec.backup.image"],
)]
#[case::kafka_connect(
    json!({"image": "x", "build": {"output": {"type": "docker", "image": "x"}, "plugins": []}}),
    &[],
)]
#[case::only_by_its_name(json!({"dockerImage": "x", "image": "x", "args": ["a"], "env": []}), &[])]
#[case::a_command_that_is_a_text(json!({"image": "x", "command": "sh"}), &[])]
#[case::steps_of_something_else(json!({"steps": [[{"name": "a", "template": "x"}], {"setWeight": 5}]}), &[])]
#[case::a_script_that_is_a_text(json!({"script": "x", "container": "x", "containers": "x"}), &[])]
#[case::a_picture(json!({"image": {"url": "x"}, "volumes": [{"image": "x"}], "reference": "x"}), &[])]
fn s10_what_has_the_shape_of_a_container_is_one(#[case] spec: Value, #[case] wanted: &[&str]) {
    assert_eq!(paths(&spec), wanted);
}

#[test]
fn what_is_no_text_and_what_is_empty_is_left_to_the_controller_of_the_kind() {
    let spec =
        json!({"containers": [{"image": ""}, {"image": 1}, {"image": {"repository": "x"}}, {"image": null}]});
    let found = images("acme.example", "Anything", &json!({"spec": spec}));
    assert!(found.is_empty(), "{found:?}");
}
