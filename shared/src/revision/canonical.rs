//! What an App says, in the one form in which it is hashed and rendered: defaults and absent fields
//! left out, image references normalised, quantities canonical, keys sorted.
//!
//! Not part of it: `replicas`, `suspend`, deadlines, history and rollback policy. They may change
//! without a new revision.

use crate::api::app::{
    AppSpec, Delivery, DeliveryKind, Hook, HookNeeds, Hooks, ImageDelivery, IngressSpec, ProbePreset,
    ProbeSpec, Probes, Protocol, Resources, Rollout, RolloutStrategy,
};
use crate::api::quantity::Quantity;
use crate::image::ImageReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a revision is made of. Equal ones have equal hashes and render equal bytes, because hash and
/// rendering both start here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct RevisionSpec {
    kind: DeliveryKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageDelivery>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    manifests: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hooks: Option<Hooks>,
}

impl RevisionSpec {
    /// The canonical form. `manifests` are the objects that `read_manifests` made of `manifests[]`,
    /// in order; empty for an Image.
    #[must_use]
    pub fn new(spec: &AppSpec, manifests: Vec<Value>) -> Self {
        let Delivery { kind, image, .. } = &spec.delivery;
        Self {
            kind: *kind,
            image: match kind {
                DeliveryKind::Image => image.clone().map(image_delivery),
                DeliveryKind::Git | DeliveryKind::Helm | DeliveryKind::Raw => None,
            },
            manifests,
            hooks: spec.hooks.clone().and_then(hooks),
        }
    }

    /// The kind of delivery.
    #[must_use]
    pub fn kind(&self) -> DeliveryKind {
        self.kind
    }

    /// What an Image delivery says.
    #[must_use]
    pub fn image(&self) -> Option<&ImageDelivery> {
        self.image.as_ref()
    }

    /// The hooks before delivery, in order.
    #[must_use]
    pub fn pre_hooks(&self) -> &[Hook] {
        let hooks = self.hooks.as_ref().and_then(|hooks| hooks.pre.as_deref());
        hooks.unwrap_or_default()
    }

    /// The hooks after delivery, in order.
    #[must_use]
    pub fn post_hooks(&self) -> &[Hook] {
        let hooks = self.hooks.as_ref().and_then(|hooks| hooks.post.as_deref());
        hooks.unwrap_or_default()
    }

    /// The objects of `manifests[]`, in order; none for kind Image.
    #[must_use]
    pub fn manifests(&self) -> &[Value] {
        &self.manifests
    }

    /// What is delivered before the pre hooks.
    #[must_use]
    pub fn needs(&self) -> HookNeeds {
        let needs = self.hooks.as_ref().and_then(|hooks| hooks.needs);
        needs.unwrap_or_default()
    }

    /// The text that is hashed. `serde_json` keeps the keys of a tree sorted.
    pub(super) fn canonical_json(&self) -> String {
        serde_json::to_value(self)
            .map(|tree| tree.to_string())
            .unwrap_or_default()
    }
}

fn image_delivery(image: ImageDelivery) -> ImageDelivery {
    let first_port = image.ports.as_ref().and_then(|ports| ports.first());
    let ingress = image
        .ingress
        .map(|said| ingress(said, first_port.map(|port| port.name.as_str())));
    ImageDelivery {
        reference: normalized(&image.reference),
        replicas: None,
        command: filled(image.command),
        args: filled(image.args),
        ports: filled(image.ports).map(|ports| {
            let mut ports = ports;
            for port in &mut ports {
                port.protocol = port.protocol.filter(|protocol| *protocol != Protocol::TCP);
                port.service_port = port.service_port.filter(|number| *number != port.container_port);
            }
            ports
        }),
        env: core(image.env),
        env_from: core(image.env_from),
        volumes: core(image.volumes),
        volume_mounts: core(image.volume_mounts),
        resources: image.resources.and_then(resources),
        rollout: image.rollout.and_then(rollout),
        probes: image.probes.and_then(probes),
        service_account_name: image.service_account_name,
        node_selector: image.node_selector.filter(|selector| !selector.is_empty()),
        tolerations: core(image.tolerations),
        security_context: image.security_context.and_then(core_object),
        ingress,
    }
}

fn resources(resources: Resources) -> Option<Resources> {
    let canonical = Resources {
        preset: resources.preset,
        requests: resources.requests.map(quantities).filter(|map| !map.is_empty()),
        limits: resources.limits.map(quantities).filter(|map| !map.is_empty()),
    };
    (canonical != Resources::default()).then_some(canonical)
}

fn quantities<K: Ord>(map: std::collections::BTreeMap<K, Value>) -> std::collections::BTreeMap<K, Value> {
    map.into_iter()
        .map(|(name, value)| (name, quantity(value)))
        .collect()
}

/// A quantity in the one form of its amount. What cannot be read stays as written: the API server judges it.
fn quantity(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return value,
    };
    Quantity::parse(&text).map_or(value, |quantity| Value::String(quantity.shortest()))
}

fn rollout(rollout: Rollout) -> Option<Rollout> {
    let quarter = IntOrString::String("25%".to_owned());
    let canonical = Rollout {
        strategy: rollout
            .strategy
            .filter(|strategy| *strategy != RolloutStrategy::RollingUpdate),
        max_surge: rollout.max_surge.filter(|limit| *limit != quarter),
        max_unavailable: rollout.max_unavailable.filter(|limit| *limit != quarter),
    };
    (canonical != Rollout::default()).then_some(canonical)
}

fn probes(probes: Probes) -> Option<Probes> {
    let canonical = Probes {
        preset: probes.preset.filter(|preset| *preset != ProbePreset::None),
        readiness: probes.readiness.map(probe),
        liveness: probes.liveness.map(probe),
        startup: probes.startup.map(probe),
    };
    (canonical != Probes::default()).then_some(canonical)
}

fn probe(probe: ProbeSpec) -> ProbeSpec {
    ProbeSpec {
        path: probe.path.filter(|path| path != "/"),
        scheme: probe.scheme.filter(|scheme| scheme != "HTTP"),
        http_get: probe.http_get.map(without_nulls),
        tcp_socket: probe.tcp_socket.map(without_nulls),
        exec: probe.exec.map(without_nulls),
        grpc: probe.grpc.map(without_nulls),
        ..probe
    }
}

fn ingress(ingress: IngressSpec, first_port: Option<&str>) -> IngressSpec {
    IngressSpec {
        port: ingress.port.filter(|port| Some(port.as_str()) != first_port),
        path: ingress.path.filter(|path| path != "/"),
        path_type: ingress.path_type.filter(|kind| kind != "Prefix"),
        annotations: ingress.annotations.filter(|map| !map.is_empty()),
        tls: ingress.tls.filter(|wanted| *wanted),
        ..ingress
    }
}

fn hooks(hooks: Hooks) -> Option<Hooks> {
    let canonical = Hooks {
        pre: filled(hooks.pre).map(|hooks| hooks.into_iter().map(hook).collect()),
        post: filled(hooks.post).map(|hooks| hooks.into_iter().map(hook).collect()),
        needs: hooks.needs.filter(|needs| *needs != HookNeeds::None),
    };
    (canonical != Hooks::default()).then_some(canonical)
}

fn hook(hook: Hook) -> Hook {
    Hook {
        image: normalized(&hook.image),
        command: filled(hook.command),
        args: filled(hook.args),
        env: core(hook.env),
        env_from: core(hook.env_from),
        volumes: core(hook.volumes),
        volume_mounts: core(hook.volume_mounts),
        resources: hook.resources.and_then(core_resources),
        timeout_seconds: hook.timeout_seconds.filter(|seconds| *seconds != 600),
        backoff_limit: hook.backoff_limit.filter(|limit| *limit != 0),
        hide_output: hook.hide_output.filter(|hide| *hide),
        ..hook
    }
}

/// core/v1 `resources`, with canonical quantities in `requests` and `limits`.
fn core_resources(resources: Value) -> Option<Value> {
    let mut resources = core_object(resources)?;
    let map = resources.as_object_mut()?;
    for field in ["requests", "limits"] {
        let Some(Value::Object(amounts)) = map.get_mut(field) else {
            continue;
        };
        for value in amounts.values_mut() {
            *value = quantity(value.take());
        }
        if amounts.is_empty() {
            map.remove(field);
        }
    }
    core_object(resources)
}

/// A core/v1 object that says something.
fn core_object(value: Value) -> Option<Value> {
    let value = without_nulls(value);
    value
        .as_object()
        .is_none_or(|map| !map.is_empty())
        .then_some(value)
}

/// The reference as written, with host and `library/` added. An unreadable one stays: admission refuses it.
fn normalized(reference: &str) -> String {
    ImageReference::parse(reference)
        .map_or_else(|_| reference.to_owned(), |image| image.normalized().to_string())
}

fn filled<T>(list: Option<Vec<T>>) -> Option<Vec<T>> {
    list.filter(|list| !list.is_empty())
}

fn core(list: Option<Vec<Value>>) -> Option<Vec<Value>> {
    filled(list).map(|list| list.into_iter().map(without_nulls).collect())
}

/// In core/v1 fragments a null is an absent field.
fn without_nulls(mut value: Value) -> Value {
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
