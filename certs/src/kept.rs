//! The form in which replicas share a CA: named texts, as a Secret holds them.
//!
//! `ca.crt` and `ca.key` sign. `next.crt` and `next.key`, if they are there, sign later and are trusted already.
//! `old.json` lists certificates that sign no more and are trusted for a while yet.

use crate::{Authority, Bundle, CaCertificate, CertificateError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";
const OLD: &str = "old.json";

/// What replicas share.
#[derive(Clone)]
pub struct Kept {
    /// Signs.
    pub signing: Authority,
    /// Is trusted, and signs later.
    pub next: Option<Authority>,
    /// Signed once, or is trusted by clients for a reason that is not known here.
    pub old: Vec<Old>,
}

/// A CA that signs no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Old {
    /// The CA.
    pub ca: CaCertificate,
    /// Trusted until then, or until it ends.
    pub until: OffsetDateTime,
}

/// Why what is kept holds no CA that can sign.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// It cannot be used.
    #[error("{CERTIFICATE} and {KEY}: {0}")]
    Unusable(#[from] CertificateError),
}

#[derive(Serialize, Deserialize)]
struct OldText {
    certificate: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

impl Kept {
    /// Reads what is kept; `text` gives what stands under a name. Only the CA that signs must be whole: what else is
    /// damaged counts as absent.
    pub fn read<'t>(text: impl Fn(&str) -> Option<&'t str>) -> Result<Self, Damage> {
        let needed = |name: &'static str| text(name).ok_or(Damage::Missing(name));
        let signing = Authority::read(needed(CERTIFICATE)?, needed(KEY)?)?;
        let next = text(NEXT_CERTIFICATE)
            .zip(text(NEXT_KEY))
            .and_then(|(certificate, key)| Authority::read(certificate, key).ok());
        let old: Vec<OldText> = text(OLD)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let old = old.into_iter().filter_map(|old| {
            let ca = CaCertificate::read(old.certificate.as_bytes()).ok()?;
            Some(Old { ca, until: old.until })
        });
        Ok(Self {
            signing,
            next,
            old: old.collect(),
        })
    }

    /// All of it by name, to be kept in place of what was there.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let mut texts: BTreeMap<_, _> = [
            (CERTIFICATE, self.signing.certificate().to_owned()),
            (KEY, self.signing.key().to_owned()),
        ]
        .into();
        if let Some(next) = &self.next {
            texts.insert(NEXT_CERTIFICATE, next.certificate().to_owned());
            texts.insert(NEXT_KEY, next.key().to_owned());
        }
        if !self.old.is_empty() {
            let old = self.old.iter().map(|old| OldText {
                certificate: old.ca.to_pem(),
                until: old.until,
            });
            // Texts and times always are JSON.
            let text = serde_json::to_string_pretty(&old.collect::<Vec<_>>()).unwrap_or_default();
            texts.insert(OLD, text);
        }
        let texts = texts.into_iter();
        texts.map(|(name, text)| (name.to_owned(), text)).collect()
    }

    /// What clients are to trust now.
    pub fn bundle(&self, now: OffsetDateTime) -> Bundle {
        let signing = [Some(&self.signing), self.next.as_ref()];
        let signing = signing.into_iter().flatten().map(Authority::ca);
        let old = self.old.iter().filter(|old| old.until > now).map(|old| &old.ca);
        let all: Bundle = signing.chain(old).cloned().collect();
        all.without_ended(now)
    }

    /// Whether this CA is one of these, trusted or no more.
    pub(crate) fn knows(&self, ca: &CaCertificate) -> bool {
        self.signing.ca() == ca
            || self.next.as_ref().is_some_and(|next| next.ca() == ca)
            || self.old.iter().any(|old| &old.ca == ca)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    fn authority() -> Authority {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        Authority::new("x", now, Duration::DAY).unwrap()
    }

    fn whole() -> Kept {
        let until = OffsetDateTime::UNIX_EPOCH + Duration::days(20_001);
        let ca = authority().ca().clone();
        Kept {
            signing: authority(),
            next: Some(authority()),
            old: vec![Old { ca, until }],
        }
    }

    fn read(texts: &BTreeMap<String, String>) -> Result<Kept, Damage> {
        Kept::read(|name| texts.get(name).map(String::as_str))
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let kept = whole();
        let back = read(&kept.texts()).unwrap();
        assert_eq!(back.texts(), kept.texts());
        assert_eq!(back.old, kept.old);
        let plain = Kept {
            next: None,
            old: Vec::new(),
            ..kept
        };
        assert_eq!(
            plain.texts().into_keys().collect::<Vec<_>>(),
            ["ca.crt", "ca.key"]
        );
    }

    #[test]
    fn only_the_ca_that_signs_must_be_whole() {
        for (name, text, wanted) in [
            ("ca.crt", None, Err("there is no ca.crt")),
            ("ca.key", None, Err("there is no ca.key")),
            ("ca.key", Some("half"), Err("ca.crt and ca.key: ")),
            ("next.crt", Some("half"), Ok((false, 1))),
            ("next.key", None, Ok((false, 1))),
            ("old.json", Some("half"), Ok((true, 0))),
            ("old.json", None, Ok((true, 0))),
        ] {
            let mut texts = whole().texts();
            texts.remove(name);
            if let Some(text) = text {
                texts.insert(name.to_owned(), text.to_owned());
            }
            match (read(&texts), wanted) {
                (Ok(kept), Ok(wanted)) => {
                    assert_eq!((kept.next.is_some(), kept.old.len()), wanted, "{name}");
                }
                (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{name}: {error}"),
                (read, _) => panic!("{name}: {:?}", read.err()),
            }
        }
    }

    #[test]
    fn an_old_ca_is_trusted_until_its_time() {
        let kept = whole();
        let old = &kept.old[0];
        let before = kept.bundle(old.until - Duration::SECOND);
        assert_eq!(before.iter().count(), 3);
        let earlier = Kept {
            old: vec![Old {
                until: old.until - Duration::HOUR,
                ..old.clone()
            }],
            ..kept.clone()
        };
        let after = earlier.bundle(old.until - Duration::SECOND);
        assert!(!after.contains(&old.ca) && after.iter().count() == 2);
    }
}
