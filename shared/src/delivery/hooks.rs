//! Hooks: one after the other, each once per revision, recorded before going on.

use super::changes::Base;
use super::situation::{Situation, Step};
use super::{Action, JobState, JobView, Observed, Wait, WaitFor};
use crate::revision::{HookKey, HookOutcome, HookRun, Phase, RevisionHash};

/// What Jobs ask for before anything else: an outcome that is not recorded yet, or a finalizer that has
/// done its work.
pub(super) fn settle(o: &Observed, base: Base<'_>) -> Option<Action> {
    for job in &o.jobs {
        let recorded = is_recorded(base, job);
        let outcome = match &job.state {
            JobState::Running { .. } => continue,
            JobState::Succeeded => HookOutcome::Succeeded,
            JobState::Failed { exit_code, message } => HookOutcome::Failed {
                exit_code: *exit_code,
                message: message.clone(),
            },
        };
        let known = base
            .record
            .history
            .iter()
            .any(|revision| revision.hash == job.key.hash);
        if known && !recorded {
            let run = HookRun {
                key: job.key.clone(),
                attempt: job.attempt,
                outcome,
                finished: o.now,
            };
            return Some(base.hook_ended(o, run));
        }
        if !known {
            if job.state == JobState::Succeeded && !recorded {
                return Some(base.hook_remembered(job.key.clone()));
            }
            return Some(Action::DeleteJob {
                name: job.name.clone(),
            });
        }
        if job.held {
            return Some(Action::ReleaseJob {
                name: job.name.clone(),
            });
        }
    }
    None
}

fn is_recorded(base: Base<'_>, job: &JobView) -> bool {
    let latest = base.record.hook(&job.key);
    latest.is_some_and(|run| run.attempt >= job.attempt) || base.record.remembered.contains(&job.key)
}

/// The hooks of a phase. None: all of them succeeded.
pub(super) fn run(
    o: &Observed,
    base: Base<'_>,
    hash: &RevisionHash,
    phase: Phase,
    names: &[String],
) -> Option<Step> {
    for name in names {
        let key = HookKey {
            hash: hash.clone(),
            phase,
            name: name.clone(),
        };
        if base.record.is_done(&key) {
            continue;
        }
        let attempt = match base.record.hook(&key) {
            None => 1,
            Some(run) => match &run.outcome {
                HookOutcome::Succeeded | HookOutcome::Skipped { .. } => continue,
                HookOutcome::Retried => run.attempt + 1,
                HookOutcome::Failed { .. } => {
                    let wait = Wait {
                        what: WaitFor::Person,
                        until: None,
                    };
                    return Some(Step::new(Action::Wait(wait), Situation::HookFailed(run.clone())));
                }
            },
        };
        // Only one hook of an App at a time, also across revisions.
        for job in &o.jobs {
            let JobState::Running { why } = &job.state else {
                continue;
            };
            let wait = Wait {
                what: WaitFor::Hook,
                until: job.deadline,
            };
            let situation = Situation::HookRunning {
                key: job.key.clone(),
                attempt: job.attempt,
                why: why.clone(),
            };
            return Some(Step::new(Action::Wait(wait), situation));
        }
        let situation = Situation::HookRunning {
            key: key.clone(),
            attempt,
            why: None,
        };
        return Some(Step::new(Action::RunHook { key, attempt }, situation));
    }
    None
}
