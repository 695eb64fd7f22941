//! Jobs: done, failed, or running. Unlike kstatus, a running Job is not ready.

use super::{Health, condition};
use serde_json::Value;

pub(super) fn job(object: &Value) -> Health {
    for kind in ["Failed", "FailureTarget"] {
        if let Some(("True", reason, message)) = condition(object, kind) {
            return Health::failed(format!("{reason}: {message}"));
        }
    }
    if let Some(("True", ..)) = condition(object, "Complete") {
        return Health::Ready;
    }
    if let Some(("True", ..)) = condition(object, "Suspended") {
        return Health::Ready;
    }
    Health::progressing("it is running")
}

/// The end of a hook's Job: what it did counts, not what becomes of the object. Only `Complete` is a success:
/// one that somebody suspended has not run.
#[must_use]
pub fn hook_job(object: &Value) -> Health {
    match job(object) {
        Health::Ready if !matches!(condition(object, "Complete"), Some(("True", ..))) => {
            Health::progressing("it is suspended")
        }
        health => health,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_suspended_hook_has_not_succeeded() {
        let with = |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "True"}]}});
        assert_eq!(hook_job(&with("Complete")), Health::Ready);
        assert!(matches!(hook_job(&with("Suspended")), Health::Progressing { .. }));
        assert!(matches!(hook_job(&with("Failed")), Health::Failed { .. }));
        assert!(matches!(hook_job(&json!({})), Health::Progressing { .. }));
    }
}
