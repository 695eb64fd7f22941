//! What is asked of cert-manager: a Certificate of its kind, of the same name as ours, that goes with ours.
//!
//! Source: <https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.Certificate>.

use super::judge::{labels, owner_reference};
use kube::api::DynamicObject;
use kubeop_shared::api::certificate::CertManagerIssuerKind;
use kubeop_shared::api::{Certificate, names};
use kubeop_shared::certificate::External;
use serde_json::{Value, json};

/// Group, version and kind.
pub const REQUESTS: (&str, &str, &str) = ("cert-manager.io", "v1", "Certificate");
/// Name of its definition.
pub const DEFINITION: &str = "certificates.cert-manager.io";

/// What is to be asked for.
pub(super) fn wanted(certificate: &Certificate, host: &str) -> Value {
    let (group, version, kind) = REQUESTS;
    let issuer = certificate.spec.issuer.clone().unwrap_or_default();
    let issuer_kind = match issuer.issuer_kind {
        Some(CertManagerIssuerKind::ClusterIssuer) => "ClusterIssuer",
        Some(CertManagerIssuerKind::Issuer) | None => "Issuer",
    };
    json!({
        "apiVersion": format!("{group}/{version}"),
        "kind": kind,
        "metadata": {
            "name": certificate.metadata.name,
            "namespace": certificate.metadata.namespace,
            "labels": labels(),
            "ownerReferences": [owner_reference(certificate)],
        },
        "spec": {
            "secretName": certificate.secret_name(),
            "dnsNames": [host],
            "issuerRef": {"name": issuer.name, "kind": issuer_kind, "group": group},
            // By this the Secret is known as ours.
            "secretTemplate": {"labels": labels()},
        },
    })
}

/// Whether it carries our label.
pub(super) fn is_ours(live: &DynamicObject) -> bool {
    let labels = live.metadata.labels.as_ref();
    labels.is_some_and(|labels| labels.contains_key(names::LABEL_CERTIFICATE))
}

/// What it says.
pub(super) fn read(live: &DynamicObject, wanted: &Value) -> External {
    let said = serde_json::to_value(live).unwrap_or_default();
    let condition = |kind: &str| {
        let conditions = said.pointer("/status/conditions")?.as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)
    };
    let message = |condition: Option<&Value>| {
        let message = condition.and_then(|condition| condition["message"].as_str());
        message.unwrap_or("it has said nothing yet").to_owned()
    };
    let (ready, issuing) = (condition("Ready"), condition("Issuing"));
    let is_ready = ready.is_some_and(|ready| ready["status"] == "True");
    let has_failed = |of: &Value| of["status"] == "False" && of["reason"] == "Failed";
    let failed = issuing.filter(|issuing| !is_ready && has_failed(issuing));
    External {
        is_as_wanted: holds(&said, wanted),
        ready: is_ready,
        failed: failed.is_some(),
        message: message(failed.or(ready)),
    }
}

/// Whether `live` says all that `wanted` says, and perhaps more.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(field, wanted)| live.get(field).is_some_and(|live| holds(live, wanted))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| holds(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeop_shared::api::CertificateSpec;
    use kubeop_shared::api::certificate::{Issuer, IssuerKind};
    use rstest::rstest;

    fn certificate() -> Certificate {
        let spec = CertificateSpec {
            host: "Web.example.com.".to_owned(),
            issuer: Some(Issuer {
                kind: IssuerKind::CertManager,
                name: Some("acme".to_owned()),
                issuer_kind: None,
            }),
            ..CertificateSpec::default()
        };
        let mut certificate = Certificate::new("web", spec);
        certificate.metadata.namespace = Some("kubeop-web".to_owned());
        certificate.metadata.uid = Some("u1".to_owned());
        certificate
    }

    fn live(change: (&str, Value)) -> External {
        let wanted = wanted(&certificate(), "web.example.com");
        let mut live = wanted.clone();
        live["spec"]["privateKey"] = json!({"rotationPolicy": "Always"});
        live["status"] = json!({"conditions": [
            {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "no Secret yet"},
            {"type": "Issuing", "status": "True", "reason": "DoesNotExist", "message": "issuing"}]});
        let (path, value) = change;
        if let Some(field) = live.pointer_mut(path) {
            *field = value;
        }
        read(&serde_json::from_value(live).unwrap(), &wanted)
    }

    #[rstest]
    #[case::more_is_said("/none", Value::Null, true)]
    #[case::another_host("/spec/dnsNames", json!(["other.example.com"]), false)]
    #[case::one_host_more("/spec/dnsNames", json!(["web.example.com", "b"]), false)]
    #[case::another_issuer("/spec/issuerRef/name", json!("mine"), false)]
    #[case::another_secret("/spec/secretName", json!("mine"), false)]
    #[case::no_owner("/metadata/ownerReferences", json!([]), false)]
    #[case::of_another_uid("/metadata/ownerReferences/0/uid", json!("u2"), false)]
    fn what_somebody_changed_is_seen(#[case] path: &str, #[case] value: Value, #[case] is_as_wanted: bool) {
        assert_eq!(live((path, value)).is_as_wanted, is_as_wanted);
    }

    #[test]
    fn what_cert_manager_says_is_told() {
        let waits = live(("/none", Value::Null));
        assert!(!waits.ready && !waits.failed && waits.message == "no Secret yet");
        let ready = live(("/status/conditions/0/status", json!("True")));
        assert!(ready.ready && !ready.failed);
        let failed =
            json!({"type": "Issuing", "status": "False", "reason": "Failed", "message": "rate limited"});
        let failed = live(("/status/conditions/1", failed));
        assert!(!failed.ready && failed.failed && failed.message == "rate limited");
        let silent = live(("/status/conditions", json!([])));
        assert_eq!(silent.message, "it has said nothing yet");
    }
}
