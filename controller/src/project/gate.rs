//! The proof that the gate is shut: a Pod with an image that no list allows, as a dry run.

use super::{Projects, was_ready};
use crate::kube_io::{CallError, CallKind, Cluster, Effect, Who, address};
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::project::Enforcement;
use kubeop_shared::api::quantity::Quantity;
use kubeop_shared::api::{Project, Standing, names};
use serde_json::{Map, Value, json};

/// Name of the Pod that is never made.
const PROBE: &str = "kubeop-gate-probe";
/// A host that cannot exist (RFC 6761).
const IMAGE: &str = "kubeop.invalid/gate:probe";
/// The code with which the webhook refuses it.
const CODE: &str = "[ImageNotAllowed]";

/// What the answer to the probe proves.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// The webhook refuses foreign images.
    Shut,
    /// It does not, or it cannot be told: why, as a sentence.
    Open(String),
}

impl<C: Cluster> Projects<C> {
    /// Proves the gate shut, unless that was done for this spec.
    pub(super) async fn gate(&self, project: &Project, namespace: &str) -> Result<Standing, CallError> {
        const SHUT: &str = "the namespace is there, and a foreign image is refused in it";
        if project.spec.enforcement == Some(Enforcement::Audit) {
            return Ok(Standing::ready(
                "the namespace is there; violations are only warned of (enforcement: Audit)",
            ));
        }
        if was_ready(project) {
            return Ok(Standing::ready(SHUT));
        }
        let at = address("", "v1", "Pod", Some(namespace), PROBE);
        let deployer = Who::Deployer {
            namespace: namespace.to_owned(),
        };
        let probe = probe(namespace, project.spec.limit_range.as_ref());
        let answer = self.cluster.create(&deployer, &at, &probe, Effect::DryRun).await;
        Ok(match judge(answer.err().as_ref()) {
            Proof::Shut => Standing::ready(SHUT),
            Proof::Open(why) => Standing::waits(Reason::GateOpen, why),
        })
    }
}

/// The Pod. It complies with every level of pod security and with the Project's limit range, so that only the webhook
/// can refuse it: quotas are asked after that.
fn probe(namespace: &str, limit_range: Option<&Value>) -> Value {
    let least = least(limit_range);
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
                "resources": {"requests": least, "limits": least},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}

/// The least that a limit range lets a container have, in all of its items. What it says nothing about is left to its
/// defaults.
fn least(limit_range: Option<&Value>) -> Map<String, Value> {
    let items = limit_range
        .and_then(|range| range.get("limits"))
        .and_then(Value::as_array);
    let mut least: Map<String, Value> = Map::new();
    let amount = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text).ok(),
        other => Quantity::parse(&other.to_string()).ok(),
    };
    for item in items.into_iter().flatten() {
        let of_pods = matches!(
            item.get("type").and_then(Value::as_str),
            Some("Container" | "Pod")
        );
        let min = item.get("min").and_then(Value::as_object);
        for (name, value) in min.into_iter().flatten().filter(|_| of_pods) {
            if least
                .get(name)
                .is_none_or(|before| amount(before) < amount(value))
            {
                least.insert(name.clone(), value.clone());
            }
        }
    }
    least
}

/// Judges the answer: the error, or none if the Pod was let in.
fn judge(answer: Option<&CallError>) -> Proof {
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
    use super::{Proof, judge, probe};
    use crate::kube_io::{CallError, CallKind};
    use serde_json::json;

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

    #[test]
    fn the_probe_asks_for_what_a_limit_range_wants() {
        let range = json!({"limits": [
            {"type": "Container", "min": {"cpu": "100m", "memory": "64Mi"}},
            {"type": "Pod", "min": {"cpu": 1}, "max": {"cpu": 2}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
        ]});
        let resources = |range| probe("n", range)["spec"]["containers"][0]["resources"].clone();
        let least = json!({"cpu": 1, "memory": "64Mi"});
        assert_eq!(
            resources(Some(&range)),
            json!({"requests": least, "limits": least})
        );
        assert_eq!(resources(None), json!({"requests": {}, "limits": {}}));
    }
}
