//! Claims of storage: some are bound only when a Pod first uses them.

use super::{Health, text};
use serde_json::Value;

pub(super) fn claim(object: &Value) -> Health {
    match text(object, "/status/phase") {
        Some("Bound") => Health::Ready,
        phase => Health::progressing(format!("it is {}", phase.unwrap_or("not bound"))),
    }
}

/// The storage class of a claim that is not bound yet.
#[must_use]
pub fn class_of_pending_claim(claim: &Value) -> Option<&str> {
    let pending = text(claim, "/status/phase") == Some("Pending");
    text(claim, "/spec/storageClassName").filter(|_| pending)
}

/// Whether a storage class binds a claim only when a Pod uses it. Waiting for such a claim could be for ever: its Pod
/// may be of a later stage, or of a `CronJob` that is suspended.
#[must_use]
pub fn binds_at_first_use(storage_class: &Value) -> bool {
    text(storage_class, "/volumeBindingMode") == Some("WaitForFirstConsumer")
}

/// Why such a claim is as it should be.
pub const BOUND_AT_FIRST_USE: &str =
    "it is bound when a Pod first uses it (its storage class is WaitForFirstConsumer)";

#[cfg(test)]
mod tests {
    use super::{binds_at_first_use, class_of_pending_claim};
    use serde_json::json;

    #[test]
    fn s29_only_a_pending_claim_of_such_a_class_is_bound_at_first_use() {
        let claim = |phase: &str| json!({"spec": {"storageClassName": "fast"}, "status": {"phase": phase}});
        assert_eq!(class_of_pending_claim(&claim("Pending")), Some("fast"));
        for phase in ["Bound", "Lost"] {
            assert_eq!(class_of_pending_claim(&claim(phase)), None, "{phase}");
        }
        assert_eq!(
            class_of_pending_claim(&json!({"spec": {"storageClassName": "fast"}})),
            None
        );
        assert!(binds_at_first_use(
            &json!({"volumeBindingMode": "WaitForFirstConsumer"})
        ));
        for other in [json!({"volumeBindingMode": "Immediate"}), json!({})] {
            assert!(!binds_at_first_use(&other), "{other}");
        }
    }
}
