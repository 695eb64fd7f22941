//! Probes: presets, the flat form, and core/v1's own.

use super::set;
use crate::api::app::{ImageDelivery, ProbePreset, ProbeSpec, Probes};
use serde_json::{Map, Value, json};

/// `readinessProbe`, `livenessProbe` and `startupProbe` of the container, in this order.
pub(super) fn probes(image: &ImageDelivery) -> [Option<Value>; 3] {
    let none = Probes::default();
    let probes = image.probes.as_ref().unwrap_or(&none);
    let explicit = |spec: &Option<ProbeSpec>| spec.as_ref().map(explicit);
    let preset = preset_handler(image, probes);
    [
        explicit(&probes.readiness).map_or_else(
            || preset.as_ref().map(|handler| timed(handler, 5, 3)),
            |readiness| Some(with_defaults(readiness, preset.is_some().then_some((5, 3)))),
        ),
        explicit(&probes.liveness),
        explicit(&probes.startup).or_else(|| preset.as_ref().map(|handler| timed(handler, 2, 60))),
    ]
}

/// The handler of a preset. An explicit readiness gives its own to the startup probe, too.
fn preset_handler(image: &ImageDelivery, probes: &Probes) -> Option<Map<String, Value>> {
    let preset = probes.preset.unwrap_or_default();
    if preset == ProbePreset::None {
        return None;
    }
    if let Some(handler) = probes.readiness.as_ref().map(handler)
        && !handler.is_empty()
    {
        return Some(handler);
    }
    // Without a port there is nothing to probe.
    let port = image.ports.as_ref()?.first()?.name.clone();
    let handler = match preset {
        ProbePreset::Http => json!({"httpGet": {"path": "/", "port": port}}),
        ProbePreset::Tcp => json!({"tcpSocket": {"port": port}}),
        ProbePreset::None => return None,
    };
    handler.as_object().cloned()
}

fn timed(handler: &Map<String, Value>, period: i32, failures: i32) -> Value {
    with_defaults(Value::Object(handler.clone()), Some((period, failures)))
}

/// The timing of a preset, where nothing else is said.
fn with_defaults(mut probe: Value, timing: Option<(i32, i32)>) -> Value {
    if let (Some((period, failures)), Value::Object(map)) = (timing, &mut probe) {
        for (field, value) in [
            ("periodSeconds", period),
            ("timeoutSeconds", 2),
            ("failureThreshold", failures),
        ] {
            map.entry(field).or_insert(json!(value));
        }
    }
    probe
}

fn explicit(spec: &ProbeSpec) -> Value {
    let mut probe = Value::Object(handler(spec));
    set(&mut probe, "initialDelaySeconds", spec.initial_delay_seconds);
    set(&mut probe, "periodSeconds", spec.period_seconds);
    set(&mut probe, "timeoutSeconds", spec.timeout_seconds);
    set(&mut probe, "successThreshold", spec.success_threshold);
    set(&mut probe, "failureThreshold", spec.failure_threshold);
    set(
        &mut probe,
        "terminationGracePeriodSeconds",
        spec.termination_grace_period_seconds,
    );
    probe
}

fn handler(spec: &ProbeSpec) -> Map<String, Value> {
    let mut handler = Value::Object(Map::new());
    set(&mut handler, "httpGet", spec.http_get.as_ref());
    set(&mut handler, "tcpSocket", spec.tcp_socket.as_ref());
    set(&mut handler, "exec", spec.exec.as_ref());
    set(&mut handler, "grpc", spec.grpc.as_ref());
    if let Some(port) = &spec.port {
        let mut get = json!({"path": spec.path.as_deref().unwrap_or("/"), "port": port});
        set(&mut get, "scheme", spec.scheme.as_ref());
        set(&mut handler, "httpGet", Some(get));
    }
    match handler {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
