//! Promise 1: no Pod with an image from outside the list, and none that gets hold of the node.

use serde_json::json;

use crate::attempt::{Attempt, What, Who, create, patch, run};
use crate::objects::{object, pod, workload};

const EVIL: &str = "evil.example/x";

pub fn attempts() -> Vec<Attempt> {
    let with = |field: &str, value: serde_json::Value| {
        let mut pod = pod("x", "ghcr.io/acme/x");
        pod["spec"][field] = value;
        pod
    };
    let allowed = "[ImageNotAllowed] ";
    let privileged =
        json!([{"name": "a", "image": "ghcr.io/acme/x", "securityContext": {"privileged": true}}]);
    let mut attempts = vec![
        run(
            "kubectl run",
            Who::Edit,
            format!("run x --image={EVIL} -n kubeop-web"),
            allowed,
        ),
        run(
            "kubectl run as the deployer",
            Who::Deployer,
            format!("run x --image={EVIL} -n kubeop-web"),
            allowed,
        ),
        run(
            "another image into a running Pod",
            Who::Edit,
            format!("set image pod/ok a={EVIL} -n kubeop-web"),
            allowed,
        ),
        run(
            "another image into a running Pod as the deployer",
            Who::Deployer,
            format!("set image pod/ok a={EVIL} -n kubeop-web"),
            allowed,
        ),
        run(
            "kubectl debug without the right to it",
            Who::Edit,
            "debug ok -n kubeop-web --image=ghcr.io/acme/tools --profile=baseline",
            "pods/ephemeralcontainers",
        ),
        run(
            "kubectl debug",
            Who::Debugs,
            format!("debug ok -n kubeop-web --image={EVIL} --profile=baseline"),
            "[ImageNotAllowed] spec.ephemeralContainers[0].image",
        ),
        run(
            "kubectl debug of a copy",
            Who::Edit,
            format!("debug ok -n kubeop-web --image={EVIL} --profile=baseline --copy-to=copy"),
            allowed,
        ),
        run(
            "kubectl debug of a node",
            Who::Edit,
            "debug node/node-0 -n kubeop-web --image=ghcr.io/acme/x",
            "nodes",
        ),
        create(
            "an init container",
            Who::Edit,
            with("initContainers", json!([{"name": "i", "image": EVIL}])),
            "spec.initContainers[0].image",
        ),
        create(
            "an image as a volume",
            Who::Edit,
            with("volumes", json!([{"name": "v", "image": {"reference": EVIL}}])),
            "spec.volumes[0].image.reference",
        ),
        create(
            "an image by its id",
            Who::Edit,
            pod(
                "x",
                "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            ),
            "[ImageId] ",
        ),
        create(
            "an image that looks like an allowed one",
            Who::Edit,
            pod("x", "ghcr.io/acmebad/x"),
            allowed,
        ),
        create(
            "the path of another registry",
            Who::Edit,
            pod("x", "ghcr.io.evil.example/acme/x"),
            allowed,
        ),
        create(
            "a registry that only another project may use",
            Who::Edit,
            pod("x", "quay.io/acme/x"),
            "is not in the list of project web",
        ),
        create(
            "a privileged Pod",
            Who::Edit,
            with("containers", privileged.clone()),
            "violates PodSecurity",
        ),
        create(
            "a privileged Pod as the deployer",
            Who::Deployer,
            with("containers", privileged),
            "violates PodSecurity",
        ),
        create(
            "the node's files",
            Who::Edit,
            with("volumes", json!([{"name": "v", "hostPath": {"path": "/"}}])),
            "violates PodSecurity",
        ),
        create(
            "the node's network",
            Who::Edit,
            with("hostNetwork", json!(true)),
            "violates PodSecurity",
        ),
        create(
            "the node's processes",
            Who::Deployer,
            with("hostPID", json!(true)),
            "violates PodSecurity",
        ),
    ];
    for (name, api_version, kind) in [
        ("a Deployment", "apps/v1", "Deployment"),
        ("a StatefulSet", "apps/v1", "StatefulSet"),
        ("a DaemonSet", "apps/v1", "DaemonSet"),
        ("a ReplicaSet", "apps/v1", "ReplicaSet"),
        ("a Job", "batch/v1", "Job"),
        ("a CronJob", "batch/v1", "CronJob"),
        ("a ReplicationController", "v1", "ReplicationController"),
    ] {
        attempts.push(create(
            name,
            Who::Edit,
            workload(api_version, kind, EVIL),
            allowed,
        ));
    }
    let bind = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "ok"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-0"}});
    let status = json!({"status": {"containerStatuses": []}});
    attempts.extend([
        send(
            "a Pod onto a node of one's choice",
            "create --raw /api/v1/namespaces/kubeop-web/pods/ok/binding -f -",
            bind.clone(),
            "pods/binding",
        ),
        send(
            "the same by the old way",
            "create --raw /api/v1/namespaces/kubeop-web/bindings -f -",
            bind,
            "bindings",
        ),
        patch(
            "what runs, as a Pod's status tells it",
            Who::Edit,
            "pod/ok -n kubeop-web --subresource=status",
            status,
            "pods/status",
        ),
        create(
            "a template that others may use",
            Who::Edit,
            workload("v1", "PodTemplate", EVIL),
            "podtemplates",
        ),
        create(
            "a template that others may use, as admin",
            Who::Admin,
            object("v1", "PodTemplate", "x"),
            "podtemplates",
        ),
    ]);
    attempts
}

fn send(name: &'static str, args: &str, value: serde_json::Value, refusal: &'static str) -> Attempt {
    let what = What::Send(args.to_owned(), value);
    Attempt {
        name,
        who: Who::Edit,
        what,
        refusal,
    }
}
