//! Every byte that is rendered. A change here restarts Pods at an upgrade: decide it, then accept it.

use super::{HookJob, Ownership, Target, hook_job, render};
use crate::api::app::AppSpec;
use crate::revision::{HookKey, Phase, RevisionHash, RevisionSpec};
use serde_json::{Value, json};

fn ownership() -> Ownership {
    Ownership {
        cluster: "c1".into(),
        tenant: "acme".into(),
        project: "web".into(),
        app: "payments".into(),
        namespace: "kubeop-web".into(),
    }
}

fn sample() -> AppSpec {
    serde_json::from_value(json!({
        "projectRef": "web", "namespace": "kubeop-web",
        "delivery": {"kind": "Image", "image": {
            "ref": "ghcr.io/acme/payments:2.3.1", "replicas": 3,
            "rollout": {"strategy": "RollingUpdate", "maxSurge": 1, "maxUnavailable": 1},
            "resources": {"preset": "medium", "requests": {"cpu": "500m", "memory": "512Mi"}},
            "probes": {"preset": "http", "readiness": {"path": "/healthz", "port": 8080}},
        }},
        "hooks": {"pre": [{"name": "migrate", "image": "ghcr.io/acme/payments-migrate:2.3.1",
            "command": ["/bin/sh", "-c", "./migrate.sh"]}]},
    }))
    .unwrap()
}

fn rendered(spec: &AppSpec) -> Vec<Value> {
    let canonical = RevisionSpec::new(spec, Vec::new());
    let hash = RevisionHash::of(&canonical);
    let ownership = ownership();
    let replicas = spec.delivery.image.as_ref().and_then(|image| image.replicas);
    let target = Target {
        ownership: &ownership,
        hash: &hash,
        replicas,
        progress_deadline: None,
    };
    render(&canonical, &target)
        .into_iter()
        .map(|object| object.value)
        .collect()
}

#[test]
fn the_sample_of_the_documentation() {
    insta::assert_yaml_snapshot!(rendered(&sample()));
}

#[test]
fn everything_that_an_image_can_say() {
    let spec: AppSpec = serde_json::from_value(json!({
        "projectRef": "web",
        "delivery": {"kind": "Image", "image": {
            "ref": "nginx", "command": ["/a"], "args": ["b"],
            "ports": [{"name": "http", "containerPort": 8080, "servicePort": 80},
                      {"name": "dns", "containerPort": 53, "protocol": "UDP"}],
            "env": [{"name": "A", "value": "b"}],
            "envFrom": [{"configMapRef": {"name": "c"}}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "resources": {"preset": "small", "requests": {"memory": "1Gi"}},
            "rollout": {"strategy": "Recreate"},
            "probes": {"preset": "tcp", "liveness": {"exec": {"command": ["true"]}, "periodSeconds": 30}},
            "serviceAccountName": "robot",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsNonRoot": true},
            "ingress": {"host": "pay.example.com", "ingressClassName": "nginx",
                "annotations": {"a": "b"}, "dns": {"target": "192.0.2.1"}, "tls": true},
        }},
    }))
    .unwrap();
    insta::assert_yaml_snapshot!(rendered(&spec));
}

#[test]
fn a_hook() {
    let spec = sample();
    let canonical = RevisionSpec::new(&spec, Vec::new());
    let key = HookKey {
        hash: RevisionHash::of(&canonical),
        phase: Phase::Pre,
        name: "migrate".into(),
    };
    let job = HookJob {
        ownership: &ownership(),
        app_uid: "6f0e",
        key: &key,
        attempt: 1,
        hook: &canonical.pre_hooks()[0],
    };
    insta::assert_yaml_snapshot!(hook_job(&job));
}
