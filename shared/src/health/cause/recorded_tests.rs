//! What a real kubelet and real controllers said, and what is told of it: each cause once, however often a status
//! changes meanwhile.

use super::{Origin, PodStanding, Workload, origin, pod_event, pod_standing};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is told of one Pod or object, without repetitions.
type Told = BTreeMap<String, Vec<String>>;

fn tell(told: &mut Told, whom: &str, text: String) {
    let texts = told.entry(whom.to_owned()).or_default();
    if texts.last() != Some(&text) {
        texts.push(text);
    }
}

fn told_of_pods() -> Told {
    let recorded: Value = serde_json::from_str(include_str!("../../../../tests/recorded/pods.json")).unwrap();
    let mut told = Told::new();
    for pod in recorded["pods"].as_array().unwrap() {
        for status in pod["statuses"].as_array().unwrap() {
            let mut seen = pod.clone();
            seen["status"] = status.clone();
            let text = match pod_standing(&seen) {
                PodStanding::Well => "well".to_owned(),
                PodStanding::Coming => "coming".to_owned(),
                // What it says is what it said before.
                PodStanding::Recovering { .. } => continue,
                PodStanding::Troubled(cause) => format!("{:?}: {cause}", cause.kind),
            };
            let Origin { workload, .. } = origin(&seen);
            tell(&mut told, &format!("{} {}", workload.kind, workload.name), text);
        }
    }
    told
}

fn told_of_events() -> Told {
    let recorded: Value =
        serde_json::from_str(include_str!("../../../../tests/recorded/events.json")).unwrap();
    let mut told = Told::new();
    for event in recorded["events"].as_array().unwrap() {
        let event = pod_event(event).unwrap();
        let Workload { kind, name, .. } = event.about;
        let text = format!("{:?}: {}", event.cause.kind, event.cause);
        tell(&mut told, &format!("{kind} {name}"), text);
    }
    told
}

#[test]
fn what_is_told_of_pods() {
    insta::assert_yaml_snapshot!(told_of_pods());
}

#[test]
fn what_is_told_of_events() {
    let told = told_of_events();
    for (whom, texts) in &told {
        assert_eq!(texts.len(), 1, "{whom} is told in one way only: {texts:?}");
    }
    insta::assert_yaml_snapshot!(told);
}
