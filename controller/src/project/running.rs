//! What runs in a project's namespace is looked at when it becomes one, and when the rules change: at once, and once
//! more for what was admitted by an API server that did not know yet.

use super::{Owner, Projects};
use crate::kube_io::{CallError, Cluster, Who, api_resource};
use kubeop_shared::api::conditions::{self, ConditionType};
use kubeop_shared::api::{Project, ProjectStatus};
use kubeop_shared::delivery::{Rules, Running, Stated};
use kubeop_shared::image::{Allowlist, Registries};
use std::time::Duration;
use tokio::time::Instant;

/// How long after the first look comes the second one.
const ONCE_MORE: Duration = Duration::from_secs(10);
/// How often is looked whether what should not run still does.
const WHILE_REFUSED: Duration = Duration::from_secs(60);

/// The last look of this program at a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// By which rules.
    against: String,
    at: Instant,
    /// Whether it was the last one that these rules ask for.
    last: bool,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// To look; and once more.
    LookFirst,
    /// To look.
    LookLast,
    /// To wait that long.
    Wait(Duration),
    /// Nothing, until the rules change.
    Rest,
}

/// What the Project's status says of the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said<'s> {
    /// By which rules it was.
    against: Option<&'s str>,
    /// Whether something was found.
    refused: bool,
}

/// Plans by what is said and remembered of earlier looks, and by the rules of today.
fn plan(said: Said<'_>, look: Option<&Look>, today: &str, now: Instant) -> Plan {
    let until = |time: Instant| match time.saturating_duration_since(now) {
        Duration::ZERO => Plan::LookLast,
        wait => Plan::Wait(wait),
    };
    match look.filter(|look| look.against == today) {
        Some(look) if !look.last => until(look.at + ONCE_MORE),
        Some(look) if said.refused => until(look.at + WHILE_REFUSED),
        None if said.against != Some(today) => Plan::LookFirst,
        // Of before a restart.
        None if said.refused => Plan::LookLast,
        Some(_) | None => Plan::Rest,
    }
}

/// What is known of what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// The condition `Compliant`, where it is said anew.
    pub compliant: Option<Stated>,
    /// The rules by which everything was looked at that these rules ask for; none: not yet.
    pub against: Option<String>,
    /// When it is looked at again.
    pub again: Option<Duration>,
}

/// Where a Project's namespace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was made a moment ago, as a project's: nothing ran there before.
    Made,
    /// It was there.
    Found,
}

impl<C: Cluster> Projects<C> {
    /// Looks at what runs in the namespace with this uid, if it is time.
    pub(super) async fn check(
        &self,
        name: &str,
        project: &Project,
        uid: &str,
        origin: Origin,
    ) -> Result<Checked, CallError> {
        let tenant = self.world.tenants.get(&project.spec.tenant_ref);
        let of_project = Allowlist::narrowing(&project.spec.image_allowlist);
        let rules = Rules {
            registries: Registries {
                cluster: self.allowlist.as_ref(),
                tenant: tenant.as_ref().and_then(|tenant| {
                    Some((project.spec.tenant_ref.as_str(), tenant.allowlist.as_deref()?))
                }),
                project: of_project.as_ref().map(|list| (name, list)),
            },
            enforcement: project.spec.enforcement.unwrap_or_default(),
            contact: tenant.as_ref().and_then(|tenant| tenant.contact.as_deref()),
        };
        let today = format!("{}/{uid}", rules.digest().as_str());
        let before = project.status.as_ref();
        let owner = Owner::Project(name.to_owned());
        let now = Instant::now();
        if origin == Origin::Made {
            self.remember(
                &owner,
                Look {
                    against: today.clone(),
                    at: now,
                    last: true,
                },
            );
            return Ok(Checked {
                compliant: Some(Running::default().stated(&rules)),
                against: Some(today),
                again: None,
            });
        }
        let last = match plan(said(before), self.last_look(&owner).as_ref(), &today, now) {
            Plan::LookFirst => false,
            Plan::LookLast => true,
            Plan::Wait(again) => {
                return Ok(Checked {
                    compliant: None,
                    against: before.and_then(|status| status.checked_against.clone()),
                    again: Some(again),
                });
            }
            Plan::Rest => {
                return Ok(Checked {
                    compliant: None,
                    against: Some(today),
                    again: None,
                });
            }
        };
        let compliant = self.look(&project.namespace(), &rules).await?;
        self.remember(
            &owner,
            Look {
                against: today.clone(),
                at: now,
                last,
            },
        );
        let before = before.and_then(|status| status.checked_against.clone());
        let refused = compliant.state == conditions::ConditionStatus::False;
        Ok(Checked {
            compliant: Some(compliant),
            against: if last { Some(today) } else { before },
            again: match (last, refused) {
                (false, _) => Some(ONCE_MORE),
                (true, true) => Some(WHILE_REFUSED),
                (true, false) => None,
            },
        })
    }

    /// Looks at all Pods of a namespace, page by page.
    async fn look(&self, namespace: &str, rules: &Rules<'_>) -> Result<Stated, CallError> {
        let pods = api_resource("", "v1", "Pod");
        let mut running = Running::default();
        let mut after = None;
        loop {
            let (page, next) = self
                .cluster
                .page(&Who::Controller, &pods, Some(namespace), after.as_deref())
                .await?;
            for pod in page {
                // Objects are trees that can be written.
                running.see(&serde_json::to_value(pod).unwrap_or_default(), rules);
            }
            if next.is_none() {
                return Ok(running.stated(rules));
            }
            after = next;
        }
    }
}

fn said(status: Option<&ProjectStatus>) -> Said<'_> {
    let compliant = status.and_then(|status| conditions::get(&status.conditions, ConditionType::Compliant));
    Said {
        against: status.and_then(|status| status.checked_against.as_deref()),
        refused: compliant.is_some_and(|compliant| compliant.status == "False"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, Plan, Said, plan};
    use rstest::rstest;
    use std::time::Duration;
    use tokio::time::Instant;

    #[rstest]
    #[case::at_adoption(None, false, None, Plan::LookFirst)]
    #[case::too_early(None, false, Some(("now", 4, false)), Plan::Wait(Duration::from_secs(6)))]
    #[case::once_more(None, true, Some(("now", 10, false)), Plan::LookLast)]
    #[case::done(Some("now"), false, Some(("now", 500, true)), Plan::Rest)]
    #[case::after_a_restart(Some("now"), false, None, Plan::Rest)]
    #[case::the_rules_changed(Some("before"), false, Some(("before", 500, true)), Plan::LookFirst)]
    #[case::while_we_were_away(Some("before"), true, None, Plan::LookFirst)]
    #[case::it_still_runs(Some("now"), true, Some(("now", 20, true)), Plan::Wait(Duration::from_secs(40)))]
    #[case::whether_it_still_runs(Some("now"), true, Some(("now", 60, true)), Plan::LookLast)]
    #[case::whether_it_still_runs_after_a_restart(Some("now"), true, None, Plan::LookLast)]
    fn s20_when_is_looked(
        #[case] against: Option<&str>,
        #[case] refused: bool,
        #[case] look: Option<(&str, u64, bool)>,
        #[case] wanted: Plan,
    ) {
        let start = Instant::now();
        let (look, seconds) = match look {
            Some((against, seconds, last)) => {
                let against = against.to_owned();
                (
                    Some(Look {
                        against,
                        at: start,
                        last,
                    }),
                    seconds,
                )
            }
            None => (None, 0),
        };
        let now = start + Duration::from_secs(seconds);
        assert_eq!(plan(Said { against, refused }, look.as_ref(), "now", now), wanted);
    }
}
