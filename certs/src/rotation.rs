//! One CA after the other. A new one is only trusted at first; it signs when its time has come and every client trusts
//! it; the old one stays trusted until no leaf of it is left.
//!
//! Clients hold bundles of their own (`caBundle` of a registration), which somebody must write after what is kept has
//! changed, and which may hold more than is kept: after what was kept is lost, or comes back from a backup, running
//! servers still present leaves of a CA that only the clients' bundles remember. Therefore nothing leaves a client's
//! bundle that was not in what is kept: it is first taken in as an old CA, with a time to go.

use crate::kept::{Kept, Old};
use crate::{Authority, Bundle, CaCertificate, CertificateError};
use time::{Duration, OffsetDateTime};

/// How long what is made lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    ca: Duration,
    leaf: Duration,
}

/// Why two lifetimes do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimesError {
    /// There must be time to renew a leaf.
    #[error("a leaf must live at least 10 s")]
    ShortLeaf,
    /// There must be time for one CA to take over from the other.
    #[error("a CA must live at least four times as long as a leaf")]
    ShortCa,
}

impl Lifetimes {
    /// Of CAs and of the leaves that they sign.
    pub fn new(ca: Duration, leaf: Duration) -> Result<Self, LifetimesError> {
        if leaf < Duration::seconds(10) {
            return Err(LifetimesError::ShortLeaf);
        }
        if ca < leaf * 4 {
            return Err(LifetimesError::ShortCa);
        }
        Ok(Self { ca, leaf })
    }

    /// How long a leaf lives.
    pub fn leaf(&self) -> Duration {
        self.leaf
    }

    /// How long a CA is trusted before it signs.
    fn only_trusted(&self) -> Duration {
        self.leaf / 24
    }

    /// How long a CA stays trusted that signs no more: a server that has not heard of it yet may still have a leaf
    /// signed.
    fn still_trusted(&self) -> Duration {
        self.leaf * 3 / 2
    }

    /// When another CA is made to follow this one: two thirds of its life are over, or its leaves will soon be cut
    /// short.
    fn rotation(&self, ca: &CaCertificate) -> OffsetDateTime {
        let life = ca.validity().since_made();
        life.two_thirds().min(life.until - self.leaf * 2)
    }

    /// When the next CA signs, if it is trusted: at once where leaves of the present one are cut short.
    fn promotion(&self, signing: &CaCertificate, next: &CaCertificate) -> OffsetDateTime {
        let trusted = next.validity().since_made().from + self.only_trusted();
        trusted.min(signing.validity().until - self.leaf)
    }
}

/// What is to be done with what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Keep,
    /// There is no CA that can sign: one is made, and signs as soon as it is trusted.
    Make,
    /// A CA is made that shall follow: it is trusted, and does not sign yet.
    Introduce,
    /// The next CA signs from now on.
    Promote,
    /// Only the list of old CAs changes.
    Tidy,
}

impl Step {
    /// What it is, for a log.
    pub fn said(self) -> &'static str {
        match self {
            Self::Keep => "the CA is kept",
            Self::Make => "there was no CA that could sign: one is made",
            Self::Introduce => "a CA is made that will follow: it is trusted, and does not sign yet",
            Self::Promote => "the next CA signs from now on, and the one before stays trusted for a while",
            Self::Tidy => "the list of old CAs, which are only trusted, has changed",
        }
    }
}

/// What is to be done, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Now.
    pub step: Step,
    /// The next moment at which time alone makes something due.
    pub due: Option<OffsetDateTime>,
}

/// Plans. `kept`: none if there is nothing, or nothing that can sign; `registered`: the bundle of each client.
pub fn plan(kept: Option<&Kept>, registered: &[Bundle], now: OffsetDateTime, lifetimes: Lifetimes) -> Plan {
    let at_once = |step| Plan { step, due: None };
    let Some(kept) = kept else {
        return at_once(Step::Make);
    };
    let holds = |authority: &&Authority| authority.ca().validity().holds_at(now);
    let (signing, next) = (kept.signing.ca(), kept.next.as_ref().filter(holds));
    let change = match next {
        Some(_) if !signing.validity().holds_at(now) => return at_once(Step::Promote),
        None if !signing.validity().holds_at(now) => return at_once(Step::Make),
        Some(next) => {
            let due = lifetimes.promotion(signing, next.ca());
            if due <= now && registered.iter().all(|bundle| bundle.contains(next.ca())) {
                return at_once(Step::Promote);
            }
            due
        }
        None => {
            let due = lifetimes.rotation(signing);
            if due <= now {
                return at_once(Step::Introduce);
            }
            due
        }
    };
    let forgotten = |old: &Old| old.is_over(now) && !old.is_registered(registered);
    if strays(kept, registered, now).next().is_some() || kept.old.iter().any(forgotten) {
        return at_once(Step::Tidy);
    }
    let ends = kept.old.iter().map(|old| old.until.min(old.ca.validity().until));
    let due = ends.chain([change]).filter(|due| *due > now).min();
    Plan {
        step: Step::Keep,
        due,
    }
}

/// Takes a step: what is to be kept from now on. `name` is the one of a CA that is made.
pub fn take(
    step: Step,
    kept: Option<Kept>,
    registered: &[Bundle],
    now: OffsetDateTime,
    lifetimes: Lifetimes,
    name: &str,
) -> Result<Kept, CertificateError> {
    let make = || Authority::new(name, now, lifetimes.ca);
    let until = now + lifetimes.still_trusted();
    let mut kept = match (step, kept) {
        (Step::Make, kept) => replace(kept, make()?, until),
        (
            Step::Promote,
            Some(Kept {
                signing,
                next: Some(next),
                old,
            }),
        ) => {
            let kept = Kept {
                signing,
                next: None,
                old,
            };
            replace(Some(kept), next, until)
        }
        (Step::Introduce, Some(kept)) => Kept {
            next: Some(make()?),
            ..kept
        },
        (_, Some(kept)) => kept,
        (_, None) => replace(None, make()?, until),
    };
    let strays: Vec<_> = strays(&kept, registered, now).cloned().collect();
    kept.old
        .retain(|old| !old.is_over(now) || old.is_registered(registered));
    for ca in strays {
        if !kept.knows(&ca) {
            kept.old.push(Old { ca, until });
        }
    }
    Ok(kept)
}

/// Another CA signs; those before it are old.
fn replace(kept: Option<Kept>, signing: Authority, until: OffsetDateTime) -> Kept {
    let mut old = Vec::new();
    if let Some(kept) = kept {
        old = kept.old;
        let before = [Some(kept.signing), kept.next].into_iter().flatten();
        old.extend(before.map(|authority| Old {
            ca: authority.ca().clone(),
            until,
        }));
    }
    Kept {
        signing,
        next: None,
        old,
    }
}

/// What clients trust and is not kept.
fn strays<'b>(
    kept: &Kept,
    registered: &'b [Bundle],
    now: OffsetDateTime,
) -> impl Iterator<Item = &'b CaCertificate> {
    let trusted = registered.iter().flat_map(Bundle::iter);
    trusted.filter(move |ca| ca.validity().until > now && !kept.knows(ca))
}

impl Old {
    fn is_over(&self, now: OffsetDateTime) -> bool {
        self.until <= now || self.ca.validity().until <= now
    }

    fn is_registered(&self, registered: &[Bundle]) -> bool {
        registered.iter().any(|bundle| bundle.contains(&self.ca))
    }
}

#[cfg(test)]
mod tests;
