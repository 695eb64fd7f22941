//! What differs between two snapshots, in words.

use serde_json::Value;

use crate::snapshot::Snapshot;

/// One line for each difference; empty if there is none.
pub fn between(expected: &Snapshot, found: &Snapshot) -> Vec<String> {
    let missing = expected.keys().filter(|key| !found.contains_key(*key));
    let extra = found.keys().filter(|key| !expected.contains_key(*key));
    let mut lines: Vec<String> = missing.map(|key| format!("{key} is missing")).collect();
    lines.extend(extra.map(|key| format!("{key} should not be there: {}", found[key])));
    for (key, expected) in expected {
        if let Some(found) = found.get(key) {
            compare(key, expected, found, &mut lines);
        }
    }
    lines
}

fn compare(at: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(found)) = (expected, found) {
        let more = found.keys().filter(|key| !expected.contains_key(*key));
        for key in expected.keys().chain(more) {
            let part = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
            compare(&format!("{at}: {key}"), &part(expected), &part(found), lines);
        }
    } else if expected != found {
        lines.push(format!("{at} is {found}, not {expected}"));
    }
}

#[test]
fn differences_are_told_with_their_place() {
    let snapshot = |text: &str| -> Snapshot { serde_json::from_str(text).unwrap() };
    let expected = snapshot(r#"{"a": {"x": {"y": 1}}, "b": 1}"#);
    let found = snapshot(r#"{"a": {"x": {"y": 2}}, "c": 3}"#);
    assert_eq!(
        between(&expected, &found),
        ["b is missing", "c should not be there: 3", "a: x: y is 2, not 1"]
    );
    assert!(between(&expected, &expected).is_empty());
}
