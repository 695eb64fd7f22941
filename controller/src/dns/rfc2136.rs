//! Provider `rfc2136`: what is at a host in its zone, and one update that makes it what is wished.

use super::client::{self, Recursion, code_name, data_of, name_of, query, record_type};
use super::settings::Updates;
use super::{DnsRecords, tsig};
use crate::kube_io::{CallKind, Cluster, Who, address};
use crate::metrics::metrics;
use futures::future;
use hickory_net::proto::op::{DnsResponse, Message, OpCode, Query, ResponseCode, UpdateMessage};
use hickory_net::proto::rr::rdata::{A, AAAA, CNAME, TXT, tsig::TsigError};
use hickory_net::proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};
use k8s_openapi::api::core::v1::Secret;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::dns::{AtHost, Before, Data, Kind, Marker, Step, Wish, removal, zone_of};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// The longest piece of a TXT record, in bytes (RFC 1035, 3.3).
const TXT_PIECE: usize = 255;

/// Why a host is not as it is wished.
#[derive(Debug)]
pub enum Failed {
    /// The server does not answer, which passes.
    Unreachable(String),
    /// Something that somebody has to change.
    Stuck(Standing),
}

impl Failed {
    fn stuck(reason: Reason, message: impl Into<String>) -> Self {
        Self::Stuck(Standing::refused(reason, message))
    }
}

/// A host, and where it is written.
struct Place<'p> {
    updates: &'p Updates,
    server: SocketAddr,
    zone: &'p str,
    host: &'p str,
    marker: String,
}

/// How an update went.
enum Outcome {
    Done,
    /// It was not as it had to be.
    Otherwise,
}

impl<C: Cluster> DnsRecords<C> {
    /// Sees to it that the zone says what is wished.
    pub(super) async fn publish(&self, updates: &Updates, wish: &Wish, me: &Marker) -> Result<(), Failed> {
        let place = place(updates, &wish.host).await?;
        let seen = place.look().await?;
        let before = match Step::towards(wish, me, &seen) {
            Step::Nothing => return Ok(()),
            Step::Foreign(text) => {
                let message = format!(
                    "{} is written by another cluster: TXT {} says {text:?}. Choose another host, or delete both \
                     records there",
                    wish.host, place.marker
                );
                return Err(Failed::stuck(Reason::ForeignRecord, message));
            }
            Step::Replace(before) => before,
        };
        let records = [
            record(place.name()?, wish.ttl, of_data(&wish.data)?),
            record(place.marker_name()?, wish.ttl, marker_text(&me.to_string())),
        ];
        match self.update(&place, &before, &records).await? {
            Outcome::Done => {}
            // Somebody else was quicker, perhaps we ourselves: the next look sees it.
            Outcome::Otherwise if before != Before::Free => {
                return Err(Failed::Unreachable(format!("{} changed meanwhile", wish.host)));
            }
            Outcome::Otherwise if seen.records == [wish.data.clone()] => return Ok(()),
            Outcome::Otherwise => return Err(place.foreign(wish, &seen)),
        }
        // What cannot be added is left out in silence (RFC 2136, 3.4.2.2).
        let seen = place.look().await?;
        if seen.records != [wish.data.clone()] {
            let message = format!(
                "server {} took the update, but answers {} for {}, not {}. Nothing may stand beside a CNAME, and none at \
                 the top of a zone: look what else the name holds",
                updates.server,
                listed(&seen),
                wish.host,
                wish.data
            );
            return Err(Failed::stuck(Reason::ServerRefused, message));
        }
        Ok(())
    }

    /// Removes what is written of a host, if it is marked as ours.
    pub(super) async fn withdraw(&self, updates: &Updates, host: &str, me: &Marker) -> Result<(), Failed> {
        if zone_of(host, &updates.zones).is_none() {
            // It may not be written any more: what is there stays.
            return Ok(());
        }
        let place = place(updates, host).await?;
        let Some(before) = removal(me, &place.look().await?) else {
            return Ok(());
        };
        match self.update(&place, &before, &[]).await? {
            Outcome::Done => Ok(()),
            Outcome::Otherwise => Err(Failed::Unreachable(format!("{host} changed meanwhile"))),
        }
    }

    /// One update, which is done whole or not at all: what the host held goes, and these come.
    async fn update(
        &self,
        place: &Place<'_>,
        before: &Before,
        records: &[Record],
    ) -> Result<Outcome, Failed> {
        let server = &place.updates.server;
        let (tsig, key) = self.key(&place.updates.secret).await?;
        let mut message = place.message(before, records)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let verifier = message.finalize(&tsig, now.unwrap_or_default().as_secs());
        let verifier = verifier.map_err(|error| Failed::stuck(Reason::KeyUnusable, error.to_string()))?;
        let bytes = message.to_vec();
        let bytes = bytes.map_err(|error| Failed::stuck(Reason::Invalid, error.to_string()))?;
        let answer = client::send(place.server, &bytes).await;
        let answer = answer.map_err(|why| Failed::Unreachable(format!("DNS server {server}: {why}")))?;
        let code = answer.response_code;
        metrics().dns_update(if code == ResponseCode::NoError {
            "ok"
        } else {
            "refused"
        });
        if code == ResponseCode::NotAuth || tsig_error(&answer).is_some() {
            return Err(not_authorised(place, &key, &answer));
        }
        // Else somebody in between might say yes in its name.
        let signed = verifier.is_some_and(|mut by| by.verify(answer.as_buffer()).is_ok());
        if !signed && code == ResponseCode::NoError {
            let message = format!("the answer of DNS server {server} is not signed by key {key:?}");
            return Err(Failed::stuck(Reason::KeyUnusable, message));
        }
        match code {
            ResponseCode::NoError => Ok(Outcome::Done),
            ResponseCode::YXRRSet
            | ResponseCode::YXDomain
            | ResponseCode::NXRRSet
            | ResponseCode::NXDomain => Ok(Outcome::Otherwise),
            ResponseCode::Refused => Err(Failed::stuck(
                Reason::ServerRefused,
                format!(
                    "DNS server {server} refuses to update zone {} (REFUSED). Allow updates by key {key:?} there, of types \
                     A, AAAA, CNAME and TXT",
                    place.zone
                ),
            )),
            ResponseCode::ServFail => Err(Failed::Unreachable(format!(
                "DNS server {server} answers SERVFAIL"
            ))),
            other => Err(Failed::stuck(
                Reason::ServerRefused,
                format!(
                    "DNS server {server} refuses to update zone {} ({})",
                    place.zone,
                    code_name(other)
                ),
            )),
        }
    }

    /// The key, read as it is now, and its name.
    async fn key(&self, secret: &str) -> Result<(TSigner, String), Failed> {
        let namespace = &self.namespace;
        let at = address("", "v1", "Secret", Some(namespace), secret);
        let unusable = |message: String| Failed::stuck(Reason::KeyUnusable, message);
        let found = match self.cluster.get(&Who::Controller, &at).await {
            Ok(found) => found,
            Err(error) if error.kind == CallKind::Forbidden => {
                return Err(Failed::stuck(Reason::Forbidden, error.to_string()));
            }
            Err(error) => return Err(Failed::Unreachable(error.to_string())),
        };
        let Some(found) = found else {
            return Err(unusable(format!(
                "Secret {namespace}/{secret} does not exist: kubectl create secret generic {secret} -n {namespace} \
                 --from-literal=name=... --from-literal=algorithm=hmac-sha256 --from-literal=secret=..."
            )));
        };
        let secret_of = |why: String| unusable(format!("Secret {namespace}/{secret} {why}"));
        let read: Secret = found
            .try_parse()
            .map_err(|_| secret_of("cannot be read".to_owned()))?;
        let signer = tsig::signer(&read).map_err(secret_of)?;
        let name = signer.signer_name().to_ascii();
        Ok((signer, name))
    }
}

async fn place<'p>(updates: &'p Updates, host: &'p str) -> Result<Place<'p>, Failed> {
    let Some(zone) = zone_of(host, &updates.zones) else {
        let message = format!(
            "{host} lies in no zone that kubeOP may write ({}). Choose a host in one, or add its zone to KUBEOP_DNS_ZONES",
            updates.zones.join(", ")
        );
        return Err(Failed::stuck(Reason::ZoneNotServed, message));
    };
    let Some(marker) = Marker::name_of(host) else {
        let message =
            format!("spec.host: {host:?} leaves no room for its marker, a name with 8 characters more");
        return Err(Failed::stuck(Reason::Invalid, message));
    };
    let server = updates.server.address().await;
    let server =
        server.map_err(|error| Failed::Unreachable(format!("DNS server {}: {error}", updates.server)))?;
    Ok(Place {
        updates,
        server,
        zone,
        host,
        marker,
    })
}

impl Place<'_> {
    fn name(&self) -> Result<Name, Failed> {
        wire(self.host)
    }

    fn marker_name(&self) -> Result<Name, Failed> {
        wire(&self.marker)
    }

    /// What the server answers from its zone.
    async fn look(&self) -> Result<AtHost, Failed> {
        let questions = [
            (self.host, RecordType::A),
            (self.host, RecordType::AAAA),
            (&self.marker, RecordType::TXT),
        ];
        let asked = questions.map(|(name, kind)| query(self.server, name, kind, Recursion::None));
        let host = self.name()?;
        let mut seen = AtHost::default();
        for answer in future::join_all(asked).await {
            let server = &self.updates.server;
            let answer = answer.map_err(|why| Failed::Unreachable(format!("DNS server {server}: {why}")))?;
            match answer.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => {}
                ResponseCode::ServFail => {
                    return Err(Failed::Unreachable(format!(
                        "DNS server {server} answers SERVFAIL"
                    )));
                }
                other => {
                    let code = code_name(other);
                    let zone = self.zone;
                    return Err(Failed::stuck(
                        Reason::ServerRefused,
                        format!(
                            "DNS server {server} answers {code} for {}: does it serve zone {zone}?",
                            self.host
                        ),
                    ));
                }
            }
            for record in &answer.answers {
                if let RData::TXT(text) = &record.data {
                    let bytes = text.txt_data.concat();
                    seen.markers.push(String::from_utf8_lossy(&bytes).into_owned());
                } else if let Some(data) = data_of(record)
                    && record.name == host
                    && !seen.records.contains(&data)
                {
                    seen.ttl = Some(record.ttl);
                    seen.records.push(data);
                }
            }
        }
        Ok(seen)
    }

    fn message(&self, before: &Before, records: &[Record]) -> Result<Message, Failed> {
        let (host, marker) = (self.name()?, self.marker_name()?);
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        message.add_zone(Query::query(wire(self.zone)?, RecordType::SOA));
        let kinds = Kind::ALL.map(|kind| (&host, record_type(kind)));
        let ours = || kinds.into_iter().chain([(&marker, RecordType::TXT)]);
        match before {
            Before::Free => {
                for (name, kind) in ours() {
                    message.add_pre_requisite(empty(name, kind, DNSClass::NONE));
                }
            }
            Before::Marked(text) => {
                message.add_pre_requisite(record(marker.clone(), 0, marker_text(text)));
            }
        }
        for (name, kind) in ours() {
            message.add_update(empty(name, kind, DNSClass::ANY));
        }
        message.add_updates(records.iter().cloned());
        Ok(message)
    }

    fn foreign(&self, wish: &Wish, seen: &AtHost) -> Failed {
        let Wish { host, .. } = wish;
        let message = format!(
            "{host} is there already ({}), and kubeOP did not make it. Choose another host, or delete it in zone {}: then \
             it is made",
            listed(seen),
            self.zone
        );
        Failed::stuck(Reason::ForeignRecord, message)
    }
}

/// The server does not take our signature.
fn not_authorised(place: &Place<'_>, key: &str, answer: &DnsResponse) -> Failed {
    let (server, zone, secret) = (&place.updates.server, place.zone, &place.updates.secret);
    let message = match tsig_error(answer) {
        Some(TsigError::BadKey) => {
            format!(
                "DNS server {server} does not know key {key:?} (BADKEY). Add it there, or correct Secret {secret}"
            )
        }
        Some(TsigError::BadSig) => {
            format!(
                "DNS server {server} knows key {key:?} with another secret or algorithm (BADSIG). Correct Secret {secret}"
            )
        }
        Some(TsigError::BadTime) => {
            format!("the clock of DNS server {server} differs by more than 5 minutes (BADTIME). Correct it")
        }
        _ => format!(
            "DNS server {server} does not let key {key:?} update zone {zone} (NOTAUTH). Does it hold that zone as primary?"
        ),
    };
    Failed::stuck(Reason::KeyUnusable, message)
}

fn tsig_error(answer: &DnsResponse) -> Option<TsigError> {
    answer.signature.as_ref()?.data.error
}

fn listed(seen: &AtHost) -> String {
    if seen.records.is_empty() {
        return "nothing".to_owned();
    }
    let records: Vec<_> = seen.records.iter().map(ToString::to_string).collect();
    records.join(", ")
}

fn wire(name: &str) -> Result<Name, Failed> {
    name_of(name).map_err(|why| Failed::stuck(Reason::Invalid, why))
}

fn of_data(data: &Data) -> Result<RData, Failed> {
    Ok(match data {
        Data::A(address) => RData::A(A(*address)),
        Data::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Data::Cname(name) => RData::CNAME(CNAME(wire(name)?)),
    })
}

fn marker_text(text: &str) -> RData {
    RData::TXT(TXT::from_bytes(text.as_bytes().chunks(TXT_PIECE).collect()))
}

fn record(name: Name, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name, ttl, data)
}

/// All records of a type, as prerequisites and updates name them.
fn empty(name: &Name, kind: RecordType, class: DNSClass) -> Record {
    let mut record = Record::update0(name.clone(), 0, kind);
    record.dns_class = class;
    record
}

/// After a failure that passes.
pub(super) const SOON: Duration = Duration::from_secs(1);
