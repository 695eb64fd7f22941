//! Rollback: what a person asks for, which kept revision is meant by it, and the pin that holds delivery there.

use super::{Record, Revision, RevisionHash};
use jiff::Timestamp;
use std::fmt;

/// Digits of a hash that name a revision, at least.
const SHORTEST_PREFIX: usize = 4;
/// Digits up to which a decimal is the number of a revision and never the beginning of a hash.
const LONGEST_NUMBER: usize = 7;
/// Revisions that a refusal lists.
const LISTED: usize = 10;

/// Delivery is held at a kept revision, whatever the spec says, until it says something else than when this began.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The revision that is delivered.
    pub hash: RevisionHash,
    /// What the spec says all the while. Another spec lifts the pin.
    pub instead_of: RevisionHash,
    /// Why.
    pub cause: PinCause,
    /// Since when.
    pub since: Timestamp,
}

/// Why delivery was rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PinCause {
    /// A person asked for it by annotation.
    Requested {
        /// Who, where admission saw that.
        by: Option<String>,
    },
    /// `kubectl rollout undo` was seen.
    Undone,
    /// A rollout failed, and the spec says `rollback.automatic`.
    Automatic {
        /// How it failed.
        why: String,
    },
}

impl Pin {
    /// Whether it still holds: the spec says what it said.
    #[must_use]
    pub fn holds(&self, asked: &RevisionHash) -> bool {
        self.instead_of == *asked
    }
}

/// `as alice asked`, at the end of a clause.
impl fmt::Display for PinCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested { by: Some(by) } => write!(f, "as {by} asked"),
            Self::Requested { by: None } => f.write_str("as was asked"),
            Self::Undone => f.write_str("by kubectl rollout undo"),
            Self::Automatic { why } => write!(f, "automatically: {why}"),
        }
    }
}

/// Value of `platform.kubeop.io/rollback-to`. A person writes the first digits of a hash, a number, `previous` or
/// `none`. Admission replaces that by what is meant, about which spec, when, and who meant it:
/// `4f1c02ab12cd instead of 9a77be01fe23 after revision 4 (previous) by alice`. The number makes the same request at
/// another time another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackRequest<'a> {
    /// The revision: first digits of its hash, its number, `previous` or `none`.
    pub target: &'a str,
    /// The spec that it is about: first digits of its hash.
    pub instead_of: Option<&'a str>,
    /// Number of the revision that was wanted at that time.
    pub after: Option<u64>,
    /// What the person wrote.
    pub word: Option<&'a str>,
    /// Who asks.
    pub by: Option<&'a str>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant<'r> {
    /// What the spec says.
    Spec,
    /// A kept revision.
    Kept(&'r Revision),
}

/// Why a request asks for nothing that there is. Reads as a clause after the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMeant {
    /// No kept revision.
    #[error("is no revision that is kept")]
    Unknown,
    /// More than one.
    #[error("may mean more than one revision: {0}")]
    Ambiguous(String),
    /// Nothing succeeded but what is wanted.
    #[error("means no revision, since none succeeded but the one that is wanted")]
    NothingBefore,
}

impl<'a> RollbackRequest<'a> {
    /// The word for what the spec says.
    pub const NONE: &'static str = "none";
    /// The word for the latest success besides what is wanted.
    pub const PREVIOUS: &'static str = "previous";

    /// Reads a value. What is no request means no revision.
    #[must_use]
    pub fn read(value: &'a str) -> Self {
        let value = value.trim();
        let (value, by) = cut(value, " by ");
        let (value, word) = match value.strip_suffix(')').and_then(|value| value.rsplit_once(" (")) {
            Some((value, word)) => (value, Some(word)),
            None => (value, None),
        };
        let (value, after) = cut(value, " after revision ");
        let (target, instead_of) = cut(value, " instead of ");
        Self {
            target,
            instead_of,
            after: after.and_then(|number| number.parse().ok()),
            word,
            by,
        }
    }

    /// What the person wrote.
    #[must_use]
    pub fn word(&self) -> &'a str {
        self.word.unwrap_or(self.target)
    }

    /// Whether it is about this spec. A request from before the spec changed is none about the new one; one that does
    /// not say what it is about means the spec that the record knows.
    #[must_use]
    pub fn is_about(&self, asked: &RevisionHash, record: &Record) -> bool {
        if let Some(digits) = self.instead_of {
            return asked.full().starts_with(digits);
        }
        let wanted = record.wanted().is_some_and(|wanted| wanted.hash == *asked);
        wanted || record.pin.as_ref().is_some_and(|pin| pin.holds(asked))
    }

    /// What is meant, while the spec says `asked`.
    pub fn find<'r>(&self, record: &'r Record, asked: Option<&RevisionHash>) -> Result<Meant<'r>, NotMeant> {
        let found = match self.target {
            Self::NONE => return Ok(Meant::Spec),
            Self::PREVIOUS => record.previous().ok_or(NotMeant::NothingBefore)?,
            digits if digits.len() <= LONGEST_NUMBER && is_decimal(digits) => {
                let number = digits.parse().ok();
                let mut history = record.history.iter();
                history
                    .find(|revision| Some(revision.number) == number)
                    .ok_or(NotMeant::Unknown)?
            }
            digits => by_prefix(record, &digits.to_ascii_lowercase())?,
        };
        Ok(if Some(&found.hash) == asked {
            Meant::Spec
        } else {
            Meant::Kept(found)
        })
    }
}

impl fmt::Display for RollbackRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.target)?;
        if let Some(digits) = self.instead_of {
            write!(f, " instead of {digits}")?;
        }
        if let Some(number) = self.after {
            write!(f, " after revision {number}")?;
        }
        if let Some(word) = self.word {
            write!(f, " ({word})")?;
        }
        match self.by {
            Some(by) => write!(f, " by {by}"),
            None => Ok(()),
        }
    }
}

impl Record {
    /// The latest revision that ever succeeded besides the one that is wanted.
    #[must_use]
    pub fn previous(&self) -> Option<&Revision> {
        let wanted = &self.wanted()?.hash;
        let mut newest_first = self.history.iter().rev();
        newest_first.find(|revision| revision.has_succeeded() && revision.hash != *wanted)
    }

    /// The kept revisions as a refusal lists them, newest first: `3 (4f1c02ab12cd), 2 (9a77be01fe23, Failed)`.
    #[must_use]
    pub fn kept(&self) -> String {
        let said = self.history.iter().rev().map(|revision| {
            let (number, hash) = (revision.number, revision.hash.short());
            if revision.has_succeeded() {
                format!("{number} ({hash})")
            } else {
                format!("{number} ({hash}, {})", revision.outcome)
            }
        });
        let mut listed: Vec<String> = said.take(LISTED).collect();
        if let Some(more) = self.history.len().checked_sub(LISTED).filter(|more| *more > 0) {
            listed.push(format!("and {more} older"));
        }
        listed.join(", ")
    }
}

fn cut<'a>(text: &'a str, at: &str) -> (&'a str, Option<&'a str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn by_prefix<'r>(record: &'r Record, digits: &str) -> Result<&'r Revision, NotMeant> {
    if digits.len() < SHORTEST_PREFIX {
        return Err(NotMeant::Unknown);
    }
    let mut found = record
        .history
        .iter()
        .filter(|revision| revision.hash.full().starts_with(digits));
    let first = found.next().ok_or(NotMeant::Unknown)?;
    let mut all = vec![first.hash.full()];
    all.extend(found.map(|revision| revision.hash.full()));
    match all.as_slice() {
        [_] => Ok(first),
        all => Err(NotMeant::Ambiguous(all.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Meant, NotMeant, RollbackRequest};
    use crate::revision::{Outcome, Record, Revision, RevisionHash};
    use jiff::Timestamp;
    use rstest::rstest;

    fn hash(digits: &str) -> RevisionHash {
        RevisionHash::read(&format!("{digits:0<64}")).unwrap()
    }

    /// 2 and 4 succeeded; 5 is wanted. Two hashes begin alike.
    fn record() -> Record {
        let revisions = [
            (2, "4f1c02aa", true),
            (3, "4f1c02ab", false),
            (4, "12345678", true),
            (5, "9a77be01", true),
        ];
        let history = revisions.map(|(number, digits, good)| Revision {
            outcome: if good { Outcome::Succeeded } else { Outcome::Failed },
            ..Revision::started(number, hash(digits), Timestamp::UNIX_EPOCH)
        });
        Record {
            history: history.into(),
            ..Record::default()
        }
    }

    #[rstest]
    #[case::number("3", Some(3))]
    #[case::number_that_is_gone("1", None)]
    #[case::a_number_is_no_beginning_of_a_hash("1234567", None)]
    #[case::digits("12345678", Some(4))]
    #[case::prefix("4f1c02ab", Some(3))]
    #[case::capitals("4F1C02AB", Some(3))]
    #[case::ambiguous("4f1c02a", None)]
    #[case::too_short("9a7", None)]
    #[case::four_digits("9a77", Some(5))]
    #[case::previous("previous", Some(4))]
    #[case::resolved("4f1c02ab instead of 9a77be01fe23 after revision 5 (3) by alice", Some(3))]
    #[case::nothing("", None)]
    #[case::nonsense("the one before", None)]
    fn a_request_means_one_kept_revision(#[case] value: &str, #[case] number: Option<u64>) {
        let record = record();
        let meant = match RollbackRequest::read(value).find(&record, None) {
            Ok(Meant::Kept(revision)) => Some(revision.number),
            Ok(Meant::Spec) => panic!("{value} is not what the spec says"),
            Err(_) => None,
        };
        assert_eq!(meant, number);
    }

    #[test]
    fn what_the_spec_says_is_asked_for_by_none_or_by_its_own_name() {
        let (record, asked) = (record(), hash("12345678"));
        for value in ["none", "4", "12345678", "previous"] {
            let meant = RollbackRequest::read(value).find(&record, Some(&asked));
            assert_eq!(meant, Ok(Meant::Spec), "{value}");
        }
    }

    #[test]
    fn more_than_one_are_all_named() {
        let record = record();
        let Err(NotMeant::Ambiguous(named)) = RollbackRequest::read("4f1c").find(&record, None) else {
            panic!("two begin so")
        };
        assert!(
            named.contains("4f1c02aa") && named.contains("4f1c02ab"),
            "{named}"
        );
        assert_eq!(
            record.kept(),
            "5 (9a77be010000), 4 (123456780000), 3 (4f1c02ab0000, Failed), 2 (4f1c02aa0000)"
        );
    }

    #[test]
    fn the_first_revision_has_none_before_it() {
        let mut first = record();
        first.history.truncate(1);
        let meant = RollbackRequest::read("previous").find(&first, None);
        assert_eq!(meant, Err(NotMeant::NothingBefore));
    }

    #[test]
    fn what_admission_writes_is_read_back() {
        let text = "4f1c02ab12cd instead of 9a77be01fe23 after revision 4 (previous) by system:sa:ci (robot)";
        let read = RollbackRequest::read(text);
        assert_eq!(
            (read.target, read.instead_of, read.after),
            ("4f1c02ab12cd", Some("9a77be01fe23"), Some(4))
        );
        assert_eq!((read.word(), read.by), ("previous", Some("system:sa:ci (robot)")));
        assert_eq!(read.to_string(), text);
        assert_eq!(RollbackRequest::read(" previous ").word(), "previous");
    }
}
