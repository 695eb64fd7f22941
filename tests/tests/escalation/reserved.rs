//! What the policies must refuse: labels of Namespaces, and what kubeOP keeps in them.

use serde_json::{Value, json};

use crate::attempt::{Attempt, What, Who, create, patch, run};
use crate::objects::{object, pod, workload};

pub fn attempts(hook_job: &str) -> Vec<Attempt> {
    [namespaces(), forged(), kept(hook_job), deployer()]
        .into_iter()
        .flatten()
        .collect()
}

fn namespaces() -> Vec<Attempt> {
    let who = Who::Namespaces;
    let label = |name: &str, value: Value| json!({"metadata": {"labels": {name: value}}});
    let project = "app.kubeop.io/project-id";
    let front = "namespace/kubeop-web";
    let status = "namespace/kubeop-web --subresource=status";
    let made = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "labels": labels}});
    let finalize = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeop-web"},
        "spec": {"finalizers": ["kubernetes"]}});
    vec![
        run(
            "a label on the namespace",
            Who::Edit,
            "label namespace kubeop-web a=b",
            "cannot patch",
        ),
        run(
            "a label on the namespace as the deployer",
            Who::Deployer,
            "label namespace kubeop-web a=b",
            "cannot patch",
        ),
        patch(
            "the project's label away",
            who,
            front,
            label(project, json!(null)),
            "[Reserved] metadata.labels",
        ),
        patch(
            "another project's label",
            who,
            front,
            label(project, json!("shop")),
            "[Reserved] metadata.labels",
        ),
        patch(
            "the project's label away by status",
            who,
            status,
            label(project, json!(null)),
            "[Reserved] metadata.labels",
        ),
        Attempt {
            name: "all labels away by finalize",
            who,
            what: What::Send(
                "replace --raw /api/v1/namespaces/kubeop-web/finalize?dryRun=All -f -".to_owned(),
                finalize,
            ),
            refusal: "[Reserved] metadata.labels",
        },
        patch(
            "no pod security",
            who,
            front,
            label("pod-security.kubernetes.io/enforce", json!("privileged")),
            "[Reserved] metadata.labels[pod-security.kubernetes.io/enforce]",
        ),
        patch(
            "the pod security of years ago",
            who,
            status,
            label("pod-security.kubernetes.io/enforce-version", json!("v1.0")),
            "[Reserved] metadata.labels[pod-security.kubernetes.io/enforce-version]",
        ),
        create(
            "a Namespace into a project",
            who,
            made(json!({project: "web"})),
            "[Reserved] metadata.labels",
        ),
        patch(
            "a Namespace that kubeOP would take for its own",
            who,
            "namespace/default",
            json!({"metadata": {"annotations": {"platform.kubeop.io/created-for": "web"}}}),
            "[Reserved] metadata.annotations[platform.kubeop.io/created-for]",
        ),
        patch(
            "consent to adoption by status",
            who,
            "namespace/default --subresource=status",
            json!({"metadata": {"annotations": {"platform.kubeop.io/adopt": "web"}}}),
            "[Reserved] metadata.annotations[platform.kubeop.io/adopt]",
        ),
    ]
}

fn forged() -> Vec<Attempt> {
    let labelled = |kind: &str, name: &str, value: &str| {
        let mut object = object("v1", kind, "x");
        object["metadata"]["labels"] = json!({name: value});
        object
    };
    let record = object("v1", "ConfigMap", "kubeop-revision-later");
    let mut drawn = object("v1", "ConfigMap", "");
    drawn["metadata"] = json!({"generateName": "kubeop-revision-", "namespace": "kubeop-web"});
    vec![
        create(
            "the record of an App to come",
            Who::Edit,
            record.clone(),
            "[Reserved] metadata.name",
        ),
        create(
            "the record of an App to come, as admin",
            Who::Admin,
            record.clone(),
            "[Reserved] metadata.name",
        ),
        create(
            "the record of an App to come, as the deployer",
            Who::Deployer,
            record,
            "[Reserved] metadata.name",
        ),
        create(
            "a record of a drawn name",
            Who::Edit,
            drawn,
            "[Reserved] metadata.name",
        ),
        create(
            "a revision that nobody approved",
            Who::Edit,
            object("v1", "Secret", "kubeop-revision-pay-9"),
            "[Reserved] metadata.name",
        ),
        create(
            "a hook that ran",
            Who::Edit,
            hook_job(),
            "[Reserved] metadata.labels[platform.kubeop.io/hook]",
        ),
        create(
            "a hook that ran, as the deployer",
            Who::Deployer,
            hook_job(),
            "[Reserved] metadata.labels[platform.kubeop.io/hook]",
        ),
        create(
            "a mirrored Secret",
            Who::Edit,
            labelled("Secret", "platform.kubeop.io/mirror-of", "kubeop-system"),
            "[Reserved] metadata.labels[platform.kubeop.io/mirror-of]",
        ),
        create(
            "labels of another project",
            Who::Edit,
            labelled("ConfigMap", "app.kubeop.io/project-id", "shop"),
            "[ForeignLabel] metadata.labels[app.kubeop.io/project-id]",
        ),
        create(
            "a Pod with labels of another project, as the deployer",
            Who::Deployer,
            labelled_pod(),
            "[ForeignLabel] metadata.labels[app.kubeop.io/project-id]",
        ),
        create(
            "labels of another Tenant",
            Who::Admin,
            labelled("Secret", "app.kubeop.io/tenant-id", "evil"),
            "[ForeignLabel] metadata.labels[app.kubeop.io/tenant-id]",
        ),
    ]
}

fn labelled_pod() -> Value {
    let mut pod = pod("x", "ghcr.io/acme/x");
    pod["metadata"]["labels"] = json!({"app.kubeop.io/project-id": "shop"});
    pod
}

pub fn hook_job() -> Value {
    let mut job = workload("batch/v1", "Job", "ghcr.io/acme/x");
    job["metadata"]["labels"] = json!({"platform.kubeop.io/hook": "migrate", "app.kubeop.io/app-id": "pay"});
    job
}

fn kept(hook_job: &str) -> Vec<Attempt> {
    let record = "configmap/kubeop-revision-pay -n kubeop-web";
    let job = &format!("job/{hook_job} -n kubeop-web");
    let metadata = |field: &str, value: Value| json!({"metadata": {field: value}});
    let owner =
        json!([{"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App", "name": "pay", "uid": "1"}]);
    vec![
        patch(
            "history",
            Who::Edit,
            record,
            json!({"data": {"revision": "9"}}),
            "[Reserved] data",
        ),
        patch(
            "history as the deployer",
            Who::Deployer,
            record,
            json!({"data": null}),
            "[Reserved] data",
        ),
        patch(
            "history that nobody can write",
            Who::Edit,
            record,
            json!({"immutable": true}),
            "[Reserved] immutable",
        ),
        patch(
            "history that is another App's",
            Who::Edit,
            record,
            metadata("ownerReferences", owner.clone()),
            "[Reserved] metadata.ownerReferences",
        ),
        patch(
            "history that goes",
            Who::Edit,
            record,
            metadata("finalizers", json!(null)),
            "[Reserved] metadata.finalizers",
        ),
        patch(
            "history that is not seen",
            Who::Edit,
            record,
            metadata("labels", json!({"platform.kubeop.io/revision-record": null})),
            "[Reserved] metadata.labels",
        ),
        patch(
            "what a kept revision says",
            Who::Edit,
            "secret/kubeop-revision-pay-1 -n kubeop-web",
            json!({"data": {"revision.json.gz": "eA=="}}),
            "[Reserved] data",
        ),
        patch(
            "a hook that does not run",
            Who::Edit,
            job,
            json!({"spec": {"suspend": true}}),
            "[Reserved] spec",
        ),
        patch(
            "a hook that is let go",
            Who::Edit,
            job,
            metadata("finalizers", json!([])),
            "[Reserved] metadata.finalizers",
        ),
        patch(
            "a hook that is let go, as the deployer",
            Who::Deployer,
            job,
            metadata("finalizers", json!([])),
            "[Reserved] metadata.finalizers",
        ),
        patch(
            "another attempt of a hook",
            Who::Edit,
            job,
            metadata("annotations", json!({"platform.kubeop.io/attempt": "2"})),
            "[Reserved] metadata.annotations[platform.kubeop.io/attempt]",
        ),
        patch(
            "a hook of another App",
            Who::Admin,
            job,
            metadata("ownerReferences", owner),
            "[Reserved] metadata.ownerReferences",
        ),
        patch(
            "a hook that succeeded",
            Who::Admin,
            &format!("{job} --subresource=status"),
            json!({"status": {"succeeded": 1}}),
            "jobs/status",
        ),
    ]
}

pub fn deployers_token() -> Value {
    let mut secret = object("v1", "Secret", "token");
    secret["type"] = json!("kubernetes.io/service-account-token");
    secret["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": "kubeop-deployer"});
    secret
}

fn deployer() -> Vec<Attempt> {
    vec![
        run(
            "a token of the deployer",
            Who::Edit,
            "create token kubeop-deployer -n kubeop-web",
            "[Reserved] metadata.name",
        ),
        run(
            "a token of the deployer as admin",
            Who::Admin,
            "create token kubeop-deployer -n kubeop-web",
            "[Reserved] metadata.name",
        ),
        create(
            "a token of the deployer for ever",
            Who::Edit,
            deployers_token(),
            "[Reserved] metadata.annotations[kubernetes.io/service-account.name]",
        ),
        run(
            "the deployer's binding away, as the deployer",
            Who::Deployer,
            "delete rolebinding kubeop-deployer -n kubeop-web",
            "[Reserved] metadata.name",
        ),
        run(
            "kubeOP's binding away, as admin",
            Who::Admin,
            "delete rolebinding kubeop-impersonate-deployer -n kubeop-web",
            "[Reserved] metadata.name",
        ),
        patch(
            "more deployers",
            Who::Deployer,
            "rolebinding/kubeop-deployer -n kubeop-web",
            json!({"subjects": []}),
            "[Reserved] metadata.name",
        ),
        run(
            "the deployer away",
            Who::Edit,
            "delete serviceaccount kubeop-deployer -n kubeop-web",
            "[Reserved] metadata.name",
        ),
    ]
}
