//! What is done next for a Certificate that may have what it asks for.

use super::observed::{
    External, ExternalState, Holding, Issued, Observed, Record, RecordState, SecretState, Trust,
};
use crate::api::Standing;
use crate::api::certificate::IssuerKind;
use crate::api::conditions::Reason;
use k8s_openapi::jiff::Timestamp;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but to say how it stands.
    Say,
    /// kubeOP's own CA signs, and the Secret is written.
    Issue,
    /// The certificate in the Secret stays; what stands beside it is put right.
    Mend,
    /// cert-manager is asked.
    Request,
    /// cert-manager is asked no more.
    Withdraw,
}

/// What is done, how it stands if that is nothing, and when time alone makes something due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is done.
    pub action: Action,
    /// How it stands.
    pub standing: Standing,
    /// The next moment to ask again; none: when something is told.
    pub again: Option<Timestamp>,
}

/// Decides. At most one hand writes the Secret: while cert-manager is asked, kubeOP does not, and the other way round.
#[must_use]
pub fn decide(observed: &Observed<'_>) -> Decision {
    if let SecretState::Foreign(why) = &observed.secret {
        let secret = observed.secret_name;
        return say(Standing::refused(
            Reason::Conflict,
            format!(
                "Secret {secret} {why}: somebody else made it, so it is left alone. Name another one by \
                 spec.secretName, or delete it"
            ),
        ));
    }
    match observed.issuer {
        IssuerKind::SelfManaged => self_managed(observed),
        IssuerKind::CertManager => cert_manager(observed),
    }
}

fn self_managed(observed: &Observed<'_>) -> Decision {
    let act = |action| progressing(action, "kubeOP's own CA signs");
    if let ExternalState::Ours(_) = observed.external {
        return act(Action::Withdraw);
    }
    let Some(trust) = observed.trust else {
        return progressing(Action::Say, "kubeOP's own CA is being made");
    };
    let SecretState::Ours(holding) = &observed.secret else {
        return act(Action::Issue);
    };
    let Some(issued) = good(holding, observed.now) else {
        return act(Action::Issue);
    };
    let is_due = issued.renewal <= observed.now;
    if is_due && next_end(&trust, observed.now) > issued.not_after {
        return act(Action::Issue);
    }
    if holding.bundle != trust.bundle || !holding.marked {
        return act(Action::Mend);
    }
    Decision {
        action: Action::Say,
        standing: issued_standing(observed, issued),
        // One that would not live longer is signed when there is another CA, which is told.
        again: Some(if is_due { issued.not_after } else { issued.renewal }),
    }
}

fn cert_manager(observed: &Observed<'_>) -> Decision {
    let External {
        is_as_wanted,
        ready,
        failed,
        message,
    } = match &observed.external {
        ExternalState::NotInstalled => {
            return say(Standing::refused(
                Reason::UnknownKind,
                "spec.issuer: cert-manager is not installed here (there is no certificates.cert-manager.io). Install \
                 it, or leave spec.issuer out: then kubeOP's own CA signs",
            ));
        }
        ExternalState::Foreign => {
            return say(Standing::refused(
                Reason::Conflict,
                "a Certificate of cert-manager's of the same name is there, and somebody else made it, so it is left \
                 alone. Give this one another name, or delete the other (certificates.cert-manager.io)",
            ));
        }
        ExternalState::Absent => {
            // Whoever proves by ACME that a name is his must be found by it, and failed proofs are counted against him.
            return match waits_for(observed.record.as_ref()) {
                Some(why) => say(Standing::waits(Reason::Waiting, why)),
                None => progressing(Action::Request, "cert-manager is asked"),
            };
        }
        ExternalState::Ours(external) => external,
    };
    if !is_as_wanted {
        return progressing(Action::Request, "cert-manager is asked");
    }
    if *failed {
        let message = format!("cert-manager cannot issue: {message}");
        return say(Standing::waits(Reason::IssuingFailed, message));
    }
    if !ready {
        return progressing(
            Action::Say,
            &format!("cert-manager has not issued yet: {message}"),
        );
    }
    let secret = observed.secret_name;
    let SecretState::Ours(holding) = &observed.secret else {
        return progressing(
            Action::Say,
            &format!("cert-manager says that it has issued, but Secret {secret} is not there yet"),
        );
    };
    match good(holding, observed.now) {
        Some(issued) => Decision {
            action: Action::Say,
            standing: issued_standing(observed, issued),
            again: Some(issued.not_after),
        },
        None => say(Standing::waits(
            Reason::Unhealthy,
            format!(
                "cert-manager says that it has issued, but nobody would take what is in Secret {secret}: {}",
                fault(holding)
            ),
        )),
    }
}

/// The certificate, if a client would take it now.
fn good(holding: &Holding, now: Timestamp) -> Option<&Issued> {
    let issued = holding.issued.as_ref().filter(|_| holding.fault.is_none())?;
    (issued.not_before <= now && now < issued.not_after).then_some(issued)
}

fn fault(holding: &Holding) -> &str {
    holding.fault.as_deref().unwrap_or("it is not good now")
}

/// When one would end that is signed now: no later than its CA.
fn next_end(trust: &Trust, now: Timestamp) -> Timestamp {
    now.saturating_add(trust.life)
        .map_or(trust.until, |end| end.min(trust.until))
}

fn issued_standing(observed: &Observed<'_>, issued: &Issued) -> Standing {
    let until = issued.not_after.strftime("%Y-%m-%dT%H:%M:%SZ");
    let by = match observed.issuer {
        IssuerKind::SelfManaged => "kubeOP's own CA",
        IssuerKind::CertManager => "cert-manager",
    };
    let issued = format!("{} has a certificate by {by} until {until}", observed.host);
    match waits_for(observed.record.as_ref()) {
        Some(why) => Standing::waits(Reason::Waiting, format!("{why}. {issued}")),
        None => Standing::ready(issued),
    }
}

/// What must come first.
fn waits_for(record: Option<&Record<'_>>) -> Option<String> {
    let Record { name, state } = record?;
    match state {
        Some(RecordState::Ready) => None,
        Some(RecordState::NotReady(message)) => Some(format!("DNSRecord {name} is not ready: {message}")),
        None => Some(format!(
            "spec.dnsRecordRef: there is no DNSRecord {name} in this namespace"
        )),
    }
}

fn progressing(action: Action, message: &str) -> Decision {
    Decision {
        action,
        standing: Standing::waits(Reason::Progressing, message),
        again: None,
    }
}

fn say(standing: Standing) -> Decision {
    Decision {
        action: Action::Say,
        standing,
        again: None,
    }
}
