//! The answers of kstatus, all kinds.

use super::{Health, health};
use serde_json::Value;

/// Where kubeOP differs, by the first words of a row's name, and why.
const DEVIATIONS: [(&str, &str); 16] = [
    ("job: resumed", RUNNING_JOB),
    ("job: running", RUNNING_JOB),
    ("job: success criteria met", RUNNING_JOB),
    ("job: Complete False", RUNNING_JOB),
    ("job: Failed False", RUNNING_JOB),
    (
        "job: failure target only",
        "it will fail: said as soon as it is certain",
    ),
    (
        "job: suspended, never started",
        "somebody suspended it on purpose: nothing to wait for",
    ),
    ("pod: failed", "a failed Pod has failed"),
    (
        "pod: unschedulable, within",
        "there is no clock here; the progress deadline forgives the first seconds",
    ),
    ("pod: unknown phase", NO_ERRORS),
    (
        "statefulset: OnDelete, nothing there",
        "OnDelete is ready when the ready count is full",
    ),
    (
        "crd: names refused after",
        "a name that is not accepted is a fault, whatever the order of conditions",
    ),
    ("cr: empty deletion time", "an empty text is no absence"),
    ("cr: observedGeneration is text", NO_ERRORS),
    ("cr: conditions is not a list", NO_ERRORS),
    ("cr: status is text", NO_ERRORS),
];
const RUNNING_JOB: &str = "a delivered Job is ready when it is done";
const NO_ERRORS: &str = "health cannot fail: what is not understood is no reason to wait";

#[test]
fn health_is_what_kstatus_says() {
    let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/kstatus.json")).unwrap();
    let mut wrong = Vec::new();
    for fixture in vectors["fixtures"].as_array().unwrap() {
        let name = fixture["name"].as_str().unwrap();
        let got = health(&fixture["object"]);
        let word = match &got {
            Health::Ready => "Current",
            Health::Progressing { .. } => "InProgress",
            Health::Failed { .. } => "Failed",
        };
        let status = fixture["status"].as_str().unwrap();
        let deviates = DEVIATIONS.iter().any(|(prefix, _)| name.starts_with(prefix));
        // kstatus has a word of its own for what is being deleted; kubeOP waits for it.
        let same = status == word || (status == "Terminating" && word == "InProgress");
        if same == deviates {
            wrong.push(format!(
                "{name}: wanted {status} ({}), got {got:?}",
                fixture["message"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
