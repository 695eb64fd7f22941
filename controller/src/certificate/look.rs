//! One look at a Certificate: turns of observing, deciding and acting, until nothing is left but to say how it stands.

use super::Certificates;
use super::authority::Known;
use super::judge::Case;
use super::observe::{Read, Seen, issuer_of};
use crate::kube_io::{CallError, CallKind, Cluster};
use crate::queue::Next;
use crate::watches::Concerns;
use crate::world::NamespacedName;
use jiff::Timestamp;
use kubeop_shared::api::certificate::IssuerKind;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::{Certificate, Standing};
use kubeop_shared::certificate::{
    Action, Asked, Decision, ExternalState, Observed, SecretState, decide, refusal,
};
use kubeop_shared::host::normal_form;
use std::sync::Arc;
use std::time::Duration;

/// How many turns one look may take.
const TURNS: usize = 6;
/// Nothing tells when somebody else asks cert-manager no more under our name.
const TAKEN: Duration = Duration::from_secs(30);

/// The shortest and the longest time until another look. That costs nothing while nothing is due, and clocks may jump.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(86_400);

/// What came of a turn.
enum Turn {
    /// Something was done.
    Again,
    /// Nothing can be said yet; what is awaited is told.
    Unsaid,
    /// How it stands.
    Stands(Box<Stands>),
}

/// How a Certificate stands.
struct Stands {
    standing: Standing,
    /// Its Secret, if that was looked at.
    secret: Option<SecretState>,
    /// When it is looked at again.
    next: Next,
}

impl Turn {
    fn stands(standing: Standing, secret: Option<SecretState>, next: Next) -> Self {
        Self::Stands(Box::new(Stands {
            standing,
            secret,
            next,
        }))
    }

    fn waits(reason: Reason, message: String, next: Next) -> Self {
        Self::stands(Standing::waits(reason, message), None, next)
    }
}

impl<C: Cluster> Certificates<C> {
    pub(super) async fn look_after(&self, key: NamespacedName) -> Next {
        let Some(known) = self.world.certificates.get(&key) else {
            return self.ended(&key).await;
        };
        let Some(certificate) = known.read::<Certificate>() else {
            tracing::warn!(%key, "the Certificate cannot be read");
            return Next::News;
        };
        if certificate.metadata.deletion_timestamp.is_some() {
            return Next::News;
        }
        let secret = certificate.secret_name();
        if let Some(before) = self.claim(&key, &secret) {
            self.wake_others(&key, &before);
            self.wake_others(&key, &secret);
        }
        for _ in 0..TURNS {
            match self.turn(&key, &certificate).await {
                Ok(Turn::Again) => {}
                Ok(Turn::Unsaid) => return Next::News,
                Ok(Turn::Stands(stands)) => {
                    let Stands {
                        standing,
                        secret,
                        next,
                    } = *stands;
                    return self.say(&key, &standing, secret.as_ref(), next).await;
                }
                Err(error) => return self.failed(&key, &certificate, &error).await,
            }
        }
        let error = CallError::own(
            format!("keep Secret {secret}"),
            CallKind::Stale,
            "it changes all the time",
        );
        self.failed(&key, &certificate, &error).await
    }

    async fn ended(&self, key: &NamespacedName) -> Next {
        if let Some(secret) = self.forget(key) {
            self.wake_others(key, &secret);
        }
        if let Err(error) = self.release(&key.namespace).await {
            // The rights of a namespace that goes, go with it.
            tracing::debug!(%key, %error, "a binding is left");
        }
        if self.authority_changes() {
            self.tell(Concerns::Authority);
        }
        Next::News
    }

    /// Certificates that name a Secret, besides this one.
    fn wake_others(&self, key: &NamespacedName, secret: &str) {
        let names_it = |other: &Certificate| other.secret_name() == secret;
        for other in self.world.certificates_in(&key.namespace, names_it) {
            if other != *key {
                self.tell(Concerns::Certificate(other));
            }
        }
    }

    async fn turn(&self, key: &NamespacedName, certificate: &Certificate) -> Result<Turn, CallError> {
        let host = normal_form(&certificate.spec.host);
        let (secret_name, issuer) = (certificate.secret_name(), issuer_of(certificate));
        let bounds = match self.world.bounds_of(&key.namespace) {
            Ok(bounds) => bounds,
            Err(whose) => {
                let message = format!("the hosts of {whose} are not known yet");
                return Ok(Turn::waits(Reason::ProjectNotFound, message, Next::News));
            }
        };
        let rival = self.rival(key, &secret_name);
        let asked = Asked {
            namespace: &key.namespace,
            system_namespace: &self.namespace,
            host: &host,
            secret: &secret_name,
            issuer,
            verdict: bounds.hosts().judge(&host),
            rival: rival.as_deref(),
        };
        let external = self.external(key, certificate, &host).await?;
        if let Some(refused) = refusal(&asked) {
            self.trusts(key, None);
            // What was asked for before must not go on.
            if matches!(external, ExternalState::Ours(_)) {
                self.withdraw(certificate).await?;
            }
            return Ok(Turn::stands(refused, None, Next::News));
        }
        self.bind(&key.namespace).await?;
        let known = match issuer {
            IssuerKind::CertManager => None,
            IssuerKind::SelfManaged => {
                let Some(known) = self.known() else {
                    return Ok(match self.trouble() {
                        Some(trouble) => Turn::waits(Reason::Retrying, trouble, Next::News),
                        None => Turn::Unsaid,
                    });
                };
                Some(known)
            }
        };
        let case = Case {
            certificate,
            host: &host,
            issuer,
            known: known.as_deref(),
            is_asked: matches!(external, ExternalState::Ours(_)),
        };
        let seen = self.see(key, &case).await?;
        let bundle = match &seen.state {
            SecretState::Ours(holding) if issuer == IssuerKind::SelfManaged => Some(holding.bundle),
            _ => None,
        };
        self.trusts(key, bundle);
        let decision = decide(&Observed {
            host: &host,
            secret_name: &secret_name,
            issuer,
            record: self.record(certificate),
            secret: seen.state.clone(),
            external,
            trust: known.as_ref().and_then(|known| self.trust(known)),
            now: Timestamp::now(),
        });
        self.act(key, certificate, &host, known, seen, decision).await
    }

    async fn act(
        &self,
        key: &NamespacedName,
        certificate: &Certificate,
        host: &str,
        known: Option<Arc<Known>>,
        seen: Seen,
        Decision {
            action,
            standing,
            again,
        }: Decision,
    ) -> Result<Turn, CallError> {
        let known = match (action, known) {
            (Action::Issue | Action::Mend, Some(known)) => known,
            (Action::Request, _) => {
                self.ask(key, certificate, host).await?;
                return Ok(Turn::Again);
            }
            (Action::Withdraw, _) => {
                return Ok(if self.withdraw(certificate).await? {
                    Turn::Again
                } else {
                    Turn::stands(standing, Some(seen.state), Next::News)
                });
            }
            _ => {
                if self.authority_changes() {
                    self.tell_if_spread();
                }
                let next = if self.is_taken(key, certificate) {
                    Next::Within(TAKEN)
                } else {
                    after(again)
                };
                return Ok(Turn::stands(standing, Some(seen.state), next));
            }
        };
        let Read::Now(live) = seen.read else {
            // What is written over has to be read first.
            self.remember(key, None);
            return Ok(Turn::Again);
        };
        if !self.may_write(key) {
            let message = format!(
                "Secret {} is overwritten again and again. Let whoever else writes it leave it alone, or name another \
                 one by spec.secretName",
                certificate.secret_name()
            );
            let next = Next::Within(kubeop_certs::Answers::WINDOW / 2);
            return Ok(Turn::waits(Reason::Conflict, message, next));
        }
        self.remember(key, None);
        match live {
            Some(live) if action == Action::Mend => self.mend(certificate, *live, &known).await?,
            live => {
                if !self
                    .issue(certificate, host, live.map(|live| *live), &known)
                    .await?
                {
                    self.tell(Concerns::Authority);
                    return Ok(match self.trouble() {
                        Some(trouble) => Turn::waits(Reason::Retrying, trouble, Next::News),
                        None => Turn::stands(standing, Some(seen.state), Next::News),
                    });
                }
            }
        }
        Ok(Turn::Again)
    }

    /// Whether another CA is to sign once everybody is told to trust it.
    fn authority_changes(&self) -> bool {
        self.known_now().is_some_and(|known| known.is_changing)
    }

    fn tell_if_spread(&self) {
        if self.known_now().is_some_and(|known| self.is_spread(known.digest)) {
            self.tell(Concerns::Authority);
        }
    }
}

/// When time alone makes something due.
fn after(again: Option<Timestamp>) -> Next {
    let Some(again) = again else {
        return Next::News;
    };
    let wait = again.duration_since(Timestamp::now());
    Next::Within(
        Duration::try_from(wait)
            .unwrap_or_default()
            .clamp(SHORTEST, LONGEST),
    )
}
