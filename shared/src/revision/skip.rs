//! The request to go on without a hook: what a person writes, and what admission makes of it.

use super::{HookKey, HookOutcome, Record};
use crate::revision::Phase;
use std::fmt;

/// Value of `platform.kubeop.io/skip-hook`. A person writes the name of the hook, with its phase where two have the
/// same: `migrate` or `pre/migrate`. Admission replaces that by the one that is meant and by who meant it:
/// `pre/migrate of 4f1c02ab12cd by alice`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipRequest<'a> {
    /// When the hook runs.
    pub phase: Option<Phase>,
    /// Name of the hook.
    pub hook: &'a str,
    /// The revision: the first digits of its hash.
    pub revision: Option<&'a str>,
    /// Who asks.
    pub by: Option<&'a str>,
}

impl<'a> SkipRequest<'a> {
    /// Reads a value. What is no request names no hook of any record.
    #[must_use]
    pub fn read(value: &'a str) -> Self {
        let value = value.trim();
        let (value, by) = match value.split_once(" by ") {
            Some((value, by)) => (value, Some(by)),
            None => (value, None),
        };
        let (hook, revision) = match value.split_once(" of ") {
            Some((hook, revision)) => (hook, Some(revision)),
            None => (value, None),
        };
        let with_phase = hook
            .split_once('/')
            .and_then(|(phase, hook)| Some((Phase::read(phase)?, hook)));
        let (phase, hook) = match with_phase {
            Some((phase, hook)) => (Some(phase), hook),
            None => (None, hook),
        };
        Self {
            phase,
            hook,
            revision,
            by,
        }
    }

    /// The failed hook of the wanted revision that is meant, if one is.
    #[must_use]
    pub fn find(&self, record: &Record) -> Option<HookKey> {
        let wanted = &record.wanted()?.hash;
        let meant = |key: &HookKey| {
            key.hash == *wanted
                && key.name == self.hook
                && self.phase.is_none_or(|phase| phase == key.phase)
                && self
                    .revision
                    .is_none_or(|digits| key.hash.full().starts_with(digits))
        };
        let failed = |outcome: &HookOutcome| matches!(outcome, HookOutcome::Failed { .. });
        let mut runs = record.hooks.iter();
        runs.find(|run| meant(&run.key) && failed(&run.outcome))
            .map(|run| run.key.clone())
    }
}

impl fmt::Display for SkipRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(phase) = self.phase {
            write!(f, "{phase}/")?;
        }
        f.write_str(self.hook)?;
        if let Some(revision) = self.revision {
            write!(f, " of {revision}")?;
        }
        match self.by {
            Some(by) => write!(f, " by {by}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SkipRequest;
    use crate::revision::Phase;

    #[test]
    fn what_a_person_writes_and_what_admission_writes_are_read() {
        let by_hand = SkipRequest::read("migrate");
        assert_eq!((by_hand.hook, by_hand.phase), ("migrate", None));
        let text = "post/warm-up of 4f1c02ab12cd by system:serviceaccount:ci:robot";
        let resolved = SkipRequest::read(text);
        assert_eq!(resolved.phase, Some(Phase::Post));
        assert_eq!(resolved.revision, Some("4f1c02ab12cd"));
        assert_eq!(resolved.by, Some("system:serviceaccount:ci:robot"));
        assert_eq!(resolved.to_string(), text);
    }
}
