//! What happened to an App lately, as its record tells it: eight bytes each, for who counts.

use jiff::{SignedDuration, Timestamp};
use kubeop_shared::revision::{HookOutcome, Outcome, Record};

/// How far back it is remembered.
pub const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Something that happened to an App.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When, in seconds since 1970: when a revision was first wanted, or a hook's end was recorded.
    pub at: u32,
    /// What.
    pub what: What,
    /// How it ended.
    pub ended: Ended,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A revision was wanted.
    Revision,
    /// A revision was wanted instead of what the spec says. It is counted as a revision, too.
    Rollback,
    /// A hook ended, once for each attempt.
    Hook,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// It has not.
    InProgress,
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
    /// A revision: another one was wanted before.
    Superseded,
    /// A hook: not well, and it runs again.
    Retried,
    /// A hook: a person did its work.
    Skipped,
}

impl Ended {
    /// As records write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Superseded => "Superseded",
            Self::Retried => "Retried",
            Self::Skipped => "Skipped",
        }
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::InProgress => Self::InProgress,
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed => Self::Failed,
            Outcome::Superseded => Self::Superseded,
        }
    }
}

impl From<&HookOutcome> for Ended {
    fn from(outcome: &HookOutcome) -> Self {
        match outcome {
            HookOutcome::Succeeded => Self::Succeeded,
            HookOutcome::Failed { .. } => Self::Failed,
            HookOutcome::Retried => Self::Retried,
            HookOutcome::Skipped { .. } => Self::Skipped,
        }
    }
}

/// What a record tells of the last week.
pub fn happenings(record: &Record, now: Timestamp) -> Box<[Happening]> {
    let since = now - WEEK;
    let lately = |at: Timestamp, what: What, ended: Ended| {
        let at = Some(at).filter(|at| *at >= since)?;
        let at = u32::try_from(at.as_second()).ok()?;
        Some(Happening { at, what, ended })
    };
    let revisions = record.history.iter().flat_map(|revision| {
        let ended = revision.outcome.into();
        let rollback = revision.rollback.is_some().then_some(What::Rollback);
        let told = std::iter::once(What::Revision).chain(rollback);
        told.filter_map(move |what| lately(revision.started, what, ended))
    });
    let hooks = record
        .hooks
        .iter()
        .filter_map(|run| lately(run.finished, What::Hook, (&run.outcome).into()));
    revisions.chain(hooks).collect()
}

#[cfg(test)]
mod tests {
    use super::{Ended, Happening, What, happenings};
    use jiff::{SignedDuration, Timestamp};
    use kubeop_shared::revision::{
        HookKey, HookOutcome, HookRun, Outcome, Phase, Record, Revision, RevisionHash,
    };

    #[test]
    fn the_last_week_is_told_and_a_rollback_twice() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
        let revision = |number: u64, days: i64, outcome: Outcome, rollback: Option<&str>| {
            let hash = RevisionHash::read(&number.to_string().repeat(64)).unwrap();
            Revision {
                outcome,
                rollback: rollback.map(str::to_owned),
                ..Revision::started(number, hash, ago(days))
            }
        };
        let history = vec![
            revision(1, 8, Outcome::Succeeded, None),
            revision(2, 6, Outcome::Failed, None),
            revision(3, 0, Outcome::InProgress, Some("as alice asked")),
        ];
        let hook = HookRun {
            key: HookKey {
                hash: history[1].hash.clone(),
                phase: Phase::Pre,
                name: "migrate".to_owned(),
            },
            attempt: 1,
            outcome: HookOutcome::Skipped { by: None },
            finished: ago(1),
        };
        let record = Record {
            history,
            hooks: vec![hook],
            ..Record::default()
        };
        let told = |days: i64, what: What, ended: Ended| Happening {
            at: u32::try_from(ago(days).as_second()).unwrap(),
            what,
            ended,
        };
        assert_eq!(
            *happenings(&record, now),
            [
                told(6, What::Revision, Ended::Failed),
                told(0, What::Revision, Ended::InProgress),
                told(0, What::Rollback, Ended::InProgress),
                told(1, What::Hook, Ended::Skipped),
            ]
        );
    }

    #[test]
    fn one_takes_eight_bytes() {
        assert_eq!(std::mem::size_of::<Happening>(), 8);
    }
}
