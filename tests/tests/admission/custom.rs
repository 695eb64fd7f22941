//! Custom resources inside an App.

use crate::support::{Web, raw};
use serde_json::json;

#[tokio::test]
async fn s10_images_of_custom_resources_are_seen_early() {
    let web = Web::shared().await;
    let workflow = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"},
    "spec": {"templates": [
        {"name": "a", "container": {"image": "evil.example/a:1"}},
        {"name": "b", "script": {"image": "evil.example/b:1", "source": "true"}},
    ]}});
    let job =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "evil.example/c:1"}]}}}});
    let analysis = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "t"},
        "spec": {"metrics": [{"name": "m", "provider": {"job": job}}]}});
    let refused = web.refused(&raw("s10", &[workflow, analysis])).await;
    assert!(refused.contains("app s10 refused: 3 faults"), "{refused}");
    for path in [
        "[0].spec.templates[0].container.image",
        "[0].spec.templates[1].script.image",
        "[1].spec.metrics[0].provider.job.spec.template.spec.containers[0].image",
    ] {
        let line = format!("[ImageNotAllowed] spec.delivery.raw.manifests{path}: ");
        assert!(refused.contains(&line), "{line} in {refused}");
    }
}

#[tokio::test]
async fn s10_a_placeholder_in_a_custom_resource_is_told() {
    let web = Web::shared().await;
    let task = json!({"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t"},
        "spec": {"steps": [{"name": "a", "image": "$(params.IMAGE)"}]}});
    let passed = web.dry_run(&raw("s10", &[task])).await;
    let said = &passed.stderr;
    assert!(
        said.contains("manifests[0].spec.steps[0].image: \"$(params.IMAGE)\""),
        "{passed:?}"
    );
    passed.success().unwrap();
}
