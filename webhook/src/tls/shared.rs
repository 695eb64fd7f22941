//! The CA that all replicas share: in a Secret, trusted by the registrations, and behind the certificate that is served.
//!
//! Three watches tell what the Secret and the two registrations hold. Each piece of news, and each moment at which
//! something is due, leads through the same turn: what is kept is put right, then what is trusted, then what is served.
//! Whatever is missing at one turn is there at a later one, so replicas need not know of each other.

use super::failure::Failure;
use super::place::{self, Place, Seen};
use super::secret;
use super::{CertificateState, Presented, REQUEST};
use crate::config::{Config, ConfigError};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watch_object};
use kube::{Api, Client};
use kubeop_certs::kept::Kept;
use kubeop_certs::rotation::{self, Lifetimes, Step};
use kubeop_certs::{Answers, Authority, Bundle, CaCertificate, Found, Leaf, Served, date};
use kubeop_serving::Warner;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Common name of the CAs.
const CA_NAME: &str = "kubeOP webhook";
/// After a registration trusts a CA, the API server must hear of it before it meets a certificate of that CA. It has
/// this long, or a tenth of a certificate's life if that is less.
const SETTLE: Duration = Duration::from_secs(5);
/// Something is looked at this often even if nothing is due: clocks may jump.
const LONGEST: Duration = Duration::from_secs(600);
/// How long to wait after the first failure, and after many.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Serves a certificate that nobody trusts, and becomes ready when there is a better one.
pub(super) fn start(config: &Config, client: &Client) -> Result<Presented, ConfigError> {
    let lifetimes = config.lifetimes()?;
    let names = config.server_names();
    let now = OffsetDateTime::now_utc();
    // So that `/readyz` can say what is missing.
    let first = Authority::new("kubeOP webhook at its start", now, lifetimes.leaf())
        .and_then(|authority| Leaf::sign(&authority, &names, now, lifetimes.leaf()))
        .map_err(ConfigError::Made)?;
    let served = Arc::new(Served::new(first.pair()).map_err(ConfigError::Made)?);
    let config_of_tls = served.clone().server_config().map_err(ConfigError::Made)?;
    let (state, receiver) = watch::channel(CertificateState {
        trouble: Some("the CA is not read yet".to_owned()),
        leaf: first.validity(),
        ca: None,
    });
    let keeper = Keeper {
        secrets: Api::namespaced(client.clone(), &config.namespace),
        namespace: config.namespace.clone(),
        secret: Seen::NotYet,
        places: vec![
            Place::new::<MutatingWebhookConfiguration>(client),
            Place::new::<ValidatingWebhookConfiguration>(client),
        ],
        names,
        lifetimes,
        served,
        leaf: None,
        trusted: None,
        state,
        retry: RETRY.0,
        warners: Warners::default(),
    };
    tokio::spawn(keeper.run());
    Ok((config_of_tls, receiver))
}

enum News {
    Secret(Option<Secret>),
    Registration(usize, Option<DynamicObject>),
}

#[derive(Default)]
struct Warners {
    leaf: Warner,
    ca: Warner,
}

struct Keeper {
    secrets: Api<Secret>,
    namespace: String,
    secret: Seen<Secret>,
    places: Vec<Place>,
    names: Vec<String>,
    lifetimes: Lifetimes,
    served: Arc<Served>,
    leaf: Option<Leaf>,
    /// The CA that signs, and since when all registrations trust it; none while they do not.
    trusted: Option<(CaCertificate, Instant)>,
    state: watch::Sender<CertificateState>,
    retry: Duration,
    warners: Warners,
}

impl Keeper {
    async fn run(mut self) {
        let mut news = self.watch();
        let mut wait = Duration::ZERO;
        while !self.state.is_closed() {
            tokio::select! {
                Some(event) = news.next() => match event {
                    Ok(News::Secret(secret)) => self.secret = secret.into(),
                    Ok(News::Registration(index, object)) => {
                        if let Some(place) = self.places.get_mut(index) {
                            place.see(object.as_ref());
                        }
                    }
                    Err(error) => {
                        let hint = "its rights are in manifests/rbac";
                        tracing::warn!(%error, hint, "a watch of the CA or of a registration failed and is tried again");
                        continue;
                    }
                },
                () = tokio::time::sleep(wait) => {}
            }
            wait = self.turn(OffsetDateTime::now_utc()).await;
        }
    }

    fn watch(&self) -> impl Stream<Item = Result<News, watcher::Error>> + Unpin + use<> {
        let secret = watch_object(self.secrets.clone(), secret::NAME);
        let mut all = vec![secret.default_backoff().map_ok(News::Secret).boxed()];
        for (index, place) in self.places.iter().enumerate() {
            let registration = watch_object(place.api.clone(), place::NAME);
            let news = move |object| News::Registration(index, object);
            all.push(registration.default_backoff().map_ok(news).boxed());
        }
        stream::select_all(all)
    }

    /// One turn; how long nothing is due after it.
    async fn turn(&mut self, now: OffsetDateTime) -> Duration {
        let read = self
            .places
            .iter()
            .all(|place| !matches!(place.seen, Seen::NotYet));
        if !read || matches!(self.secret, Seen::NotYet) {
            return LONGEST;
        }
        let result = self.put_right(now).await;
        let failed = result.as_ref().err().map(ToString::to_string);
        let warning = self.report(now, failed.as_deref());
        match result {
            Ok(due) => {
                self.retry = RETRY.0;
                due.min(warning).min(LONGEST)
            }
            Err(failure) if failure.is_overtaken() => RETRY.0,
            Err(failure) => {
                tracing::error!("{failure}");
                let wait = match failure {
                    Failure::Overwritten { .. } => self.retry.min(Answers::WINDOW),
                    _ => self.retry,
                };
                self.retry = (self.retry * 2).min(RETRY.1);
                if matches!(failure, Failure::Contended) {
                    // What was written comes back as news: that would be the next turn, at once.
                    tokio::time::sleep(wait).await;
                    return Duration::ZERO;
                }
                wait
            }
        }
    }

    async fn put_right(&mut self, now: OffsetDateTime) -> Result<Duration, Failure> {
        let (kept, due) = self.keep(now).await?;
        let bundle = kept.bundle(now);
        let mut patched = Ok(());
        if !bundle.is_empty() {
            for place in &mut self.places {
                patched = patched.and(place.put_right(&bundle).await);
            }
        }
        // Where a registration cannot be written, what it trusts already can still be served.
        let next_leaf = self.present(&kept, now)?;
        patched?;
        let due = due.map_or(LONGEST, |due| (due - now).unsigned_abs());
        Ok(due.min(next_leaf))
    }

    /// What the Secret holds once no step is due, and when one will be.
    async fn keep(&mut self, now: OffsetDateTime) -> Result<(Kept, Option<OffsetDateTime>), Failure> {
        for _ in 0..4 {
            let seen = match &self.secret {
                Seen::Is(secret) => Some(secret.clone()),
                Seen::Absent | Seen::NotYet => None,
            };
            let kept = match seen.as_ref().map(secret::read) {
                None => None,
                Some(Found::Kept(kept)) => Some(kept),
                Some(Found::Damaged(damage)) => {
                    tracing::warn!("Secret {}/{} is damaged: {damage}", self.namespace, secret::NAME);
                    None
                }
                Some(Found::Foreign { of_type }) => {
                    let namespace = self.namespace.clone();
                    return Err(Failure::Foreign { namespace, of_type });
                }
            };
            let registered = self.registered();
            let plan = rotation::plan(kept.as_ref(), &registered, now, self.lifetimes);
            let kept = match kept {
                Some(kept) if plan.step == Step::Keep => return Ok((kept, plan.due)),
                kept => rotation::take(plan.step, kept, &registered, now, self.lifetimes, CA_NAME)?,
            };
            let doing = || format!("write Secret {}", secret::NAME);
            let written = timeout(REQUEST, secret::write(&self.secrets, seen, &kept)).await;
            self.secret = written.map_err(|_| Failure::Late { doing: doing() })??.into();
            tracing::info!(
                until = date(kept.signing.ca().validity().until),
                "{}",
                plan.step.said()
            );
        }
        Err(Failure::Contended)
    }

    /// Serves a certificate of the CA that signs, if it is time for one and it is trusted; when the next is due.
    fn present(&mut self, kept: &Kept, now: OffsetDateTime) -> Result<Duration, Failure> {
        let (signing, life) = (&kept.signing, self.lifetimes.leaf());
        if !self.is_trusted(signing.ca()) {
            self.trusted = None;
            return Ok(LONGEST);
        }
        let since = match &self.trusted {
            Some((ca, since)) if ca == signing.ca() => *since,
            _ => {
                let since = Instant::now();
                self.trusted = Some((signing.ca().clone(), since));
                since
            }
        };
        let due = match &self.leaf {
            Some(leaf) => leaf.gives_way_to(signing, life),
            None => Some(now),
        };
        let Some(due) = due else {
            return Ok(LONGEST);
        };
        let early = Duration::try_from(due - now).unwrap_or_default();
        let settle = SETTLE.min(life.unsigned_abs() / 10);
        let wait = early.max((since + settle).saturating_duration_since(Instant::now()));
        if !wait.is_zero() {
            return Ok(wait);
        }
        let leaf = Leaf::sign(signing, &self.names, now, life)?;
        self.served.replace(leaf.pair())?;
        tracing::info!(
            until = date(leaf.validity().until),
            "another certificate is served"
        );
        let next = leaf.gives_way_to(signing, life);
        self.leaf = Some(leaf);
        Ok(next.map_or(LONGEST, |next| (next - now).unsigned_abs()))
    }

    /// Tells `/readyz` and the log how it stands; how long until there is more to tell.
    fn report(&mut self, now: OffsetDateTime, failed: Option<&str>) -> Duration {
        let because = failed.map(|why| format!(": {why}")).unwrap_or_default();
        let trouble = match &self.leaf {
            None => Some(format!("the registrations must trust the CA first{because}")),
            Some(leaf) if leaf.validity().until <= now => {
                Some(format!("the served certificate has ended{because}"))
            }
            Some(leaf) if !self.is_trusted(leaf.signer()) => Some(format!(
                "a registration does not trust the CA of the served certificate{because}"
            )),
            Some(_) => None,
        };
        let ca = match &self.secret {
            Seen::Is(secret) => match secret::read(secret) {
                Found::Kept(kept) => Some(kept.next.as_ref().unwrap_or(&kept.signing).ca().validity()),
                _ => None,
            },
            Seen::Absent | Seen::NotYet => None,
        };
        let remedy = format!(
            "It should have been renewed by itself{because}. See the log, and kubectl describe secret -n {} {}.",
            self.namespace,
            secret::NAME
        );
        let mut next = LONGEST;
        if let Some(leaf) = &self.leaf {
            let what = "the certificate of this webhook";
            let due = self.warners.leaf.check(what, &remedy, leaf.validity(), now);
            next = next.min((due - now).unsigned_abs());
        }
        if let Some(ca) = ca {
            let due = self.warners.ca.check("the CA of the webhook", &remedy, ca, now);
            next = next.min((due - now).unsigned_abs());
        }
        self.state.send_modify(|state| {
            state.trouble = trouble;
            state.ca = ca;
            if let Some(leaf) = &self.leaf {
                state.leaf = leaf.validity();
            }
        });
        next
    }

    /// Whether every webhook of every registration trusts this CA. One that is not there asks nobody.
    fn is_trusted(&self, ca: &CaCertificate) -> bool {
        self.registered().iter().all(|bundle| bundle.contains(ca))
    }

    fn registered(&self) -> Vec<Bundle> {
        let registrations = self.places.iter().filter_map(|place| match &place.seen {
            Seen::Is(registration) => Some(registration.bundles()),
            Seen::Absent | Seen::NotYet => None,
        });
        registrations.flatten().cloned().collect()
    }
}
