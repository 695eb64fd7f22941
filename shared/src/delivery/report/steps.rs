//! The conditions of the single steps of delivery.

use super::super::situation::Situation;
use super::super::{Observed, Wanted};
use super::headline::{failed, running, with_notes};
use super::{Report, Stated};
use crate::api::conditions::{ConditionStatus, ConditionType, Reason};
use crate::revision::{HookKey, HookOutcome, HookRun, Phase, Record};
use std::collections::BTreeMap;

/// The conditions of the single steps of delivery.
pub(super) fn steps(
    conditions: &mut BTreeMap<ConditionType, Stated>,
    o: &Observed,
    record: &Record,
    wanted: &Wanted,
    situation: &Situation,
) {
    let applied = record.delivered_hash() == Some(&wanted.hash)
        && record
            .wanted()
            .is_some_and(|revision| revision.hash == wanted.hash)
        && !matches!(situation, Situation::Applying | Situation::Failing(_));
    conditions.insert(
        ConditionType::PreHooksSucceeded,
        hooks(o, record, wanted, Phase::Pre, situation),
    );
    conditions.insert(
        ConditionType::Applied,
        match situation {
            Situation::Failing(failure) => {
                Stated::new(ConditionStatus::False, failure.reason, failure.message.clone())
            }
            _ if applied => {
                let count = wanted.objects.len();
                let mut message = format!("all objects are applied ({count})");
                for left in &wanted.left {
                    message.push_str("; ");
                    message.push_str(left);
                }
                Stated::new(ConditionStatus::True, Reason::Succeeded, message)
            }
            Situation::Applying => Stated::new(
                ConditionStatus::False,
                Reason::Progressing,
                "objects are being applied",
            ),
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::Healthy,
        match situation {
            Situation::Unhealthy { key, why } => Stated::new(
                ConditionStatus::False,
                Reason::Progressing,
                format!("{key}: {why}"),
            ),
            Situation::Broken { key, why } => {
                Stated::new(ConditionStatus::False, Reason::Unhealthy, format!("{key}: {why}"))
            }
            Situation::Done | Situation::Pruning(_) | Situation::Fighting { .. } => Stated::new(
                ConditionStatus::True,
                Reason::Succeeded,
                with_notes("all objects are healthy", o),
            ),
            Situation::HookRunning { key, .. } | Situation::HookFailed(HookRun { key, .. })
                if key.phase == Phase::Post && applied =>
            {
                Stated::new(
                    ConditionStatus::True,
                    Reason::Succeeded,
                    "all objects are healthy",
                )
            }
            _ => pending(),
        },
    );
    conditions.insert(
        ConditionType::PostHooksSucceeded,
        hooks(o, record, wanted, Phase::Post, situation),
    );
}

fn pending() -> Stated {
    Stated::new(ConditionStatus::Unknown, Reason::Waiting, "it comes later")
}

fn hooks(o: &Observed, record: &Record, wanted: &Wanted, phase: Phase, situation: &Situation) -> Stated {
    let names = match phase {
        Phase::Pre => &wanted.pre,
        Phase::Post => &wanted.post,
    };
    if names.is_empty() {
        return Stated::new(
            ConditionStatus::True,
            Reason::NothingToDo,
            format!("there are no {phase} hooks"),
        );
    }
    let key = |name: &String| HookKey {
        hash: wanted.hash.clone(),
        phase,
        name: name.clone(),
    };
    if names.iter().all(|name| record.is_done(&key(name))) {
        return Stated::new(
            ConditionStatus::True,
            Reason::Succeeded,
            done(record, names, key, phase),
        );
    }
    match situation {
        Situation::HookRunning { key, attempt, why } if key.phase == phase && key.hash == wanted.hash => {
            Stated::new(
                ConditionStatus::False,
                Reason::HookRunning,
                running(key, *attempt, why.as_deref()),
            )
        }
        Situation::HookFailed(run) if run.key.phase == phase => {
            Stated::new(ConditionStatus::False, Reason::HookFailed, failed(&o.app, run))
        }
        _ => pending(),
    }
}

/// That all hooks of a phase are done, and which of them only because a person said so.
fn done(record: &Record, names: &[String], key: impl Fn(&String) -> HookKey, phase: Phase) -> String {
    let skipped = |name: &&String| {
        let run = record.hook(&key(name));
        run.is_some_and(|run| matches!(run.outcome, HookOutcome::Skipped { .. }))
    };
    let skipped: Vec<&str> = names.iter().filter(skipped).map(String::as_str).collect();
    if skipped.is_empty() {
        return format!("all {phase} hooks succeeded ({})", names.len());
    }
    format!(
        "all {phase} hooks are done ({}); skipped: {}",
        names.len(),
        skipped.join(", ")
    )
}

/// Without a revision to speak about, the steps stay as they were said to be.
pub(super) fn keep_steps(conditions: &mut BTreeMap<ConditionType, Stated>, before: &Report) {
    for (kind, stated) in &before.conditions {
        conditions.entry(*kind).or_insert_with(|| stated.clone());
    }
}
