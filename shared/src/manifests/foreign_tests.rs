//! S50: what other tools wrote on manifests.

use super::TRACKING;
use crate::manifests::{FaultKind, Faulty, HookTool, Manifests, Work, read_manifests};
use rstest::rstest;
use serde_json::{Value, json};

fn read(manifests: &[Value]) -> Result<Manifests, Faulty> {
    read_manifests("m", manifests)
}

fn annotated(kind: &str, annotation: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "annotations": {annotation: value}}})
}

fn notices(manifest: &Value) -> Vec<String> {
    let read = read(std::slice::from_ref(manifest)).unwrap();
    read.notices.iter().map(ToString::to_string).collect()
}

#[test]
fn s50_tracking_marks_are_left_out_with_a_notice() {
    let given = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "a",
            "labels": {"app": "a", "argocd.argoproj.io/instance": "x"},
            "annotations": {"meta.helm.sh/release-name": "x"},
        },
        "spec": {"template": {"metadata": {"labels": {"argocd.argoproj.io/instance": "x"}}}},
    });
    let read = read(&[given]).unwrap();
    assert_eq!(
        read.objects[0].value,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": {"app": "a"}},
            "spec": {"template": {"metadata": {"labels": {"argocd.argoproj.io/instance": "x"}}}},
        })
    );
    let notices: Vec<_> = read.notices.iter().map(|notice| notice.path.as_str()).collect();
    assert_eq!(
        notices,
        [
            "m[0].metadata.labels[argocd.argoproj.io/instance]",
            "m[0].metadata.annotations[meta.helm.sh/release-name]",
        ]
    );
}

#[test]
fn s50_every_mark_is_one_as_label_and_as_annotation() {
    for mark in TRACKING {
        for field in ["labels", "annotations"] {
            let given =
                json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", field: {mark: "x"}}});
            let read = read(&[given]).unwrap();
            assert_eq!(read.objects[0].value["metadata"], json!({"name": "a"}), "{mark}");
            assert_eq!(read.notices.len(), 1, "{mark}");
        }
    }
}

#[rstest]
#[case("labels", "app.kubernetes.io/managed-by", "Helm")]
#[case("labels", "app.kubernetes.io/instance", "x")]
#[case("labels", "helm.sh/chart", "x-1.0.0")]
#[case("annotations", "argocd.argoproj.io/sync-wave", "5")]
#[case("annotations", "argocd.argoproj.io/sync-options", "Replace=true")]
#[case("annotations", "kustomize.toolkit.fluxcd.io/ssa", "Merge")]
fn s50_what_only_informs_or_instructs_stays(#[case] field: &str, #[case] name: &str, #[case] value: &str) {
    let given = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", field: {name: value}}});
    let read = read(std::slice::from_ref(&given)).unwrap();
    assert_eq!(read.objects[0].value, given);
    assert_eq!(read.notices, []);
}

#[rstest]
#[case("annotations", "helm.sh/resource-policy", "keep")]
#[case("annotations", "argocd.argoproj.io/sync-options", "Replace=true,Prune=false")]
#[case("labels", "kustomize.toolkit.fluxcd.io/prune", "disabled")]
fn who_counts_on_another_tool_to_keep_an_object_is_told_how(
    #[case] field: &str,
    #[case] name: &str,
    #[case] value: &str,
) {
    let mut given =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": {}}});
    given["metadata"][field] = json!({name: value});
    let told = notices(&given).remove(0);
    assert_eq!(
        told,
        format!(
            "m[0].metadata.{field}[{name}] has no effect here; the annotation platform.kubeop.io/prune: \"false\" \
             keeps the object"
        )
    );
    let mut claim = given.clone();
    claim["kind"] = json!("PersistentVolumeClaim");
    assert_eq!(notices(&claim), [""; 0], "it is kept anyway");
    given["metadata"]["annotations"]["platform.kubeop.io/prune"] = json!("false");
    assert_eq!(notices(&given), [""; 0]);
}

#[rstest]
#[case("helm.sh/hook", "test")]
#[case("helm.sh/hook", "test-success,test-failure")]
#[case("helm.sh/hook", "pre-rollback, Post-Delete")]
#[case("argocd.argoproj.io/hook", "Skip")]
#[case("argocd.argoproj.io/hook", "SyncFail, PostDelete")]
fn s50_a_hook_without_occasion_is_skipped(#[case] annotation: &str, #[case] hooks: &str) {
    let given = annotated("Pod", annotation, hooks);
    assert_eq!(read(std::slice::from_ref(&given)).unwrap().objects, []);
    let told = notices(&given).remove(0);
    assert!(
        told.starts_with(&format!("m[0].metadata.annotations[{annotation}] is ")),
        "{told}"
    );
    assert!(told.contains("not delivered"), "{told}");
}

#[rstest]
#[case("helm.sh/hook", "pre-install", HookTool::Helm)]
#[case("helm.sh/hook", "test,post-upgrade", HookTool::Helm)]
#[case("helm.sh/hook", "", HookTool::Helm)]
#[case("argocd.argoproj.io/hook", "PreSync", HookTool::ArgoCd)]
#[case("argocd.argoproj.io/hook", "Skip,Sync", HookTool::ArgoCd)]
#[case("argocd.argoproj.io/hook", "presync", HookTool::ArgoCd)]
fn s50_a_hook_that_somebody_counts_on_is_refused(
    #[case] annotation: &str,
    #[case] hooks: &str,
    #[case] tool: HookTool,
) {
    for (kind, work, remedy) in [
        ("Job", Work::Runs, "Move it to spec.hooks."),
        ("ConfigMap", Work::Serves, "Leave the annotation out"),
    ] {
        let faulty = read(&[annotated(kind, annotation, hooks)]).unwrap_err();
        assert_eq!(faulty.faults.len(), 1);
        let fault = &faulty.faults[0];
        assert_eq!(fault.kind, FaultKind::Hook(tool, work));
        assert_eq!(fault.path, format!("m[0].metadata.annotations[{annotation}]"));
        assert!(fault.to_string().contains(remedy), "{fault}");
        assert_eq!(faulty.rest.objects.len(), 1, "it is judged all the same");
    }
}

#[test]
fn a_hook_of_two_tools_is_refused_if_one_of_them_is_counted_on() {
    let mut job = annotated("Job", "argocd.argoproj.io/hook", "PostSync");
    job["metadata"]["annotations"]["helm.sh/hook"] = json!("test");
    assert_eq!(
        read(&[job]).unwrap_err().faults[0].kind,
        FaultKind::Hook(HookTool::ArgoCd, Work::Runs)
    );
}
