//! Asking name servers.

use futures::future;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_net::proto::rr::{Name, RData, Record, RecordType};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::FirstAnswer;
use hickory_net::{DnsHandle, NetError};
use kubeop_shared::dns::{Answer, Asked, Data, Kind, Wish};
use kubeop_shared::host::normal_form;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take. Within that time a question that got lost is sent again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a server may ask others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// It may, as a resolver does.
    Desired,
    /// It is to answer from its own zones.
    None,
}

/// Asks one question: over UDP, and over TCP if the answer is too long for that.
pub async fn query(
    server: SocketAddr,
    name: &str,
    kind: RecordType,
    recursion: Recursion,
) -> Result<DnsResponse, String> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = recursion == Recursion::Desired;
    let name = name_of(name)?;
    let request = DnsRequest::from_query(Query::query(name, kind), options);
    let udp = UdpClientStream::builder(server, TokioRuntimeProvider::new())
        .with_timeout(Some(PATIENCE))
        .exchange();
    let answer = udp.send(request.clone()).first_answer().await;
    let answer = answer.map_err(|error| said(&error))?;
    if answer.truncation {
        let message = request.to_vec().map_err(|error| error.to_string())?;
        return send(server, &message).await;
    }
    Ok(answer)
}

/// Sends a message that is to be handled once, and so over TCP: there nothing is sent again. Its bytes stay as they were
/// signed, which hickory's stream of TCP does not promise: it numbers messages anew.
pub async fn send(server: SocketAddr, message: &[u8]) -> Result<DnsResponse, String> {
    let exchanged = tokio::time::timeout(PATIENCE, exchange(server, message)).await;
    let answer = exchanged.map_err(|_| said(&NetError::Timeout))?;
    let answer = answer.map_err(|error| error.to_string())?;
    DnsResponse::from_buffer(answer).map_err(|error| format!("it answers what cannot be read: {error}"))
}

/// One message there and one back, each after its length (RFC 7766, 8).
async fn exchange(server: SocketAddr, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(message.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    let framed = [&length.to_be_bytes(), message].concat();
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// A name as it goes over the wire.
pub fn name_of(name: &str) -> Result<Name, String> {
    let mut read = Name::from_ascii(name).map_err(|error| format!("{name:?} is no name: {error}"))?;
    read.set_fqdn(true);
    Ok(read)
}

/// Asks a resolver about a wish.
pub async fn ask(resolver: SocketAddr, wish: &Wish) -> Asked {
    let answer = answer(resolver, wish).await;
    Asked {
        resolver: resolver.to_string(),
        answer: answer.unwrap_or_else(|why| Answer::Failed { why }),
    }
}

async fn answer(resolver: SocketAddr, wish: &Wish) -> Result<Answer, String> {
    let kind = wish.data.kind();
    let asking = |kind| query(resolver, &wish.host, record_type(kind), Recursion::Desired);
    let first = asking(kind).await?;
    let found = read(&first)?;
    if found != Found::OtherTypes {
        return Ok(found.into_answer(&first));
    }
    // The name is there, but without such a record: it helps to know what it has.
    let others = Kind::ALL.into_iter().filter(|other| *other != kind);
    for other in future::join_all(others.map(asking)).await {
        let other = other?;
        if let found @ Found::Records(..) = read(&other)? {
            return Ok(found.into_answer(&other));
        }
    }
    Ok(found.into_answer(&first))
}

/// What an answer holds of what a `DNSRecord` can wish.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Records(Vec<Data>, u32),
    OtherTypes,
    NoName,
}

impl Found {
    fn into_answer(self, response: &DnsResponse) -> Answer {
        match self {
            Self::Records(records, ttl) => Answer::Records { records, ttl },
            Self::OtherTypes | Self::NoName => Answer::Nothing {
                ttl: response.negative_ttl().unwrap_or(0),
            },
        }
    }
}

fn read(response: &DnsResponse) -> Result<Found, String> {
    let records: Vec<_> = response.answers.iter().filter_map(data_of).collect();
    let ttl = response.answers.iter().map(|record| record.ttl).min();
    match (response.response_code, ttl) {
        (ResponseCode::NoError | ResponseCode::NXDomain, Some(ttl)) if !records.is_empty() => {
            Ok(Found::Records(records, ttl))
        }
        (ResponseCode::NoError, _) => Ok(Found::OtherTypes),
        (ResponseCode::NXDomain, _) => Ok(Found::NoName),
        (code, _) => Err(format!("it answers {}", code_name(code))),
    }
}

/// What a record says, of what a `DNSRecord` can wish.
pub fn data_of(record: &Record) -> Option<Data> {
    match &record.data {
        RData::A(address) => Some(Data::A(address.0)),
        RData::AAAA(address) => Some(Data::Aaaa(address.0)),
        RData::CNAME(name) => Some(Data::Cname(normal_form(&name.0.to_ascii()))),
        _ => None,
    }
}

/// The type as it goes over the wire.
pub fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
        Kind::Cname => RecordType::CNAME,
    }
}

/// The word by which tools print a code, and by which it is searched for.
pub fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::YXRRSet => "YXRRSET".to_owned(),
        ResponseCode::NXRRSet => "NXRRSET".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        other => format!("code {}", u16::from(other)),
    }
}

fn said(error: &NetError) -> String {
    match error {
        NetError::Timeout => format!("it does not answer within {} s", PATIENCE.as_secs()),
        NetError::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
