//! What admission cannot tell from an App's manifests, and what refuses it when it is delivered: the rights of the deployer
//! account, the policies, pod security. And what is put right instead of being refused.

use anyhow::{Result, ensure};
use kubeop_tests::wait;
use serde_json::{Value, json};

use crate::attempt::{Attempt, What, Who};
use crate::ground::{Ground, SOON};
use crate::more::MORE;
use crate::objects::{HOME, app, binding, object, pod, role, workload};
use crate::reserved::{deployers_token, hook_job};
use crate::rights::endpoint_slice;

pub fn attempts() -> Vec<Attempt> {
    let deliver = |name, manifest: Value, refusal| Attempt {
        name,
        who: Who::Edit,
        what: What::Deliver(vec![manifest]),
        refusal,
    };
    let named = |mut object: Value, name: &str| {
        object["metadata"]["name"] = json!(name);
        object
    };
    let mut others = named(binding("kubeop-deployer"), "kubeop-deployer");
    others["metadata"].as_object_mut().unwrap().remove("namespace");
    let mut quota = object("v1", "ResourceQuota", "x");
    quota["spec"] = json!({"hard": {"pods": "1"}});
    let mut privileged = pod("privileged", "ghcr.io/acme/x");
    privileged["spec"]["containers"][0]["securityContext"] = json!({"privileged": true});
    let mut workload = workload("apps/v1", "Deployment", "ghcr.io/acme/x");
    workload["metadata"]["name"] = json!("host");
    workload["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    vec![
        deliver(
            "delivered: cluster-admin",
            named(binding("cluster-admin"), "a"),
            MORE,
        ),
        deliver("delivered: edit", named(binding("edit"), "b"), MORE),
        deliver(
            "delivered: a Role of all rights",
            named(role("*", "*", "*"), "a"),
            MORE,
        ),
        deliver(
            "delivered: a Role to exec",
            named(role("", "pods/exec", "create"), "b"),
            MORE,
        ),
        deliver(
            "delivered: a record",
            object("v1", "ConfigMap", "kubeop-revision-later"),
            "[Reserved] metadata.name",
        ),
        deliver(
            "delivered: a hook that ran",
            hook_job(),
            "[Reserved] metadata.labels[platform.kubeop.io/hook]",
        ),
        deliver(
            "delivered: a token of the deployer",
            deployers_token(),
            "[Reserved] metadata.annotations",
        ),
        deliver("delivered: more deployers", others, "[Reserved] metadata.name"),
        deliver(
            "delivered: an EndpointSlice that leads elsewhere",
            endpoint_slice(),
            "endpointslices",
        ),
        deliver("delivered: a quota", quota, "resourcequotas"),
        deliver("delivered: a privileged Pod", privileged, "violates PodSecurity"),
        deliver(
            "delivered: Pods on the node's network",
            workload,
            "violates PodSecurity",
        ),
    ]
}

/// The deployer's workloads are not looked at before their Pods are: the Pod is the boundary.
#[tokio::test(flavor = "multi_thread")]
async fn a_workload_of_the_deployers_starts_no_foreign_pod() {
    let ground = Ground::shared().await;
    let mut made = workload("apps/v1", "ReplicaSet", "evil.example/x");
    made["metadata"]["name"] = json!("foreign");
    let made = ground
        .as_who(Who::Deployer, "create -f -", &made.to_string())
        .await
        .unwrap();
    made.success().unwrap();
    wait::until("the refusal is told", SOON, || async {
        let events = ground
            .kubectl(&format!(
                "get events -n {HOME} --field-selector=reason=FailedCreate -o json"
            ))
            .await?;
        ensure!(
            events.contains("[ImageNotAllowed] spec.containers[0].image"),
            "{events}"
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    let pods = ground
        .kubectl(&format!("get pods -n {HOME} -l app=x -o name"))
        .await
        .unwrap();
    assert!(!pods.contains("foreign"), "{pods}");
}

/// Who did it is who did it, whatever the request says of that.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_under_another_name() -> Result<()> {
    let ground = Ground::shared().await;
    let mut forged = app("forged", "ghcr.io/acme/x");
    forged["metadata"]["annotations"] = json!({"platform.kubeop.io/author": "adam",
        "platform.kubeop.io/revision-hash": "0", "platform.kubeop.io/hash-version": "9"});
    let args = "create --dry-run=server -o json -f -";
    let made = ground
        .as_who(Who::Edit, args, &forged.to_string())
        .await?
        .success()?;
    let made: Value = serde_json::from_str(&made)?;
    let stamps = &made["metadata"]["annotations"];
    assert_eq!(stamps["platform.kubeop.io/author"], "edith");
    assert_ne!(stamps["platform.kubeop.io/revision-hash"], "0");
    assert_ne!(stamps["platform.kubeop.io/hash-version"], "9");

    // The App's own answer to the request, with another name in it.
    let skip = "annotate --dry-run=server -o json -n kubeop-web apps.platform.kubeop.io/failed";
    let plain = ground
        .as_who(
            Who::Edit,
            &format!("{skip} platform.kubeop.io/skip-hook=migrate"),
            "",
        )
        .await?;
    let asked = |text: &str| -> Result<String> {
        let app: Value = serde_json::from_str(text)?;
        let asked = app["metadata"]["annotations"]["platform.kubeop.io/skip-hook"].as_str();
        Ok(asked.unwrap_or_default().to_owned())
    };
    let honest = asked(&plain.success()?)?;
    assert!(honest.ends_with(" by edith"), "{honest}");
    let fields = json!({"metadata": {"annotations": {
        "platform.kubeop.io/skip-hook": honest.replace("edith", "adam")}}});
    let args = "patch apps.platform.kubeop.io/failed -n kubeop-web --dry-run=server -o json --type=merge \
                --patch-file=/dev/stdin";
    let forged = ground.as_who(Who::Edit, args, &fields.to_string()).await?;
    assert_eq!(asked(&forged.success()?)?, honest);
    Ok(())
}
