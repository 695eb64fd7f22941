//! What the status of an App says, without times: what `decide` compares and writes.

mod headline;
mod steps;

use super::situation::Situation;
use super::{Observed, RecordView};
use crate::api::AppStatus;
use crate::api::conditions::{self, ConditionStatus, ConditionType, Reason};
use crate::api::names::{ANNOTATION_RETRY_HOOKS, ANNOTATION_ROLLBACK_TO, ANNOTATION_SKIP_HOOK};
use crate::revision::Record;
use headline::{done_or_pinned, headline, is_stuck};
use jiff::Timestamp;
use std::collections::BTreeMap;
use steps::{keep_steps, steps};

/// The status of an App.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    /// Generation that it speaks about.
    pub observed_generation: Option<i64>,
    /// Conditions by type.
    pub conditions: BTreeMap<ConditionType, Stated>,
    /// Revision whose objects are applied: 12 hexadecimal digits.
    pub revision: Option<String>,
    /// Last values of request annotations that were acted on.
    pub handled: BTreeMap<String, String>,
    /// Pods of the workload.
    pub replicas: Option<i32>,
    /// Label selector of those Pods.
    pub selector: Option<String>,
}

/// What one condition says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stated {
    /// True, False or Unknown.
    pub state: ConditionStatus,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
}

impl Report {
    /// What a status says.
    #[must_use]
    pub fn of(status: &AppStatus) -> Self {
        let stated = |kind: ConditionType| {
            let condition = conditions::get(&status.conditions, kind)?;
            let state = match condition.status.as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            };
            let (reason, message) = (Reason::read(&condition.reason)?, condition.message.clone());
            Some((
                kind,
                Stated {
                    state,
                    reason,
                    message,
                },
            ))
        };
        Self {
            observed_generation: status.observed_generation,
            conditions: REPORTED.into_iter().filter_map(stated).collect(),
            revision: status.revision.clone(),
            handled: status.handled.clone(),
            replicas: status.replicas,
            selector: status.selector.clone(),
        }
    }

    /// The status that says this. Transition times stand still where the old status says the same.
    #[must_use]
    pub fn to_status(&self, before: &AppStatus, now: Timestamp) -> AppStatus {
        let mut said = before.conditions.clone();
        said.retain(|condition| {
            let reported = REPORTED.into_iter().find(|kind| kind.as_str() == condition.type_);
            reported.is_none_or(|kind| self.conditions.contains_key(&kind))
        });
        let generation = self.observed_generation.unwrap_or_default();
        for (
            kind,
            Stated {
                state,
                reason,
                message,
            },
        ) in &self.conditions
        {
            conditions::set(
                &mut said,
                *kind,
                *state,
                *reason,
                message.clone(),
                generation,
                now,
            );
        }
        AppStatus {
            observed_generation: self.observed_generation,
            conditions: said,
            revision: self.revision.clone(),
            handled: self.handled.clone(),
            replicas: self.replicas,
            selector: self.selector.clone(),
        }
    }
}

/// The conditions that delivery reports.
const REPORTED: [ConditionType; 8] = [
    ConditionType::Ready,
    ConditionType::Reconciling,
    ConditionType::Stalled,
    ConditionType::PreHooksSucceeded,
    ConditionType::Applied,
    ConditionType::Healthy,
    ConditionType::PostHooksSucceeded,
    ConditionType::Compliant,
];

impl Stated {
    /// A condition.
    #[must_use]
    pub fn new(state: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            state,
            reason,
            message: message.into(),
        }
    }
}

/// What the status should say.
pub(super) fn report(o: &Observed, situation: &Situation) -> Report {
    let record = match &o.record {
        RecordView::Present { record, .. } => Some(record.as_ref()),
        RecordView::Absent | RecordView::Unusable(_) => None,
    };
    let mut conditions = BTreeMap::new();
    let (state, reason, message) = match (situation, record) {
        (Situation::Done, Some(record)) => done_or_pinned(o, record),
        _ => headline(o, situation),
    };
    conditions.insert(ConditionType::Ready, Stated::new(state, reason, message.clone()));
    let stuck = is_stuck(situation) || reason == Reason::RolledBackAutomatically;
    let (works, stuck) = match (state, stuck) {
        (ConditionStatus::True, _) => (ConditionStatus::False, ConditionStatus::False),
        (_, true) => (ConditionStatus::False, ConditionStatus::True),
        (_, false) => (ConditionStatus::True, ConditionStatus::False),
    };
    conditions.insert(
        ConditionType::Reconciling,
        Stated::new(works, reason, message.clone()),
    );
    conditions.insert(ConditionType::Stalled, Stated::new(stuck, reason, message));
    if let (Ok(wanted), Some(record)) = (&o.wanted, record) {
        steps(&mut conditions, o, record, wanted, situation);
    } else {
        keep_steps(&mut conditions, &o.status);
    }
    match &o.compliant {
        Some(stated) => drop(conditions.insert(ConditionType::Compliant, stated.clone())),
        None => drop(conditions.remove(&ConditionType::Compliant)),
    }
    let delivered = record.and_then(Record::delivered_hash);
    let acted_on = |annotation: &str, value: Option<&String>| Some((annotation.to_owned(), value?.clone()));
    let retried = record.and_then(|record| acted_on(ANNOTATION_RETRY_HOOKS, record.retried.as_ref()));
    let skipped = record.and_then(|record| acted_on(ANNOTATION_SKIP_HOOK, record.skipped.as_ref()));
    let rolled_back = record.and_then(|record| acted_on(ANNOTATION_ROLLBACK_TO, record.rolled_back.as_ref()));
    Report {
        observed_generation: Some(o.app.generation),
        conditions,
        revision: delivered.map(|hash| hash.short().to_owned()),
        handled: retried.into_iter().chain(skipped).chain(rolled_back).collect(),
        replicas: replicas(o, situation),
        selector: o.app.selector.clone(),
    }
}

/// The number of Pods. While they are being replaced it moves all the time, and stays as it was told.
fn replicas(o: &Observed, situation: &Situation) -> Option<i32> {
    let live = o.live.values().find_map(|live| live.replicas);
    match situation {
        Situation::Unhealthy { .. } if o.status.replicas.is_some() => o.status.replicas,
        _ => live,
    }
}
