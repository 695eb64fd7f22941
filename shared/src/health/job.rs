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
