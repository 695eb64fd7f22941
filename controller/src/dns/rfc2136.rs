//! Provider `rfc2136`: one signed update that makes a host what is wished, or removes what kubeOP made of it.

use super::client::{self, code_name};
use super::failed::Failed;
use super::place::{Place, listed, marker_text, of_data, record};
use super::settings::Updates;
use super::{DnsRecords, tsig};
use crate::kube_io::{CallKind, Cluster, Who, address};
use crate::metrics::metrics;
use hickory_net::proto::op::{DnsResponse, ResponseCode};
use hickory_net::proto::rr::rdata::tsig::TsigError;
use hickory_net::proto::rr::{Record, TSigner};
use k8s_openapi::api::core::v1::Secret;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::dns::{Before, Marker, Step, Wish, removal, zone_of};
use std::time::SystemTime;

/// How an update went.
enum Outcome {
    Done,
    /// It was not as it had to be.
    Otherwise,
}

impl<C: Cluster> DnsRecords<C> {
    /// Sees to it that the zone says what is wished.
    pub(super) async fn publish(&self, updates: &Updates, wish: &Wish, me: &Marker) -> Result<(), Failed> {
        let place = Place::of(updates, &wish.host).await?;
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
        let place = Place::of(updates, host).await?;
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
