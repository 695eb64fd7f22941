//! Where a host is written: what its server answers for it, and the message that changes it.

use super::client::{Recursion, code_name, data_of, name_of, query, record_type};
use super::failed::Failed;
use super::settings::Updates;
use futures::future;
use hickory_net::proto::op::{Message, OpCode, Query, ResponseCode, UpdateMessage};
use hickory_net::proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_net::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::dns::{AtHost, Before, Data, Kind, Marker, Wish, zone_of};
use std::net::SocketAddr;

/// The longest piece of a TXT record, in bytes (RFC 1035, 3.3).
const TXT_PIECE: usize = 255;

/// A host, and where it is written.
pub struct Place<'p> {
    /// Who takes updates.
    pub updates: &'p Updates,
    /// Where that is.
    pub server: SocketAddr,
    /// The zone.
    pub zone: &'p str,
    host: &'p str,
    /// Name of the record by which kubeOP knows its own.
    pub marker: String,
}

impl<'p> Place<'p> {
    /// Where a host is written, if it may be.
    pub async fn of(updates: &'p Updates, host: &'p str) -> Result<Self, Failed> {
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
        Ok(Self {
            updates,
            server,
            zone,
            host,
            marker,
        })
    }

    /// Its name, as it goes over the wire.
    pub fn name(&self) -> Result<Name, Failed> {
        wire(self.host)
    }

    /// That of its marker.
    pub fn marker_name(&self) -> Result<Name, Failed> {
        wire(&self.marker)
    }

    /// What the server answers from its zone.
    pub async fn look(&self) -> Result<AtHost, Failed> {
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

    /// The update that is done only if all is as `before` says.
    pub fn message(&self, before: &Before, records: &[Record]) -> Result<Message, Failed> {
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

    /// What is there is somebody else's.
    pub fn foreign(&self, wish: &Wish, seen: &AtHost) -> Failed {
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

/// What was seen, for people.
pub fn listed(seen: &AtHost) -> String {
    if seen.records.is_empty() {
        return "nothing".to_owned();
    }
    let records: Vec<_> = seen.records.iter().map(ToString::to_string).collect();
    records.join(", ")
}

fn wire(name: &str) -> Result<Name, Failed> {
    name_of(name).map_err(|why| Failed::stuck(Reason::Invalid, why))
}

/// What is wished, as a record has it.
pub fn of_data(data: &Data) -> Result<RData, Failed> {
    Ok(match data {
        Data::A(address) => RData::A(A(*address)),
        Data::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Data::Cname(name) => RData::CNAME(CNAME(wire(name)?)),
    })
}

/// A marker, as a record has it.
pub fn marker_text(text: &str) -> RData {
    RData::TXT(TXT::from_bytes(text.as_bytes().chunks(TXT_PIECE).collect()))
}

/// A record.
pub fn record(name: Name, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name, ttl, data)
}

/// All records of a type, as prerequisites and updates name them.
fn empty(name: &Name, kind: RecordType, class: DNSClass) -> Record {
    let mut record = Record::update0(name.clone(), 0, kind);
    record.dns_class = class;
    record
}
