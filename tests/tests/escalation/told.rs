//! Apps that say what they may not, and requests by annotation that mean what they must not.

use serde_json::{Value, json};

use crate::attempt::{Attempt, What, Who, create, run};
use crate::objects::{app, object, pod, raw, workload};

const EVIL: &str = "evil.example/x";

pub fn attempts() -> Vec<Attempt> {
    [apps(), manifests(), requests()].into_iter().flatten().collect()
}

fn apps() -> Vec<Attempt> {
    let with = |path: &str, value: Value| {
        let mut app = app("x", "ghcr.io/acme/x");
        *app.pointer_mut("/spec").unwrap() = json!({"projectRef": "web",
            "delivery": {"kind": "Image", "image": {"ref": "ghcr.io/acme/x"}}, path: value});
        app
    };
    let hook = json!({"pre": [{"name": "h", "image": EVIL}]});
    vec![
        create(
            "an App of a foreign image",
            Who::Edit,
            app("x", EVIL),
            "[ImageNotAllowed] spec.delivery.image.ref",
        ),
        create(
            "a hook of a foreign image",
            Who::Edit,
            with("hooks", hook),
            "[ImageNotAllowed] spec.hooks.pre[0].image",
        ),
        create(
            "an App for another namespace",
            Who::Edit,
            with("namespace", json!("kubeop-shop")),
            "[WrongNamespace]",
        ),
        create(
            "an App of another project",
            Who::Edit,
            with("projectRef", json!("shop")),
            "[WrongNamespace]",
        ),
        create(
            "an App of no project",
            Who::Edit,
            with("projectRef", json!("none")),
            "[ProjectNotFound]",
        ),
    ]
}

fn manifests() -> Vec<Attempt> {
    let brings = |name, manifest: Value, refusal| create(name, Who::Edit, raw("x", &[manifest]), refusal);
    let cluster = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
    let mut elsewhere = object("v1", "ConfigMap", "x");
    elsewhere["metadata"]["namespace"] = json!("kube-system");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [elsewhere.clone()]});
    let images =
        json!({"apiVersion": "v1", "kind": "List", "items": [workload("batch/v1", "CronJob", EVIL)]});
    let task = json!({"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "x"},
        "spec": {"steps": [{"name": "s", "image": EVIL}]}});
    let drawn = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}});
    let mut later = pod("x", "ghcr.io/acme/x");
    later["metadata"]["annotations"] = json!({"helm.sh/hook": "post-install"});
    let scoped = "[ClusterScoped]";
    let rbac = "rbac.authorization.k8s.io/v1";
    let mut attempts = vec![
        brings(
            "an App that brings another namespace's object",
            elsewhere,
            "[OtherNamespace]",
        ),
        brings("the same in a list", list, "[OtherNamespace]"),
        brings(
            "an App that brings a Namespace",
            cluster("v1", "Namespace"),
            scoped,
        ),
        brings(
            "an App that brings a ClusterRole",
            cluster(rbac, "ClusterRole"),
            scoped,
        ),
        brings(
            "an App that brings a ClusterRoleBinding",
            cluster(rbac, "ClusterRoleBinding"),
            scoped,
        ),
        brings(
            "an App that brings a PersistentVolume",
            cluster("v1", "PersistentVolume"),
            scoped,
        ),
        brings(
            "an App that brings an APIService",
            cluster("apiregistration.k8s.io/v1", "APIService"),
            scoped,
        ),
        brings(
            "an App that brings a webhook",
            cluster("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
            scoped,
        ),
        brings(
            "an App that brings a kind",
            cluster("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            scoped,
        ),
        brings("an App in an App", app("y", "ghcr.io/acme/x"), "[OwnKind]"),
        brings(
            "an App that brings a Project",
            cluster("platform.kubeop.io/v1alpha1", "Project"),
            "[OwnKind]",
        ),
        brings(
            "an App that brings another object each time",
            drawn,
            "[GenerateName]",
        ),
        brings("an App that Helm would run", later, "[HelmHook]"),
        brings("a foreign image in a list", images, "[ImageNotAllowed]"),
        brings("a foreign image in a custom resource", task, "[ImageNotAllowed]"),
    ];
    for (name, api_version, kind) in [
        ("an App that brings a Deployment", "apps/v1", "Deployment"),
        ("an App that brings a StatefulSet", "apps/v1", "StatefulSet"),
        ("an App that brings a DaemonSet", "apps/v1", "DaemonSet"),
        ("an App that brings a ReplicaSet", "apps/v1", "ReplicaSet"),
        ("an App that brings a Job", "batch/v1", "Job"),
        ("an App that brings a CronJob", "batch/v1", "CronJob"),
        (
            "an App that brings a ReplicationController",
            "v1",
            "ReplicationController",
        ),
        ("an App that brings a PodTemplate", "v1", "PodTemplate"),
    ] {
        attempts.push(brings(
            name,
            workload(api_version, kind, EVIL),
            "[ImageNotAllowed]",
        ));
    }
    attempts.push(brings(
        "an App that brings a Pod",
        pod("x", EVIL),
        "[ImageNotAllowed]",
    ));
    attempts
}

fn requests() -> Vec<Attempt> {
    let ask = |app: &str, annotation: &str| {
        format!(
            "annotate --overwrite -n kubeop-web apps.platform.kubeop.io/{app} platform.kubeop.io/{annotation}"
        )
    };
    let thaw = json!({"metadata": {"annotations": {"platform.kubeop.io/freeze": null}},
        "spec": {"delivery": {"image": {"ref": "ghcr.io/acme/pay:2"}}}});
    vec![
        run(
            "to skip a hook that did not fail",
            Who::Edit,
            ask("pay", "skip-hook=migrate"),
            "[HookNotFailed]",
        ),
        run(
            "to skip a hook that runs",
            Who::Edit,
            ask("hooked", "skip-hook=migrate"),
            "[HookNotFailed]",
        ),
        run(
            "back to a revision that is refused today",
            Who::Edit,
            ask("pay", "rollback-to=1"),
            "[ImageNotAllowed]",
        ),
        run(
            "back to what comes before it",
            Who::Edit,
            ask("pay", "rollback-to=previous"),
            "[ImageNotAllowed]",
        ),
        run(
            "back to a revision that never was",
            Who::Edit,
            ask("pay", "rollback-to=9"),
            "[RevisionNotKept]",
        ),
        Attempt {
            name: "a frozen App thawed and changed at once",
            who: Who::Edit,
            what: What::Send(
                "patch apps.platform.kubeop.io/frozen -n kubeop-web --type=merge --patch-file=/dev/stdin"
                    .to_owned(),
                thaw,
            ),
            refusal: "[Frozen]",
        },
    ]
}
