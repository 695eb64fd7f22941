//! Manifests inside an App, as the whole chain judges them.

use super::tests::{APP, answer, app, facts, review};
use serde_json::{Value, json};

/// The warnings, or the refusal, of a Raw App with these manifests.
fn judged(manifests: &[Value]) -> Result<Vec<String>, String> {
    let mut raw = app("");
    raw["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": manifests}});
    answer(&facts(), &review(APP, "kubeop-web", &raw, None))
}

fn argo(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec})
}

fn deployment(image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}})
}

#[test]
fn s10_custom_resources_that_start_pods_are_refused_with_every_path() {
    let workflow = argo(
        "Workflow",
        &json!({"templates": [
            {"container": {"image": "evil.example/a"}},
            {"script": {"image": "evil.example/b", "source": "x"}},
            {"container": {"image": "ghcr.io/acme/x"}},
        ]}),
    );
    let job = json!({"spec": {"template": {"spec": {"containers": [{"image": "sha256:0123456789abcdef"}]}}}});
    let analysis = argo(
        "AnalysisTemplate",
        &json!({"metrics": [{"provider": {"job": job}}]}),
    );
    let refused = judged(&[workflow, analysis]).unwrap_err();
    assert!(refused.starts_with("app payments refused: 3 faults"), "{refused}");
    for line in [
        "[ImageNotAllowed] spec.delivery.raw.manifests[0].spec.templates[0].container.image: \"evil.example/a:latest\"",
        "[ImageNotAllowed] spec.delivery.raw.manifests[0].spec.templates[1].script.image: \"evil.example/b:latest\"",
        "[ImageId] spec.delivery.raw.manifests[1].spec.metrics[0].provider.job.spec.template.spec.containers[0].image: ",
    ] {
        assert!(refused.contains(line), "{line} in {refused}");
    }
}

#[test]
fn s10_a_placeholder_is_a_warning_in_a_custom_resource_and_a_refusal_elsewhere() {
    for image in [
        "$(params.IMAGE)",
        "{{inputs.parameters.image}}",
        "ko://acme.example/cmd",
    ] {
        let task = argo("Task", &json!({"steps": [{"image": image}]}));
        let warnings = judged(&[task]).unwrap();
        assert!(
            warnings
                .iter()
                .any(|line| line.starts_with("spec.delivery.raw.manifests[0].spec.steps[0].image: ")),
            "{warnings:?}"
        );
        let refused = judged(&[deployment(image)]).unwrap_err();
        assert!(refused.contains("1 fault\n[ImageUnreadable]"), "{refused}");
    }
    let mistyped = argo("Task", &json!({"steps": [{"image": "ghcr.io/acme/x:1:2"}]}));
    let refused = judged(&[mistyped]).unwrap_err();
    assert!(refused.contains("1 fault\n[ImageUnreadable]"), "{refused}");
}
