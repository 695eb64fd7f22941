//! The way out where the deployer account lacks a right: RBAC confines what Apps bring, and administrators widen it.

use crate::kube_io::{CallError, CallKind};
use kubeop_shared::api::names;
use kubeop_shared::delivery::grant;

/// A call that RBAC refused, with the way out; any other as it is.
pub(super) fn explained(error: CallError) -> CallError {
    let way_out = way_out(std::slice::from_ref(&error));
    CallError {
        message: error.message + &way_out,
        ..error
    }
}

/// What to do about the faults that are RBAC's, as the end of a message; empty where there are none. The command stands
/// on a line of its own.
pub(super) fn way_out(faults: &[CallError]) -> String {
    let mut lacking = faults
        .iter()
        .filter(|fault| fault.kind == CallKind::Forbidden)
        .peekable();
    if lacking.peek().is_none() {
        return String::new();
    }
    let command = lacking.find_map(|fault| grant(&fault.message));
    let command = command.map(|command| format!("\n{command}")).unwrap_or_default();
    format!(
        ". An administrator grants it: a ClusterRole with these rules and the label {}: \"true\"; delivery then goes \
         on by itself{command}",
        names::LABEL_AGGREGATE
    )
}

#[cfg(test)]
mod tests {
    use super::way_out;
    use crate::kube_io::{CallError, CallKind};

    #[test]
    fn who_lacks_a_right_is_told_how_it_is_granted() {
        let fault = |kind| CallError::own("apply Role r", kind, "no");
        assert_eq!(way_out(&[fault(CallKind::Refused)]), "");
        let told = way_out(&[fault(CallKind::Refused), fault(CallKind::Forbidden)]);
        assert!(
            told.contains("platform.kubeop.io/aggregate-to-deployer: \"true\""),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1, "without a command: {told}");
        let rbac = "User \"u\" cannot patch resource \"widgets\" in API group \"example.com\"";
        let told = way_out(&[CallError::own("apply Widget w", CallKind::Forbidden, rbac)]);
        let command = told.lines().last().unwrap();
        assert!(
            command.starts_with("kubectl create clusterrole ") && command.contains("widgets"),
            "{told}"
        );
    }
}
