//! The proof that the gate is shut: a Pod with an image that no list allows, as a dry run.

use crate::kube_io::{CallError, CallKind};
use kubeop_shared::api::names;
use serde_json::{Value, json};

/// Name of the Pod that is never made.
pub(super) const PROBE: &str = "kubeop-gate-probe";
/// A host that cannot exist (RFC 6761).
const IMAGE: &str = "kubeop.invalid/gate:probe";
/// The code with which the webhook refuses it.
const CODE: &str = "[ImageNotAllowed]";

/// What the answer to the probe proves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The webhook refuses foreign images.
    Shut,
    /// It does not, or it cannot be told: why, as a sentence.
    Open(String),
}

/// The Pod. It complies with every level of pod security, so that only the webhook can refuse it.
pub(super) fn probe(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": PROBE, "namespace": namespace},
        "spec": {
            "serviceAccountName": names::DEPLOYER,
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "probe",
                "image": IMAGE,
                "resources": {
                    "requests": {"cpu": "1m", "memory": "1Mi"},
                    "limits": {"cpu": "1m", "memory": "1Mi"},
                },
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}

/// Judges the answer: the error, or none if the Pod was let in.
pub(super) fn judge(answer: Option<&CallError>) -> Proof {
    match answer {
        None => Proof::Open(format!(
            "the webhook does not refuse a Pod with the image {IMAGE}. Is it registered? \
             kubectl get validatingwebhookconfigurations"
        )),
        Some(error) if error.message.contains(CODE) => Proof::Shut,
        Some(error) if error.kind == CallKind::Unavailable => {
            Proof::Open(format!("the webhook does not answer: {}", error.message))
        }
        Some(error) => Proof::Open(format!(
            "it cannot be told whether foreign images are refused: {}",
            error.message
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Proof, judge};
    use crate::kube_io::{CallError, CallKind};

    fn error(kind: CallKind, message: &str) -> CallError {
        CallError::own("create Pod", kind, message)
    }

    #[test]
    fn only_the_webhooks_own_refusal_is_a_proof() {
        let refused = error(
            CallKind::Refused,
            "admission webhook denied: [ImageNotAllowed] spec.containers[0].image",
        );
        assert_eq!(judge(Some(&refused)), Proof::Shut);
        for other in [
            None,
            Some(error(CallKind::Unavailable, "failed calling webhook")),
            Some(error(CallKind::Forbidden, "exceeded quota")),
        ] {
            assert!(matches!(judge(other.as_ref()), Proof::Open(_)));
        }
    }
}
