//! How an object of ours stands, and how `Ready`, `Reconciling` and `Stalled` say that.

use super::conditions::{self, ConditionStatus, ConditionType, Reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What `Ready` says.
    pub ready: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// The same in words.
    pub message: String,
    /// Whether only a person can go on.
    stuck: bool,
}

impl Standing {
    /// It is as it says.
    pub fn ready(message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::True,
            reason: Reason::Succeeded,
            message: message.into(),
            stuck: false,
        }
    }

    /// It goes on by itself.
    pub fn waits(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::False,
            reason,
            message: message.into(),
            stuck: false,
        }
    }

    /// Somebody has to do something.
    pub fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            stuck: true,
            ..Self::waits(reason, message)
        }
    }

    /// Whether it is as it says.
    pub fn is_ready(&self) -> bool {
        self.ready == ConditionStatus::True
    }

    /// The conditions that say so, after those of before.
    pub fn said(&self, before: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
        let mut said = before.to_vec();
        let ready = self.is_ready();
        let holds = |holds: bool| {
            if holds {
                ConditionStatus::True
            } else {
                ConditionStatus::False
            }
        };
        let states = [
            (ConditionType::Ready, self.ready),
            (ConditionType::Reconciling, holds(!ready && !self.stuck)),
            (ConditionType::Stalled, holds(!ready && self.stuck)),
        ];
        for (kind, state) in states {
            let message = self.message.clone();
            conditions::set(&mut said, kind, state, self.reason, message, generation, now);
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Standing::ready("a"), ["True", "False", "False"])]
    #[case(Standing::waits(Reason::Waiting, "a"), ["False", "True", "False"])]
    #[case(Standing::refused(Reason::NamespaceRefused, "a"), ["False", "False", "True"])]
    fn reconciling_and_stalled_are_never_both_true(#[case] standing: Standing, #[case] wanted: [&str; 3]) {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let once = standing.said(&[], 3, at(1));
        let states: Vec<_> = once.iter().map(|said| said.status.as_str()).collect();
        assert_eq!(states, wanted);
        assert_eq!(
            standing.said(&once, 3, at(2)),
            once,
            "the same again writes nothing"
        );
    }
}
