//! A rollout once all of it is applied: healthy, waiting, too late, or crashing right after it was ready.

use super::changes::Base;
use super::situation::{Situation, Step};
use super::{Action, Live, Observed, Wait, WaitFor, Wanted, WantedObject, rollback};
use crate::health::Health;
use crate::revision::{Outcome, Revision};
use jiff::{SignedDuration, Timestamp};

/// How long after its success a revision that crashes was none.
const RELAPSE: SignedDuration = SignedDuration::from_secs(60);

/// Waits until everything is healthy. None: it is.
pub(super) fn await_health(
    o: &Observed,
    base: Base<'_>,
    wanted: &Wanted,
    revision: &Revision,
) -> Option<Step> {
    if relapses(o, wanted, revision) {
        return Some(Step::new(base.relapsed(), Situation::Applying));
    }
    let unhealthy = wanted.objects.iter().find_map(|object| {
        let health = o.live.get(&object.key).map(|live: &Live| &live.health);
        match health {
            Some(Health::Ready) => None,
            Some(Health::Progressing { why }) => Some((&object.key, why.as_str(), false)),
            Some(Health::Failed { why }) => Some((&object.key, why.as_str(), true)),
            None => Some((&object.key, "it is gone", false)),
        }
    });
    let (key, why, failed) = unhealthy?;
    let deadline = deadline(o, revision);
    let missed = deadline.is_some_and(|deadline| deadline <= o.now);
    let rolling = revision.outcome == Outcome::InProgress;
    if failed || missed {
        let message = format!("{key}: {why}");
        let action = if rolling {
            Some(base.deadline_missed(o, &message))
        } else {
            rollback::automatic(o, base, revision, &message)
        };
        if let Some(action) = action {
            return Some(Step::new(action, Situation::Applying));
        }
    }
    let wait = |until| {
        Action::Wait(Wait {
            what: WaitFor::Health,
            until,
        })
    };
    let (key, why) = (key.clone(), why.to_owned());
    Some(if failed || revision.outcome == Outcome::Failed {
        Step::new(wait(None), Situation::Broken { key, why })
    } else {
        Step::new(
            wait(deadline.filter(|_| rolling)),
            Situation::Unhealthy { key, why },
        )
    })
}

/// Without a readiness probe a container is ready before it crashes: that was no success.
fn relapses(o: &Observed, wanted: &Wanted, revision: &Revision) -> bool {
    let just_now = |finished: Timestamp| o.now.duration_since(finished) < RELAPSE;
    let crashes = |object: &WantedObject| o.live.get(&object.key).is_some_and(|live| live.crashes);
    revision.outcome == Outcome::Succeeded
        && revision.finished.is_some_and(just_now)
        && wanted.objects.iter().any(crashes)
}

fn deadline(o: &Observed, revision: &Revision) -> Option<Timestamp> {
    let allowed = SignedDuration::from_secs(o.app.progress_deadline);
    revision.applied?.checked_add(allowed).ok()
}
