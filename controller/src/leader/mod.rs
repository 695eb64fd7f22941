//! Leader election by a Lease: one controller works, the others stand by.
//!
//! The lease is no lock. A leader that was paused may still have one call on its way; the call carries what it expects
//! to find, and a new leader waits for the longest time that a call takes. No clock is compared with that of another
//! machine: a candidate measures for how long it has seen no renewal, as client-go does.

mod turn;

use crate::kube_io::{CALL, Tenure};
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use std::pin::pin;
use std::time::{Duration, Instant};
use turn::{Seen, Turn, turn};

/// For how long a lease holds without renewal.
const DURATION: Duration = Duration::from_secs(20);
/// A leader that could not renew for so long makes no more calls.
const DEADLINE: Duration = Duration::from_secs(8);
/// How often it is renewed.
const PERIOD: Duration = Duration::from_secs(2);

const _: () = assert!(
    DEADLINE.as_secs() + CALL.as_secs() < DURATION.as_secs(),
    "the last call of a leader ends before another one can lead"
);

/// Name of the Lease.
pub const LEASE: &str = "kubeop-controller";

/// Holder of the lease once kubeOP has been released: nobody leads any more.
pub const RELEASED: &str = "released";
/// For how long: somebody deletes the Lease, or installs again.
const FOR_GOOD: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Why a leader leads no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deposed {
    /// Another one has the lease, or may have it: this process must end.
    Lost(&'static str),
    /// kubeOP is being taken away: nobody leads.
    Released,
}

/// One that wants to lead, or does.
pub struct Candidate {
    leases: Api<Lease>,
    identity: String,
    tenure: Tenure,
    seen: Option<Seen>,
}

/// What comes before the first call of a new leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nobody was there, or who was there let go.
    Nothing,
    /// Who was there may have a call on its way.
    Wait(Duration),
}

impl Candidate {
    /// A candidate with an identity of its own. `tenure` is what its calls look at.
    pub fn new(client: Client, namespace: &str, tenure: Tenure) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| LEASE.to_owned());
        let started = Timestamp::now().as_nanosecond();
        tenure.end();
        Self {
            leases: Api::namespaced(client, namespace),
            identity: format!("{host}_{}_{started:x}", std::process::id()),
            tenure,
            seen: None,
        }
    }

    /// Who holds the lease, as far as is known.
    pub fn leader(&self) -> Option<&str> {
        self.seen.as_ref()?.holder()
    }

    /// Waits until this one leads. `watching` is told of each leader that is seen meanwhile.
    pub async fn elected(&mut self, mut watching: impl FnMut(Option<&str>)) -> Before {
        let mut news = pin!(watcher::watch_object(self.leases.clone(), LEASE).default_backoff());
        loop {
            match self.try_once().await {
                Ok(Some(before)) => {
                    tracing::info!(identity = self.identity, ?before, "elected");
                    return before;
                }
                Ok(None) => watching(self.leader()),
                Err(error) => tracing::warn!(%error, "the lease cannot be had"),
            }
            let soonest = Instant::now() + PERIOD;
            let due = self.seen.as_ref().map_or(soonest, Seen::runs_out).max(soonest);
            // Until it has run out, or news come that it is free.
            loop {
                let found = tokio::select! {
                    () = tokio::time::sleep_until(due.into()) => break,
                    found = news.next() => found,
                };
                let Some(Ok(Some(lease))) = found else { continue };
                self.see(&lease);
                if self.leader().is_none() {
                    break;
                }
                if self.seen.as_ref().is_some_and(|seen| seen.runs_out() > due) {
                    break;
                }
            }
        }
    }

    /// Renews until that fails for too long, or another one leads.
    pub async fn deposed(&mut self) -> Deposed {
        while self.tenure.holds(Instant::now()) {
            tokio::time::sleep(PERIOD).await;
            match self.try_once().await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.tenure.end();
                    return match self.leader() {
                        Some(RELEASED) => Deposed::Released,
                        _ => Deposed::Lost("another one leads"),
                    };
                }
                Err(error) => tracing::warn!(%error, "the lease cannot be renewed"),
            }
        }
        Deposed::Lost("the lease could not be renewed in time")
    }

    /// Makes no more calls, and lets go, so that the next one need not wait.
    pub async fn resign(&mut self) {
        self.tenure.end();
        let done = async {
            let Some(lease) = self.leases.get_opt(LEASE).await? else {
                return Ok(());
            };
            if holder(&lease) != Some(&self.identity) {
                return Ok(());
            }
            let spec = LeaseSpec {
                holder_identity: Some(String::new()),
                lease_duration_seconds: Some(1),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..lease.spec.clone().unwrap_or_default()
            };
            self.write(lease, spec).await
        };
        match tokio::time::timeout(PERIOD, done).await {
            Ok(Ok(())) => tracing::info!(identity = self.identity, "the lease is let go of"),
            Ok(Err(error)) => tracing::warn!(%error, "the lease is not let go of, and runs out"),
            Err(_) => tracing::warn!("the lease is not let go of, and runs out"),
        }
    }

    /// Takes or renews the lease where that may be done. None: another one has it.
    async fn try_once(&mut self) -> Result<Option<Before>, kube::Error> {
        let started = Instant::now();
        // An answer that comes later is no longer worth having.
        match tokio::time::timeout(DEADLINE, self.turn()).await {
            Ok(Ok(Some(before))) => {
                self.tenure.until(started + DEADLINE);
                Ok(Some(before))
            }
            Ok(other) => other,
            Err(_) => Err(kube::Error::Service("no answer in time".into())),
        }
    }

    async fn turn(&mut self) -> Result<Option<Before>, kube::Error> {
        let lease = self.leases.get_opt(LEASE).await?;
        let now = Instant::now();
        let turn = match &lease {
            Some(lease) => {
                let seen = Seen::of(lease, self.seen.take(), now);
                let turn = turn(&seen, &self.identity, now);
                self.seen = Some(seen);
                turn
            }
            // Somebody deleted it, while who held it may still act.
            None if self
                .seen
                .take()
                .is_some_and(|seen| seen.is_of_other(&self.identity)) =>
            {
                Turn::TakeOver
            }
            None => Turn::Take,
        };
        let before = match turn {
            Turn::Wait => return Ok(None),
            Turn::Renew | Turn::Take => Before::Nothing,
            Turn::TakeOver => Before::Wait(CALL),
        };
        let time = Some(MicroTime(Timestamp::now()));
        let said = lease
            .as_ref()
            .and_then(|lease| lease.spec.clone())
            .unwrap_or_default();
        let mut spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            renew_time: time.clone(),
            ..said
        };
        if turn != Turn::Renew {
            spec.acquire_time = time;
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        }
        match self.write(lease.unwrap_or_default(), spec).await {
            Ok(()) => Ok(Some(before)),
            // Another one was faster.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn see(&mut self, lease: &Lease) {
        self.seen = Some(Seen::of(lease, self.seen.take(), Instant::now()));
    }

    /// Writes over what was read, and over nothing newer.
    async fn write(&self, lease: Lease, spec: LeaseSpec) -> Result<(), kube::Error> {
        let create = lease.metadata.resource_version.is_none();
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(LEASE.to_owned()),
                ..lease.metadata
            },
            spec: Some(spec),
        };
        let how = PostParams::default();
        if create {
            self.leases.create(&how, &lease).await.map(drop)
        } else {
            self.leases.replace(LEASE, &how, &lease).await.map(drop)
        }
    }
}

/// Takes the lease from whoever has it, for good, and returns when nobody acts any more.
pub async fn depose(client: Client, namespace: &str) -> Result<(), kube::Error> {
    let candidate = Candidate::new(client, namespace, Tenure::default());
    let spec = || {
        let time = Some(MicroTime(Timestamp::now()));
        LeaseSpec {
            holder_identity: Some(RELEASED.to_owned()),
            lease_duration_seconds: i32::try_from(FOR_GOOD.as_secs()).ok(),
            acquire_time: time.clone(),
            renew_time: time,
            ..LeaseSpec::default()
        }
    };
    loop {
        let lease = candidate.leases.get_opt(LEASE).await?;
        let led = lease
            .as_ref()
            .and_then(holder)
            .is_some_and(|holder| holder != RELEASED);
        match candidate.write(lease.unwrap_or_default(), spec()).await {
            // It renewed meanwhile.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error),
            Ok(()) if led => {
                // It learns of it at its next renewal, and its last call ends.
                tokio::time::sleep(PERIOD + CALL).await;
                return Ok(());
            }
            Ok(()) => return Ok(()),
        }
    }
}

/// Who holds a lease; none: nobody.
fn holder(lease: &Lease) -> Option<&String> {
    let holder = lease.spec.as_ref()?.holder_identity.as_ref()?;
    (!holder.is_empty()).then_some(holder)
}
