//! What is known of a Certificate in one turn.

use super::Certificates;
use super::act::secret_at;
use super::external::{self, DEFINITION};
use super::judge::Case;
use super::memory::Judged;
use crate::kube_io::{CallError, Cluster};
use crate::watches::Concerns;
use crate::world::NamespacedName;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use kubeop_shared::api::certificate::IssuerKind;
use kubeop_shared::api::conditions::{self, ConditionType};
use kubeop_shared::api::{Certificate, DnsRecord};
use kubeop_shared::certificate::{Claim, ExternalState, Record, RecordState, SecretState, owner};
use time::OffsetDateTime;

/// What was seen of a Secret.
pub(super) struct Seen {
    pub state: SecretState,
    pub read: Read,
}

/// When it was read.
pub(super) enum Read {
    /// In an earlier turn or look, and nothing was told of it since.
    Before,
    /// In this turn; none: there is none.
    Now(Option<Box<Secret>>),
}

impl<C: Cluster> Certificates<C> {
    /// What the Secret holds: what is remembered, while nothing is told of it.
    pub(super) async fn see(&self, key: &NamespacedName, case: &Case<'_>) -> Result<Seen, CallError> {
        let (at, against) = (secret_at(case.certificate), case.digest());
        let name = NamespacedName {
            namespace: key.namespace.clone(),
            name: at.name.clone(),
        };
        let told = self.world.secrets.get(&name);
        if let Some(judged) = self.judged(key)
            && judged.against == against
            && judged.version == told
        {
            return Ok(Seen {
                state: judged.state,
                read: Read::Before,
            });
        }
        let live = self.read_secret(&at).await?;
        let version = live
            .as_ref()
            .and_then(|live| live.metadata.resource_version.clone());
        let state = case.judge(live.as_ref(), OffsetDateTime::now_utc());
        // One that is in the way carries no label, so that nothing else tells of it.
        if let SecretState::Foreign(_) = state {
            self.absence
                .tell(&key.namespace, &at.name, Concerns::Secret(name));
            self.remember(key, None);
        } else {
            self.heard_of(&at, version.clone());
            let judged = Judged {
                version,
                against,
                state: state.clone(),
            };
            self.remember(key, Some(judged));
        }
        Ok(Seen {
            state,
            read: Read::Now(live.map(Box::new)),
        })
    }

    /// The Certificate that has the Secret, if that is another one.
    pub(super) fn rival(&self, key: &NamespacedName, secret: &str) -> Option<String> {
        let all = NamespacedName::all_of(&key.namespace);
        let claims = self.world.certificates.filter_within(all, |_, packed| {
            let other: Certificate = packed.read()?;
            let claims = other.metadata.deletion_timestamp.is_none() && other.secret_name() == secret;
            claims.then(|| Claim {
                created: other.metadata.creation_timestamp.clone(),
                name: other.metadata.name.clone().unwrap_or_default(),
            })
        });
        owner(claims)
            .map(|owner| owner.name)
            .filter(|name| *name != key.name)
    }

    /// The `DNSRecord` that a Certificate names.
    pub(super) fn record<'c>(&self, certificate: &'c Certificate) -> Option<Record<'c>> {
        let name = certificate.spec.dns_record_ref.as_deref()?;
        let key = NamespacedName {
            namespace: certificate.metadata.namespace.clone()?,
            name: name.to_owned(),
        };
        let record = self.world.dns_records.get(&key).and_then(|packed| packed.read());
        Some(Record {
            name,
            state: record.as_ref().map(state_of),
        })
    }

    /// What is asked of cert-manager.
    pub(super) async fn external(
        &self,
        key: &NamespacedName,
        certificate: &Certificate,
        host: &str,
    ) -> Result<ExternalState, CallError> {
        if self.world.definitions.get(&DEFINITION.to_owned()).is_none() {
            return Ok(ExternalState::NotInstalled);
        }
        self.watches.follow_requests().await?;
        let requested = self.requested(key, certificate, host);
        if requested != ExternalState::Absent || !self.is_taken(key, certificate) {
            return Ok(requested);
        }
        // Asked once more: the other may be gone.
        if self.ask(key, certificate, host).await? {
            return Ok(self.requested(key, certificate, host));
        }
        Ok(ExternalState::Foreign)
    }

    fn requested(&self, key: &NamespacedName, certificate: &Certificate, host: &str) -> ExternalState {
        let live = self
            .world
            .requested
            .get(key)
            .and_then(|packed| packed.read::<DynamicObject>());
        live.map_or(ExternalState::Absent, |live| {
            ExternalState::Ours(external::read(&live, &external::wanted(certificate, host)))
        })
    }

    /// Whether cert-manager is asked under this name by somebody else, when it was asked last.
    pub(super) fn is_taken(&self, key: &NamespacedName, certificate: &Certificate) -> bool {
        issuer_of(certificate) == IssuerKind::CertManager && self.memory(key, |memory| memory.is_taken)
    }

    /// Asks cert-manager. False: it is asked under this name already.
    pub(super) async fn ask(
        &self,
        key: &NamespacedName,
        certificate: &Certificate,
        host: &str,
    ) -> Result<bool, CallError> {
        let done = self.request(certificate, host).await?;
        self.memory(key, |memory| memory.is_taken = !done);
        Ok(done)
    }
}

pub(super) fn issuer_of(certificate: &Certificate) -> IssuerKind {
    certificate
        .spec
        .issuer
        .as_ref()
        .map(|issuer| issuer.kind)
        .unwrap_or_default()
}

fn state_of(record: &DnsRecord) -> RecordState {
    let status = record.status.as_ref();
    let conditions = status.map_or(&[][..], |status| &status.conditions);
    let is_observed = status.is_some_and(|status| status.observed_generation == record.metadata.generation);
    match conditions::get(conditions, ConditionType::Ready) {
        _ if !is_observed => RecordState::NotReady("it was not looked at yet".to_owned()),
        Some(ready) if ready.status == "True" => RecordState::Ready,
        Some(ready) => RecordState::NotReady(ready.message.clone()),
        None => RecordState::NotReady("it was not looked at yet".to_owned()),
    }
}
