//! What is written of a Certificate into its status.

use super::Certificates;
use crate::kube_io::{CallError, CallKind, Cluster, Who, address};
use crate::queue::Next;
use crate::world::{NamespacedName, Packed};
use jiff::Timestamp;
use kubeop_shared::api::{Certificate, CertificateStatus, Standing, names};
use kubeop_shared::certificate::{SecretState, holding};
use serde_json::{Value, json};

/// How often in a row something may fail that passes by itself before it is told.
const TOLD_AFTER: u32 = 3;
/// Fields of the status that go when there is nothing to say.
const OF_THE_SECRET: [&str; 6] = [
    "names",
    "issuer",
    "notBefore",
    "notAfter",
    "renewalTime",
    "fingerprint",
];

impl<C: Cluster> Certificates<C> {
    /// Says how a Certificate stands, and when it is looked at again.
    pub(super) async fn say(
        &self,
        key: &NamespacedName,
        standing: &Standing,
        secret: Option<&SecretState>,
        next: Next,
    ) -> Next {
        match self.write_status(key, standing, secret).await {
            Ok(()) => {
                self.succeeded(key);
                next
            }
            Err(error) => {
                tracing::warn!(%key, %error, "cannot write the status");
                Next::Within(self.retry(key))
            }
        }
    }

    /// After an error. What passes by itself is told only when it does not.
    pub(super) async fn failed(
        &self,
        key: &NamespacedName,
        certificate: &Certificate,
        error: &CallError,
    ) -> Next {
        tracing::warn!(%key, %error, "an action failed");
        if error.kind == CallKind::Forbidden {
            self.unbound(&key.namespace);
        }
        self.remember(key, None);
        let wait = self.retry(key);
        let passes = matches!(
            error.kind,
            CallKind::Stale | CallKind::AlreadyExists | CallKind::Unavailable | CallKind::Forbidden
        );
        if passes && self.attempts(key) < TOLD_AFTER {
            return Next::Within(wait);
        }
        let standing = Standing::waits(error.reason(), error.to_string());
        let status = certificate.status.clone().unwrap_or_default();
        if let Err(error) = self.write(key, certificate, status, &standing).await {
            tracing::warn!(%key, %error, "cannot write the status");
        }
        Next::Within(wait)
    }

    async fn write_status(
        &self,
        key: &NamespacedName,
        standing: &Standing,
        secret: Option<&SecretState>,
    ) -> Result<(), CallError> {
        let Some(certificate) = self
            .world
            .certificates
            .get(key)
            .and_then(|packed| packed.read::<Certificate>())
        else {
            return Ok(());
        };
        let issued = match secret {
            Some(SecretState::Ours(holding)) => holding.issued.as_ref(),
            _ => None,
        };
        let status = holding(certificate.status.clone().unwrap_or_default(), issued);
        self.write(key, &certificate, status, standing).await
    }

    async fn write(
        &self,
        key: &NamespacedName,
        certificate: &Certificate,
        status: CertificateStatus,
        standing: &Standing,
    ) -> Result<(), CallError> {
        let generation = certificate.metadata.generation.unwrap_or_default();
        let status = CertificateStatus {
            observed_generation: Some(generation),
            conditions: standing.said(&status.conditions, generation, Timestamp::now()),
            ..status
        };
        if certificate.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let at = address(
            names::GROUP,
            names::VERSION,
            "Certificate",
            Some(&key.namespace),
            &key.name,
        );
        let fields = json!({"status": whole(&status)});
        match self
            .cluster
            .patch(&Who::Controller, &at, Some("status"), &fields)
            .await
        {
            Ok(object) => {
                let version = object.metadata.resource_version.as_deref();
                self.world
                    .certificates
                    .put(key.clone(), version, Packed::of_object(&object));
            }
            Err(error) if error.kind != CallKind::NotFound => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }
}

/// The status with a null for each field that is to go.
fn whole(status: &CertificateStatus) -> Value {
    let mut fields = json!(status);
    if let Some(fields) = fields.as_object_mut() {
        for field in OF_THE_SECRET {
            fields.entry(field).or_insert(Value::Null);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubeop_shared::certificate::Issued;

    #[test]
    fn no_field_stays_that_is_to_go() {
        let at = Timestamp::from_second(1).unwrap();
        let issued = Issued {
            names: vec!["web.example.com".to_owned()],
            issuer: "CN=x".to_owned(),
            not_before: at,
            not_after: at,
            renewal: at,
            fingerprint: "f".to_owned(),
        };
        let said = whole(&holding(CertificateStatus::default(), Some(&issued)));
        assert!(OF_THE_SECRET.iter().all(|field| !said[field].is_null()), "{said}");
        let fields: Vec<_> = said.as_object().unwrap().keys().cloned().collect();
        let gone = whole(&CertificateStatus::default());
        assert!(fields.iter().all(|field| gone[field].is_null()), "{gone}");
    }
}
