//! Apps that the schema refuses without the webhook, and what a person then reads.

use super::support::{app, assert_refused, image_app};
use serde_json::{Value, json};

#[tokio::test]
async fn deliveries_whose_kind_and_field_disagree() {
    let manifest =
        json!({"manifests": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}]});
    let image = json!({"ref": "ghcr.io/acme/x:1"});
    assert_refused(vec![
        (
            "no field at all",
            app(json!({"delivery": {"kind": "Image"}})),
            &["spec.delivery.image", "is required for kind Image"],
        ),
        (
            "the field of another kind",
            app(json!({"delivery": {"kind": "Raw", "image": image}})),
            &[
                "spec.delivery.image",
                "belongs to kind Image, but kind is Raw",
                "spec.delivery.raw",
                "is required for kind Raw",
            ],
        ),
        (
            "two fields",
            app(json!({"delivery": {"kind": "Raw", "raw": manifest, "helm": manifest}})),
            &["spec.delivery.helm", "belongs to kind Helm, but kind is Raw"],
        ),
        (
            "an unknown kind",
            app(json!({"delivery": {"kind": "Kustomize"}})),
            &["spec.delivery.kind", "Unsupported value"],
        ),
        (
            "no manifests",
            app(json!({"delivery": {"kind": "Raw", "raw": {"manifests": []}}})),
            &["spec.delivery.raw.manifests", "at least 1"],
        ),
        (
            "no delivery",
            app(json!({})),
            &["spec.delivery", "Required value"],
        ),
        (
            "a field that does not exist",
            image_app(json!({"replica": 3})),
            &["unknown field", "spec.delivery.image.replica"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn images_that_no_deployment_could_be_made_of() {
    let ports = json!([{"name": "http", "containerPort": 8080}]);
    assert_refused(vec![
        (
            "no reference",
            image_app(json!({"ref": ""})),
            &["spec.delivery.image.ref", "at least 1"],
        ),
        (
            "fewer than no replicas",
            image_app(json!({"replicas": -1})),
            &["spec.delivery.image.replicas", "greater than or equal to 0"],
        ),
        (
            "a port out of range",
            image_app(json!({"ports": [{"name": "http", "containerPort": 65536}]})),
            &["ports[0].containerPort", "65535"],
        ),
        (
            "a port without a name",
            image_app(json!({"ports": [{"containerPort": 80}]})),
            &["ports[0].name", "Required value"],
        ),
        (
            "a port's name in capitals",
            image_app(json!({"ports": [{"name": "HTTP", "containerPort": 80}]})),
            &["ports[0].name", "at least one letter"],
        ),
        (
            "a port's name twice",
            image_app(json!({"ports": [ports[0], ports[0]]})),
            &["ports[1]", "Duplicate value"],
        ),
        (
            "an unknown preset",
            image_app(json!({"resources": {"preset": "huge"}})),
            &["resources.preset", "\"small\", \"medium\", \"large\""],
        ),
        (
            "a quantity that is none",
            image_app(json!({"resources": {"requests": {"cpu": "much"}}})),
            &["resources.requests.cpu"],
        ),
        (
            "Recreate with a surge",
            image_app(json!({"rollout": {"strategy": "Recreate", "maxSurge": 1}})),
            &["rollout.strategy", "do not go with it"],
        ),
        (
            "nothing may move",
            image_app(json!({"rollout": {"maxSurge": 0, "maxUnavailable": "0%"}})),
            &["rollout.maxUnavailable", "cannot both be 0"],
        ),
        (
            "a share over the whole",
            image_app(json!({"rollout": {"maxUnavailable": "101%"}})),
            &["rollout.maxUnavailable"],
        ),
        (
            "an ingress to nowhere",
            image_app(json!({"ingress": {"host": "a.example.com"}})),
            &["ports", "an ingress leads to a port"],
        ),
        (
            "an ingress to an unknown port",
            image_app(json!({"ports": ports, "ingress": {"host": "a.example.com", "port": "grpc"}})),
            &["ingress.port", "name of one of ports"],
        ),
        (
            "an ingress path without a slash",
            image_app(json!({"ports": ports, "ingress": {"host": "a.example.com", "path": "x"}})),
            &["ingress.path", "begin with a slash"],
        ),
        (
            "a volume with an unknown field",
            image_app(json!({"volumes": [{"name": "v", "emptydir": {}}]})),
            &["unknown field", "volumes[0].emptydir"],
        ),
        (
            "an env entry without a name",
            image_app(json!({"env": [{"value": "x"}]})),
            &["env[0].name", "Required value"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn probes_of_two_forms_or_none() {
    let probes = |probes: Value| image_app(json!({"probes": probes}));
    assert_refused(vec![
        (
            "the flat form and a handler",
            probes(json!({"readiness": {"port": 80, "tcpSocket": {"port": 80}}})),
            &["probes.readiness", "exactly one of"],
        ),
        (
            "two handlers",
            probes(json!({"liveness": {"exec": {"command": ["x"]}, "tcpSocket": {"port": 80}}})),
            &["probes.liveness", "exactly one of"],
        ),
        (
            "no handler",
            probes(json!({"startup": {"periodSeconds": 3}})),
            &["probes.startup", "exactly one of"],
        ),
        (
            "a path beside a handler",
            probes(json!({"readiness": {"path": "/x", "httpGet": {"port": 80}}})),
            &["probes.readiness.path", "belong to port"],
        ),
        (
            "a preset without a port",
            probes(json!({"preset": "http"})),
            &["probes.preset", "name one under ports"],
        ),
        (
            "an unknown preset",
            probes(json!({"preset": "grpc"})),
            &["probes.preset", "Unsupported value"],
        ),
        (
            "a period of zero",
            probes(json!({"readiness": {"port": 80, "periodSeconds": 0}})),
            &["periodSeconds", "greater than or equal to 1"],
        ),
        (
            "a liveness that has to succeed twice",
            probes(json!({"liveness": {"port": 80, "successThreshold": 2}})),
            &["liveness.successThreshold", "must be 1"],
        ),
        (
            "a readiness with a grace period",
            probes(json!({"readiness": {"port": 80, "terminationGracePeriodSeconds": 2}})),
            &["terminationGracePeriodSeconds", "ends no container"],
        ),
        (
            "httpGet without a port",
            probes(json!({"readiness": {"httpGet": {"path": "/"}}})),
            &["httpGet.port", "Required value"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn hooks_that_could_not_run() {
    let hooks = |hooks: Value| {
        let mut object = image_app(json!({}));
        object["spec"]["hooks"] = hooks;
        object
    };
    let hook = json!({"name": "migrate", "image": "ghcr.io/acme/migrate:1"});
    assert_refused(vec![
        ("a name twice", hooks(json!({"pre": [hook, hook]})), &["hooks.pre[1]", "Duplicate value"]),
        ("no image", hooks(json!({"pre": [{"name": "migrate"}]})), &["hooks.pre[0].image", "Required value"]),
        ("a name with an underscore", hooks(json!({"post": [{"name": "db_up", "image": "x"}]})), &["hooks.post[0].name", "lower-case letters"]),
        ("a timeout of zero", hooks(json!({"pre": [{"name": "a", "image": "x", "timeoutSeconds": 0}]})), &["timeoutSeconds", "greater than or equal to 1"]),
        ("33 hooks", hooks(json!({"pre": (0..33).map(|n| json!({"name": format!("h{n}"), "image": "x"})).collect::<Vec<_>>()})), &["hooks.pre", "at most 32"]),
        ("a need that is none", hooks(json!({"needs": "All"})), &["hooks.needs", "\"None\", \"Config\""]),
    ])
    .await;
}
