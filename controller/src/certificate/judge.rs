//! From a Secret to what it really holds. Data of a Secret live as long as one look at them.

use super::authority::Known;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kubeop_certs::{Bundle, Fault, Held, Pair, Trusted};
use kubeop_shared::api::certificate::IssuerKind;
use kubeop_shared::api::{Certificate, names};
use kubeop_shared::certificate::{Holding, Issued, SecretState};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};
use time::OffsetDateTime;

/// Type of the Secrets that hold a certificate.
pub(super) const TYPE: &str = "kubernetes.io/tls";
/// What stands where in them.
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
pub(super) const CA: &str = "ca.crt";
/// The name of the Certificate for which cert-manager wrote a Secret.
const OF_CERT_MANAGER: &str = "cert-manager.io/certificate-name";

/// For what a Secret is judged.
#[derive(Clone, Copy)]
pub(super) struct Case<'c> {
    pub certificate: &'c Certificate,
    /// The host, in normal form.
    pub host: &'c str,
    pub issuer: IssuerKind,
    /// kubeOP's own CA.
    pub known: Option<&'c Known>,
    /// Whether cert-manager is asked for this Certificate.
    pub is_asked: bool,
}

impl Case<'_> {
    /// Digest of all that the judgement depends on besides the Secret.
    pub(super) fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        let bundle = self.known.map(|known| known.digest);
        (
            self.host,
            self.issuer,
            bundle,
            self.is_asked,
            &self.certificate.metadata.uid,
        )
            .hash(&mut digest);
        digest.finish()
    }

    /// Judges.
    pub(super) fn judge(&self, secret: Option<&Secret>, now: OffsetDateTime) -> SecretState {
        let Some(secret) = secret else {
            return SecretState::Absent;
        };
        let of_type = secret.type_.as_deref().unwrap_or_default();
        if of_type != TYPE {
            return SecretState::Foreign(format!("is of type {of_type}"));
        }
        let is_labelled = secret
            .metadata
            .labels
            .as_ref()
            .is_some_and(|labels| labels.contains_key(names::LABEL_CERTIFICATE));
        let owners = secret.metadata.owner_references.as_deref().unwrap_or_default();
        let is_owned = owners
            .iter()
            .any(|owner| Some(&owner.uid) == self.certificate.metadata.uid.as_ref());
        let of_cert_manager = || {
            let name = secret.metadata.annotations.as_ref()?.get(OF_CERT_MANAGER)?;
            (self.is_asked && Some(name) == self.certificate.metadata.name.as_ref()).then_some(())
        };
        if !is_labelled && !is_owned && of_cert_manager().is_none() {
            return SecretState::Foreign("is not kubeOP's".to_owned());
        }
        let told = text(secret, CA);
        let held = Held::read(&Pair {
            certificate: text(secret, CERTIFICATE).to_owned(),
            key: text(secret, KEY).to_owned(),
        });
        let fault = match &held {
            Ok(held) => self.fault(held, told, now),
            Err(error) => Some(error.to_string()),
        };
        SecretState::Ours(Holding {
            issued: held.ok().and_then(|held| self.issued(&held)),
            fault,
            bundle: digest_of(told),
            marked: is_labelled && is_owned && owners.len() == 1,
        })
    }

    fn fault(&self, held: &Held, told: &str, now: OffsetDateTime) -> Option<String> {
        let beside = Bundle::read(told.as_bytes());
        let trusted = match (self.issuer, self.known) {
            (IssuerKind::SelfManaged, Some(known)) => Trusted::Bundle(&known.bundle),
            (IssuerKind::SelfManaged, None) => return None,
            (IssuerKind::CertManager, _) if beside.is_empty() => Trusted::LastOfChain,
            (IssuerKind::CertManager, _) => Trusted::Bundle(&beside),
        };
        match held.check(self.host, trusted, now) {
            // What time alone changes is asked at each look.
            Ok(()) | Err(Fault::Ended | Fault::NotYet) => None,
            Err(fault) => Some(fault.to_string()),
        }
    }

    fn issued(&self, held: &Held) -> Option<Issued> {
        let validity = held.validity();
        // What others sign they renew when they like, and most of them then.
        let renewal = match self.issuer {
            IssuerKind::SelfManaged => validity.since_made().two_thirds(),
            IssuerKind::CertManager => validity.two_thirds(),
        };
        let at = |moment: OffsetDateTime| Timestamp::from_second(moment.unix_timestamp()).ok();
        Some(Issued {
            names: held.names().to_vec(),
            issuer: held.issuer().to_owned(),
            not_before: at(validity.from)?,
            not_after: at(validity.until)?,
            renewal: at(renewal)?,
            fingerprint: held.fingerprint(),
        })
    }
}

/// What stands under a name; nothing if it is no text.
pub(super) fn text<'s>(secret: &'s Secret, name: &str) -> &'s str {
    let data = secret.data.as_ref().and_then(|data| data.get(name));
    data.and_then(|data| std::str::from_utf8(&data.0).ok())
        .unwrap_or_default()
}

/// Digest of a text, good for as long as the program runs.
pub(super) fn digest_of(text: &str) -> u64 {
    let mut digest = DefaultHasher::new();
    text.hash(&mut digest);
    digest.finish()
}

/// What makes an object go with its Certificate.
pub(super) fn owner_reference(certificate: &Certificate) -> OwnerReference {
    OwnerReference {
        api_version: names::API_VERSION.to_owned(),
        kind: "Certificate".to_owned(),
        name: certificate.metadata.name.clone().unwrap_or_default(),
        uid: certificate.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

/// What tells that an object is kept for a Certificate.
pub(super) fn labels() -> Value {
    json!({names::LABEL_CERTIFICATE: "true"})
}
