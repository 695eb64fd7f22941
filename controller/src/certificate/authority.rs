//! kubeOP's own CA for Certificates, in the Secret `kubeop-issuer-ca`: made when first needed, followed by another in
//! time, and never two hands at it: it is looked after under a key of its own. The private key is read when something
//! is signed, and not kept.

use super::Certificates;
use super::judge::{digest_of, text};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Effect, Who, address};
use crate::queue::Next;
use crate::watches::Concerns;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use kubeop_certs::kept::Kept;
use kubeop_certs::rotation::{self, Step};
use kubeop_certs::{Bundle, CertificateError, Found, SECRET_TYPE, date};
use kubeop_shared::api::certificate::IssuerKind;
use kubeop_shared::api::names;
use kubeop_shared::certificate::Trust;
use serde_json::json;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// Common name of the CAs.
const NAME: &str = "kubeOP issuer";
/// It is looked at this often even if nothing is due: clocks may jump.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// How many steps one look may take.
const STEPS: usize = 6;

/// What is known of the CA, and whether anybody needs one.
#[derive(Debug, Default)]
pub struct State {
    known: Option<Arc<Known>>,
    is_needed: bool,
    /// Why there is none, in words.
    trouble: Option<String>,
}

/// What is known of the CA: nothing secret.
#[derive(Debug)]
pub(super) struct Known {
    /// The CAs that clients are to trust.
    pub bundle: Bundle,
    /// The same as PEM.
    pub pem: String,
    /// Digest of that.
    pub digest: u64,
    /// When the one that signs ends.
    pub until: OffsetDateTime,
    /// Whether another one is to sign once all clients are told to trust it.
    pub is_changing: bool,
}

/// Why the CA cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(
        "Secret {} of {namespace} is of type {of_type}, so kubeOP did not write it, and leaves it alone. If nobody needs \
         it, delete it, and a CA is made at once: kubectl delete secret -n {namespace} {}",
        names::ISSUER_CA,
        names::ISSUER_CA
    )]
    Foreign { namespace: String, of_type: String },
    #[error("others write Secret {} all the time", names::ISSUER_CA)]
    Contended,
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl<C: Cluster> Certificates<C> {
    /// What is known of the CA. None: there is none yet, and one is asked for.
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        let mut state = self.authority_state();
        if state.known.is_none() && !std::mem::replace(&mut state.is_needed, true) {
            self.tell(Concerns::Authority);
        }
        state.known.clone()
    }

    /// Has a CA made, if there is none yet, for who reads it from its Secret.
    pub fn ask_for_authority(&self) {
        let _ = self.known();
    }

    /// What is known of the CA, without asking for one.
    pub(super) fn known_now(&self) -> Option<Arc<Known>> {
        self.authority_state().known.clone()
    }

    /// Why there is no CA, if that is known.
    pub(super) fn trouble(&self) -> Option<String> {
        self.authority_state().trouble.clone()
    }

    /// The same for the decision.
    pub(super) fn trust(&self, known: &Known) -> Option<Trust> {
        let life = self.lifetimes.leaf();
        Some(Trust {
            bundle: known.digest,
            until: Timestamp::from_second(known.until.unix_timestamp()).ok()?,
            life: SignedDuration::from_secs(life.whole_seconds()),
        })
    }

    /// The CA with its key, for one signature. None: it has changed, which is being told.
    pub(super) async fn signer(&self, known: &Known) -> Result<Option<Kept>, CallError> {
        let secret = self.read_secret(&self.authority_at()).await?;
        let Some(Found::Kept(kept)) = secret.as_ref().map(read) else {
            return Ok(None);
        };
        Ok(known.bundle.contains(kept.signing.ca()).then_some(kept))
    }

    pub(super) async fn look_after_authority(&self) -> Next {
        let result = self.keep_authority().await;
        let trouble = result.as_ref().err().map(ToString::to_string);
        let is_news = {
            let mut state = self.authority_state();
            let is_news = state.trouble != trouble;
            state.trouble = trouble;
            is_news
        };
        match result {
            Ok(due) => Next::Within(due.min(LONGEST)),
            Err(error) => {
                tracing::warn!("{error}");
                if is_news {
                    self.wake_all_self_managed();
                }
                Next::Within(RETRY)
            }
        }
    }

    /// Takes every step that is due; how long none is.
    async fn keep_authority(&self) -> Result<Duration, Failure> {
        for _ in 0..STEPS {
            let now = OffsetDateTime::now_utc();
            let live = self.read_secret(&self.authority_at()).await?;
            let kept = match live.as_ref().map(read) {
                Some(Found::Kept(kept)) => Some(kept),
                Some(Found::Damaged(damage)) => {
                    tracing::warn!("Secret {} is damaged: {damage}", names::ISSUER_CA);
                    None
                }
                Some(Found::Foreign { of_type }) => {
                    let namespace = self.namespace.clone();
                    return Err(Failure::Foreign { namespace, of_type });
                }
                None => None,
            };
            let (before, is_needed) = {
                let state = self.authority_state();
                (state.known.clone(), state.is_needed)
            };
            if live.is_none() && before.is_none() && !is_needed {
                return Ok(LONGEST);
            }
            // Nothing that a Secret in a project says is taken for what clients trust: people can write there.
            let told = self.told(before.as_deref(), kept.as_ref());
            let plan = rotation::plan(kept.as_ref(), &told, now, self.lifetimes);
            let kept = match kept {
                Some(kept) if plan.step == Step::Keep => kept,
                kept => {
                    let kept = rotation::take(plan.step, kept, &told, now, self.lifetimes, NAME)?;
                    match self.write_authority(live, &kept).await {
                        Ok(()) => tracing::info!(
                            until = date(kept.signing.ca().validity().until),
                            "Certificates: {}",
                            plan.step.said()
                        ),
                        // Whoever was faster is read.
                        Err(error) if matches!(error.kind, CallKind::Stale | CallKind::AlreadyExists) => {}
                        Err(error) => return Err(error.into()),
                    }
                    continue;
                }
            };
            if self.learn(&kept, now) {
                // What clients are told has changed, and with it perhaps what is due.
                continue;
            }
            return Ok(plan.due.map_or(LONGEST, |due| (due - now).unsigned_abs()));
        }
        Err(Failure::Contended)
    }

    /// What clients have been told to trust, all of them.
    fn told(&self, before: Option<&Known>, kept: Option<&Kept>) -> Vec<Bundle> {
        let Some(before) = before else {
            return Vec::new();
        };
        let next = kept
            .and_then(|kept| kept.next.as_ref())
            .map(kubeop_certs::Authority::ca);
        let is_spread = self.is_spread(before.digest);
        let told = before.bundle.iter().filter(|ca| is_spread || Some(*ca) != next);
        vec![told.cloned().collect()]
    }

    /// Whether what is known of the CA has changed.
    fn learn(&self, kept: &Kept, now: OffsetDateTime) -> bool {
        // In an order that does not change with who signs: then nothing is written for it.
        let mut all: Vec<_> = kept.bundle(now).iter().cloned().collect();
        all.sort_by_cached_key(|ca| (ca.validity().from, ca.to_pem()));
        let bundle: Bundle = all.into_iter().collect();
        let pem = bundle.to_pem();
        let known = Known {
            digest: digest_of(&pem),
            bundle,
            pem,
            until: kept.signing.ca().validity().until,
            is_changing: kept.next.is_some(),
        };
        let mut state = self.authority_state();
        state.trouble = None;
        let is_new = state.known.as_ref().is_none_or(|before| {
            (before.digest, before.until, before.is_changing)
                != (known.digest, known.until, known.is_changing)
        });
        if is_new {
            state.known = Some(Arc::new(known));
        }
        drop(state);
        if is_new {
            self.wake_all_self_managed();
        }
        is_new
    }

    fn wake_all_self_managed(&self) {
        let is_self_managed = |certificate: &kubeop_shared::api::Certificate| {
            certificate.spec.issuer.clone().unwrap_or_default().kind == IssuerKind::SelfManaged
        };
        let all = self
            .world
            .certificates
            .filter(|key, packed| packed.read().filter(is_self_managed).map(|_| key.clone()));
        for key in all {
            self.tell(Concerns::Certificate(key));
        }
    }

    async fn write_authority(&self, live: Option<Secret>, kept: &Kept) -> Result<(), CallError> {
        let (at, is_new) = (self.authority_at(), live.is_none());
        // One that was read carries its resourceVersion, and what others have put on its metadata.
        let mut secret = live.unwrap_or_else(|| Secret {
            metadata: ObjectMeta {
                name: Some(names::ISSUER_CA.to_owned()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            type_: Some(SECRET_TYPE.to_owned()),
            ..Secret::default()
        });
        let texts = kept.texts().into_iter();
        secret.data = Some(
            texts
                .map(|(name, text)| (name, ByteString(text.into_bytes())))
                .collect(),
        );
        let object = json!(secret);
        let written = if is_new {
            self.cluster
                .create(&Who::Controller, &at, &object, Effect::Real)
                .await
        } else {
            self.cluster.replace(&Who::Controller, &at, &object).await
        };
        written.map(drop)
    }

    fn authority_at(&self) -> Address {
        address("", "v1", "Secret", Some(&self.namespace), names::ISSUER_CA)
    }

    fn authority_state(&self) -> MutexGuard<'_, State> {
        self.authority.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(secret: &Secret) -> Found {
    Found::read(secret.type_.as_deref(), |name| {
        Some(text(secret, name)).filter(|text| !text.is_empty())
    })
}
