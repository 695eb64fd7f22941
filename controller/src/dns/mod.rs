//! The loop of DNSRecords: who may have the host, see to it that the zone says it, ask resolvers, and tell.
//!
//! What a record is to be is decided in `kubeop_shared::dns`. News that change nothing of that ask nobody: resolvers are
//! asked again when their answers may have changed.

mod bounds;
mod claims;
mod client;
mod end;
pub mod endpoint;
mod failed;
mod memory;
mod place;
mod rfc2136;
pub mod settings;
mod status;
mod tsig;

use crate::kube_io::Cluster;
use crate::queue::Next;
use crate::watches::Concerns;
use crate::world::{NamespacedName, World};
use claims::Claims;
use failed::{Failed, SOON};
use futures::future;
use jiff::Timestamp;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::api::{DnsAnswer, DnsRecord, DnsRecordStatus};
use kubeop_shared::dns::{Asked, Claim, Wish, judge, next_check};
use memory::{Round, spread};
use settings::{Provider, Settings};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;

/// Everything that the loop works with.
pub struct DnsRecords<C> {
    cluster: C,
    world: Arc<World>,
    cluster_id: String,
    namespace: String,
    settings: Settings,
    wake: mpsc::UnboundedSender<Concerns>,
    claims: Mutex<Claims>,
    rounds: Mutex<HashMap<NamespacedName, Round>>,
}

/// What stands around the loop.
pub struct Surroundings {
    /// What is known of the cluster.
    pub world: Arc<World>,
    /// Value of the label `cluster-id`.
    pub cluster_id: String,
    /// kubeOP's own namespace.
    pub namespace: String,
    /// Tells of others that are concerned.
    pub wake: mpsc::UnboundedSender<Concerns>,
}

impl<C: Cluster> DnsRecords<C> {
    /// Knows from the start who claims which host, since the youngest may be looked at first.
    pub fn new(cluster: C, settings: Settings, around: Surroundings) -> Self {
        let Surroundings {
            world,
            cluster_id,
            namespace,
            wake,
        } = around;
        let mut claims = Claims::default();
        for (key, record) in world
            .dns_records
            .filter(|key, record| Some((key.clone(), record.read())))
        {
            claims.learn(&key, record.as_ref().and_then(|record| claim(&key, record)));
        }
        Self {
            cluster,
            world,
            cluster_id,
            namespace,
            settings,
            wake,
            claims: Mutex::new(claims),
            rounds: Mutex::default(),
        }
    }

    /// Makes a `DNSRecord` what it says, as far as that goes now, and says how it stands.
    pub async fn reconcile(&self, key: NamespacedName) -> Next {
        let known = self.world.dns_records.get(&key);
        let record = known.as_ref().and_then(crate::world::Packed::read::<DnsRecord>);
        self.learn_claim(&key, record.as_ref());
        let Some(record) = record else {
            if known.is_some() {
                tracing::warn!(record = %key, "the DNSRecord cannot be read");
            }
            self.forget(&key);
            return Next::News;
        };
        if record.metadata.deletion_timestamp.is_some() {
            return self.end(&key, &record).await;
        }
        let wish = match self.may_wish(&key, &record) {
            Ok(wish) => wish,
            Err(standing) => return self.refuse(&key, &record, &standing).await,
        };
        let last = self.last_round(&key).filter(|last| last.wish == wish);
        let now = Instant::now();
        let round = match last {
            Some(last) if now < last.due && !self.endpoint_drifted(&key, &last) => last,
            last => self.look(&key, &record, wish, last).await,
        };
        // The look may have written to it.
        let record = self.world.dns_records.get(&key).and_then(|known| known.read());
        let Some(record) = record else {
            return Next::News;
        };
        let standing = self.stand(&record, &round);
        if let Err(error) = self.say(&key, &record, standing.as_ref(), &round.asked).await {
            tracing::warn!(record = %key, %error, "cannot write the status");
            return Next::Within(SOON);
        }
        Next::Within(round.due.saturating_duration_since(Instant::now()))
    }

    /// The wish, if this is the `DNSRecord` that may have it.
    fn may_wish(&self, key: &NamespacedName, record: &DnsRecord) -> Result<Wish, Standing> {
        let wish =
            Wish::of(&record.spec).map_err(|error| Standing::refused(Reason::Invalid, error.to_string()))?;
        let owner = self
            .claims
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .owner(&wish.host);
        if let Some(owner) = owner.filter(|owner| owner != key) {
            let host = &wish.host;
            let message = format!(
                "{host} belongs to DNSRecord {owner}, which is older. Choose another host, or delete that one"
            );
            return Err(Standing::refused(Reason::HostTaken, message));
        }
        self.bounds(key, &wish.host)?;
        Ok(wish)
    }

    /// Says that it may not have what it wishes. Nobody is asked.
    async fn refuse(&self, key: &NamespacedName, record: &DnsRecord, standing: &Standing) -> Next {
        self.forget(key);
        let told = async {
            if standing.reason == Reason::HostTaken && matches!(self.settings.provider, Provider::ExternalDns)
            {
                self.no_endpoint(key, record).await?;
            }
            self.say(key, record, Some(standing), &[]).await
        };
        match told.await {
            Ok(()) => Next::News,
            Err(error) => {
                tracing::warn!(record = %key, %error, "cannot say how it stands");
                Next::Within(SOON)
            }
        }
    }

    /// One round: the zone, then the resolvers. What comes out as it did at the last one is looked at less often.
    async fn look(&self, key: &NamespacedName, record: &DnsRecord, wish: Wish, last: Option<Round>) -> Round {
        let delivered = self.deliver(key, record, &wish).await;
        let resolvers = self.settings.resolvers.iter();
        let asked = future::join_all(resolvers.map(|resolver| client::ask(*resolver, &wish))).await;
        let blocked = match delivered {
            Ok(()) => None,
            Err(Failed::Stuck(standing)) => Some(standing),
            Err(Failed::Unreachable(why)) => {
                let message = format!("{why}. It is tried again by itself");
                Some(Standing::waits(Reason::Unreachable, message))
            }
        };
        let status = DnsRecordStatus::default();
        let judged = judge(&wish, &asked, self.settings.provider.rule(), &status, 0);
        let holds = blocked.is_none() && judged.as_ref().is_some_and(Standing::is_ready);
        let attempts = last
            .filter(|last| last.blocked == blocked && told(&last.asked) == told(&asked))
            .map_or(0, |last| last.attempts);
        // The server of the zone says when it is back no more than a resolver without an answer does.
        let heard = if blocked.is_some() { &[][..] } else { &asked };
        let wait = next_check(&wish, heard, attempts);
        let round = Round {
            wish,
            asked,
            blocked,
            due: Instant::now() + spread(wait, key),
            attempts: if holds { 0 } else { attempts.saturating_add(1) },
        };
        self.remember(key, round.clone());
        round
    }

    async fn deliver(&self, key: &NamespacedName, record: &DnsRecord, wish: &Wish) -> Result<(), Failed> {
        match &self.settings.provider {
            Provider::Observe => Ok(()),
            Provider::ExternalDns => self.endpoint(key, record, wish).await,
            Provider::Rfc2136(updates) => {
                let me = self.marker(key);
                if let Some(before) = end::published(record).filter(|before| *before != wish.host) {
                    self.withdraw(updates, before, &me).await?;
                }
                let held = self.hold(key, record, &wish.host).await;
                held.map_err(|error| Failed::Unreachable(error.to_string()))?;
                self.publish(updates, wish, &me).await
            }
        }
    }

    /// How it stands after a round. None: as before.
    fn stand(&self, record: &DnsRecord, round: &Round) -> Option<Standing> {
        let generation = record.metadata.generation.unwrap_or_default();
        let status = record.status.clone().unwrap_or_default();
        let provider = self.settings.provider.rule();
        let judged = judge(&round.wish, &round.asked, provider, &status, generation);
        match &round.blocked {
            None => judged,
            // What was written stays written while its server is away.
            Some(blocked) if blocked.reason == Reason::Unreachable && was_ready(&status, generation) => {
                judged
            }
            Some(blocked) => Some(blocked.clone()),
        }
    }

    /// Whether somebody changed the `DNSEndpoint` since, or its kind may be there by now.
    fn endpoint_drifted(&self, key: &NamespacedName, last: &Round) -> bool {
        matches!(self.settings.provider, Provider::ExternalDns)
            && match &last.blocked {
                None => self.is_other_endpoint(key, &last.wish),
                Some(blocked) => blocked.reason == Reason::UnknownKind,
            }
    }

    fn learn_claim(&self, key: &NamespacedName, record: Option<&DnsRecord>) {
        let claim = record.and_then(|record| claim(key, record));
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        for other in claims.learn(key, claim) {
            // Nobody listens any more: the program ends.
            let _ = self.wake.send(Concerns::DnsRecord(other));
        }
    }
}

fn told(asked: &[Asked]) -> Vec<DnsAnswer> {
    asked.iter().map(Asked::told).collect()
}

/// What a `DNSRecord` claims; nothing, if it cannot be wished.
fn claim(key: &NamespacedName, record: &DnsRecord) -> Option<(String, Claim)> {
    let wish = Wish::of(&record.spec).ok()?;
    let created = record.metadata.creation_timestamp.as_ref();
    let claim = Claim {
        created: created.map_or(Timestamp::MAX, |time| time.0),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    };
    Some((wish.host, claim))
}

fn was_ready(status: &DnsRecordStatus, generation: i64) -> bool {
    use kubeop_shared::api::conditions::{ConditionType, is_true};
    status.observed_generation == Some(generation) && is_true(&status.conditions, ConditionType::Ready)
}
