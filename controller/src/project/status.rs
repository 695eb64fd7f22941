//! How a Project or a Tenant stands, and how its conditions say that.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kubeop_shared::api::conditions::{self, ConditionStatus, ConditionType, Reason};

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub ready: ConditionStatus,
    pub reason: Reason,
    pub message: String,
    /// Whether only a person can go on.
    stuck: bool,
}

impl Standing {
    /// It is as it says.
    pub(super) fn ready(message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::True,
            reason: Reason::Succeeded,
            message: message.into(),
            stuck: false,
        }
    }

    /// It goes on by itself.
    pub(super) fn waits(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ready: ConditionStatus::False,
            reason,
            message: message.into(),
            stuck: false,
        }
    }

    /// Somebody has to do something.
    pub(super) fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            stuck: true,
            ..Self::waits(reason, message)
        }
    }

    /// Whether it is as it says.
    pub(super) fn is_ready(&self) -> bool {
        self.ready == ConditionStatus::True
    }
}

/// The conditions that say so, after those of before.
pub(super) fn said(before: &[Condition], standing: &Standing, generation: i64) -> Vec<Condition> {
    let mut said = before.to_vec();
    let ready = standing.is_ready();
    let holds = |holds: bool| {
        if holds {
            ConditionStatus::True
        } else {
            ConditionStatus::False
        }
    };
    let states = [
        (ConditionType::Ready, standing.ready),
        (ConditionType::Reconciling, holds(!ready && !standing.stuck)),
        (ConditionType::Stalled, holds(!ready && standing.stuck)),
    ];
    for (kind, state) in states {
        let message = standing.message.clone();
        conditions::set(
            &mut said,
            kind,
            state,
            standing.reason,
            message,
            generation,
            Timestamp::now(),
        );
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{Standing, said};
    use kubeop_shared::api::conditions::Reason;
    use rstest::rstest;

    #[rstest]
    #[case(Standing::ready("a"), ["True", "False", "False"])]
    #[case(Standing::waits(Reason::Waiting, "a"), ["False", "True", "False"])]
    #[case(Standing::refused(Reason::NamespaceRefused, "a"), ["False", "False", "True"])]
    fn reconciling_and_stalled_are_never_both_true(#[case] standing: Standing, #[case] wanted: [&str; 3]) {
        let once = said(&[], &standing, 3);
        let states: Vec<_> = once.iter().map(|said| said.status.as_str()).collect();
        assert_eq!(states, wanted);
        assert_eq!(said(&once, &standing, 3), once, "the same again writes nothing");
    }
}
