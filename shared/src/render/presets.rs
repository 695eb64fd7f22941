//! Resources: a preset, what is explicit over it, and a preset limit that gives way to a request.

use crate::api::app::{ResourcePreset, Resources};
use crate::api::quantity::Quantity;
use serde_json::{Map, Value, json};

/// core/v1 `resources` of the container, if any are asked for.
pub(super) fn resources(resources: Option<&Resources>) -> Option<Value> {
    let resources = resources?;
    let (mut requests, mut limits) = resources.preset.map(preset).unwrap_or_default();
    for (name, value) in resources.requests.iter().flatten() {
        requests.insert(name.clone(), value.clone());
        if let Some(limit) = limits.get_mut(name)
            && quantity(limit) < quantity(value)
        {
            limit.clone_from(value);
        }
    }
    for (name, value) in resources.limits.iter().flatten() {
        limits.insert(name.clone(), value.clone());
    }
    let mut rendered = Map::new();
    for (field, map) in [("requests", requests), ("limits", limits)] {
        if !map.is_empty() {
            rendered.insert(field.to_owned(), Value::Object(map));
        }
    }
    (!rendered.is_empty()).then_some(Value::Object(rendered))
}

/// Requests and limits of a preset. There are no CPU limits: they throttle without need.
fn preset(preset: ResourcePreset) -> (Map<String, Value>, Map<String, Value>) {
    let (cpu, memory, limit) = match preset {
        ResourcePreset::Small => ("100m", "128Mi", "256Mi"),
        ResourcePreset::Medium => ("250m", "256Mi", "512Mi"),
        ResourcePreset::Large => ("1", "1Gi", "2Gi"),
    };
    (
        Map::from_iter([
            ("cpu".to_owned(), json!(cpu)),
            ("memory".to_owned(), json!(memory)),
        ]),
        Map::from_iter([("memory".to_owned(), json!(limit))]),
    )
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text).ok(),
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::resources;
    use crate::api::app::Resources;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::preset(json!({"preset": "small"}),
        json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}))]
    #[case::explicit_wins(json!({"preset": "medium", "requests": {"cpu": "500m", "memory": "512Mi"}}),
        json!({"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}))]
    #[case::preset_limit_is_raised(json!({"preset": "small", "requests": {"memory": "1Gi"}}),
        json!({"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}))]
    #[case::explicit_limit_is_not(json!({"preset": "small", "requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}),
        json!({"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "512Mi"}}))]
    #[case::no_preset(json!({"limits": {"example.com/gpu": 1}}), json!({"limits": {"example.com/gpu": 1}}))]
    fn presets_give_way_to_what_is_explicit(#[case] given: Value, #[case] wanted: Value) {
        let given: Resources = serde_json::from_value(given).unwrap();
        assert_eq!(resources(Some(&given)), Some(wanted));
    }

    #[test]
    fn nothing_asked_for_is_nothing_rendered() {
        assert_eq!(resources(Some(&Resources::default())), None);
    }
}
