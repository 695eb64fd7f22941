//! The Deployment.

use super::{Target, object, presets, probes, set};
use crate::api::app::{ImageDelivery, Rollout, RolloutStrategy};
use crate::api::names;
use crate::manifests::Object;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

pub(super) fn deployment(image: &ImageDelivery, target: &Target<'_>) -> Object {
    let mut pod = json!({"containers": [container(image, target)]});
    set(
        &mut pod,
        "serviceAccountName",
        image.service_account_name.as_ref(),
    );
    set(&mut pod, "nodeSelector", image.node_selector.as_ref());
    set(&mut pod, "tolerations", image.tolerations.as_ref());
    set(&mut pod, "volumes", image.volumes.as_ref());
    let mut spec = json!({
        "selector": {"matchLabels": target.ownership.selector()},
        "template": {"metadata": {"labels": target.ownership.template_labels()}, "spec": pod},
    });
    set(&mut spec, "replicas", target.replicas);
    set(&mut spec, "progressDeadlineSeconds", target.progress_deadline);
    set(&mut spec, "strategy", Some(strategy(image.rollout.as_ref())));
    // The Deployment controller copies this to the ReplicaSet, and `kubectl rollout undo` brings it back.
    let annotations = json!({names::ANNOTATION_REVISION: target.hash.full()});
    let body = json!({"metadata": {"annotations": annotations}, "spec": spec});
    object("apps", "v1", "Deployment", target, body)
}

fn container(image: &ImageDelivery, target: &Target<'_>) -> Value {
    let mut container = json!({
        "name": target.ownership.app,
        "image": image.reference,
        // The last lines of a crash reach the Pod's status, where no right to read logs is needed.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let into = &mut container;
    set(into, "command", image.command.as_ref());
    set(into, "args", image.args.as_ref());
    set(into, "env", image.env.as_ref());
    set(into, "envFrom", image.env_from.as_ref());
    set(into, "volumeMounts", image.volume_mounts.as_ref());
    set(into, "securityContext", image.security_context.as_ref());
    set(into, "resources", presets::resources(image.resources.as_ref()));
    let ports = image.ports.as_ref().map(|ports| {
        let port = |port: &crate::api::app::Port| {
            json!({
                "name": port.name,
                "containerPort": port.container_port,
                "protocol": port.protocol.unwrap_or_default(),
            })
        };
        ports.iter().map(port).collect::<Vec<_>>()
    });
    set(into, "ports", ports);
    let [readiness, liveness, startup] = probes::probes(image);
    set(into, "readinessProbe", readiness);
    set(into, "livenessProbe", liveness);
    set(into, "startupProbe", startup);
    container
}

/// Written out in full: what we own goes when another strategy comes. What the API server fills in would
/// stay, and it refuses `rollingUpdate` beside `Recreate`.
fn strategy(rollout: Option<&Rollout>) -> Value {
    let kind = rollout.and_then(|rollout| rollout.strategy).unwrap_or_default();
    if kind == RolloutStrategy::Recreate {
        return json!({"type": kind});
    }
    let quarter = || IntOrString::String("25%".to_owned());
    let surge = rollout
        .and_then(|rollout| rollout.max_surge.clone())
        .unwrap_or_else(quarter);
    let unavailable = rollout
        .and_then(|rollout| rollout.max_unavailable.clone())
        .unwrap_or_else(quarter);
    json!({"type": kind, "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}
