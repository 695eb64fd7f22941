//! What there is to say of an object that is ready.

use super::{Health, health, integer, text};
use serde_json::Value;

/// What a reader should know of a ready object, as a clause: Pods that stay old on purpose.
#[must_use]
pub fn note(object: &Value) -> Option<String> {
    let kind = text(object, "/kind").filter(|kind| matches!(*kind, "StatefulSet" | "DaemonSet"))?;
    if health(object) != Health::Ready {
        return None;
    }
    let count = |pointer: &str| integer(object, pointer).unwrap_or(0);
    let old = if kind == "StatefulSet" {
        text(object, "/status/currentRevision") != text(object, "/status/updateRevision")
    } else {
        count("/status/updatedNumberScheduled") < count("/status/desiredNumberScheduled")
    };
    if !old {
        return None;
    }
    if text(object, "/spec/updateStrategy/type") == Some("OnDelete") {
        return Some("old Pods remain until somebody deletes them (updateStrategy OnDelete)".to_owned());
    }
    let partition =
        integer(object, "/spec/updateStrategy/rollingUpdate/partition").filter(|first| *first > 0)?;
    Some(format!(
        "old Pods remain below ordinal {partition} (partition {partition})"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Health, health};
    use super::note;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn set(strategy: &Value, ready: i64, updated: i64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 2},
            "spec": {"replicas": 3, "updateStrategy": strategy},
            "status": {
                "observedGeneration": 2, "replicas": 3, "readyReplicas": ready, "currentReplicas": 3 - updated,
                "updatedReplicas": updated, "currentRevision": "db-1", "updateRevision": "db-2",
            },
        })
    }

    fn daemon(strategy: &str, ready: i64, updated: i64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"generation": 2},
            "spec": {"updateStrategy": {"type": strategy}},
            "status": {
                "observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
                "updatedNumberScheduled": updated, "numberAvailable": ready, "numberReady": ready,
            },
        })
    }

    #[rstest]
    #[case::s42_on_delete(set(&json!({"type": "OnDelete"}), 3, 0), Some("OnDelete"))]
    #[case::s42_partition(
        set(&json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}), 3, 1), Some("below ordinal 2"))]
    #[case::s42_daemon_set_on_delete(daemon("OnDelete", 3, 1), Some("OnDelete"))]
    #[case::nothing_old_remains(daemon("OnDelete", 3, 3), None)]
    fn it_is_ready_and_says_what_stays_old(#[case] object: Value, #[case] says: Option<&str>) {
        assert_eq!(health(&object), Health::Ready);
        match (note(&object), says) {
            (Some(note), Some(says)) => {
                assert!(note.contains("old Pods remain") && note.contains(says), "{note}");
            }
            (note, says) => assert_eq!(note.as_deref(), says),
        }
    }

    #[rstest]
    #[case::not_all_pods_are_ready(set(&json!({"type": "OnDelete"}), 2, 0))]
    #[case::the_partition_is_not_through(
        set(&json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}), 3, 1))]
    #[case::a_daemon_set_rolls(daemon("RollingUpdate", 3, 1))]
    #[case::a_daemon_set_is_not_ready(daemon("OnDelete", 2, 1))]
    fn it_is_not_ready(#[case] object: Value) {
        assert!(matches!(health(&object), Health::Progressing { .. }));
        assert_eq!(note(&object), None);
    }
}
