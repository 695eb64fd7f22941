//! The summary: its shape, and how it is counted. A function of what is known, of what the caller may list, and of the
//! time.

use super::access::Scope;
use super::tally::{Counts, Tally};
use crate::world::{AppView, Ended, Happening, WEEK, What, World};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is delivered, and how that went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::manager_api) struct Summary {
    /// Apps that the caller may list.
    pub apps: Apps,
    /// The images that their specs name: each once an App, however often that names it, and whatever its tag.
    pub images: Images,
    /// What happened within 24 hours.
    pub last_day: Lately,
    /// What happened within seven days.
    pub last_week: Lately,
}

/// Apps, in number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::manager_api) struct Apps {
    /// All.
    pub total: u64,
    /// By `spec.delivery.kind`.
    pub by_kind: Counts,
    /// By the Tenant of the Project that they name; under an empty name, those whose Project is not there.
    pub by_tenant: Counts,
    /// By `spec.projectRef`.
    pub by_project: Counts,
    /// By the reason of their condition `Ready`, which `kubectl get apps` shows as STATUS; `Pending` before there is one.
    pub by_state: Counts,
}

/// Images, in number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::manager_api) struct Images {
    /// By registry host, with its port: `ghcr.io`.
    pub by_host: Counts,
    /// By repository: `ghcr.io/acme/payments`.
    pub by_repository: Counts,
}

/// What happened lately, in number, by how it ended. Counted from kept revisions: older ones than an App keeps are not
/// among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::manager_api) struct Lately {
    /// Revisions that were first wanted in this time.
    pub revisions: Counts,
    /// Attempts of hooks that ended in it.
    pub hooks: Counts,
    /// Of these revisions, those that were wanted instead of what the spec says.
    pub rollbacks: Counts,
}

impl Summary {
    /// Counts.
    pub(super) fn of(world: &World, scope: &Scope, now: Timestamp) -> Self {
        let mut counted = Counted::default();
        world.apps.each(|key, app| {
            if scope.has(&key.namespace) {
                counted.app(&app.view);
            }
        });
        let (mut day, mut week) = (Ends::default(), Ends::default());
        let since = |span: SignedDuration| u32::try_from((now - span).as_second()).unwrap_or_default();
        let (a_day_ago, a_week_ago) = (since(DAY), since(WEEK));
        world.records.each(|key, record| {
            for happening in record.lately().iter().copied() {
                if happening.at < a_week_ago || !scope.has(&key.namespace) {
                    continue;
                }
                week.add(happening);
                if happening.at >= a_day_ago {
                    day.add(happening);
                }
            }
        });
        let tenants = world
            .projects
            .filter(|name, project| Some((name.clone(), project.tenant.clone())));
        let tenants: HashMap<String, String> = tenants.into_iter().collect();
        Self {
            last_day: day.told(),
            last_week: week.told(),
            ..counted.told(&tenants)
        }
    }
}

/// Apps, while they are counted.
#[derive(Default)]
struct Counted {
    total: u64,
    kinds: Tally,
    projects: Tally,
    states: Tally,
    repositories: Tally,
}

impl Counted {
    fn app(&mut self, app: &AppView) {
        self.total += 1;
        self.kinds.add(&app.kind);
        self.projects.add(&app.project);
        self.states.add(&app.state);
        for repository in &*app.repositories {
            self.repositories.add(repository);
        }
    }

    /// `tenants`: the Tenant of each Project.
    fn told(self, tenants: &HashMap<String, String>) -> Summary {
        let by_tenant = self.projects.iter().map(|(project, count)| {
            let tenant = tenants.get(&**project).map_or("", String::as_str);
            (tenant, count)
        });
        let by_host = self.repositories.iter().map(|(repository, count)| {
            let host = repository.split('/').next().unwrap_or_default();
            (host, count)
        });
        let (by_tenant, by_host) = (by_tenant.collect(), by_host.collect());
        Summary {
            apps: Apps {
                total: self.total,
                by_kind: self.kinds.counts(),
                by_tenant,
                by_project: self.projects.counts(),
                by_state: self.states.counts(),
            },
            images: Images {
                by_host,
                by_repository: self.repositories.counts(),
            },
            ..Summary::default()
        }
    }
}

/// What happened, while it is counted.
#[derive(Default)]
struct Ends {
    revisions: BTreeMap<Ended, u64>,
    hooks: BTreeMap<Ended, u64>,
    rollbacks: BTreeMap<Ended, u64>,
}

impl Ends {
    fn add(&mut self, happening: Happening) {
        let counts = match happening.what {
            What::Revision => &mut self.revisions,
            What::Rollback => &mut self.rollbacks,
            What::Hook => &mut self.hooks,
        };
        *counts.entry(happening.ended).or_default() += 1;
    }

    fn told(&self) -> Lately {
        let told = |counts: &BTreeMap<Ended, u64>| {
            let counts = counts.iter().map(|(ended, count)| (ended.name(), *count));
            counts.collect()
        };
        Lately {
            revisions: told(&self.revisions),
            hooks: told(&self.hooks),
            rollbacks: told(&self.rollbacks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Summary};
    use crate::world::{NamespacedName, World, digest_project, digest_record};
    use jiff::{SignedDuration, Timestamp};
    use kube::api::DynamicObject;
    use kubeop_shared::revision::{Outcome, Record, Revision, RevisionHash};
    use serde_json::{Value, json};

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn put_app(world: &World, project: &str, name: &str, image: &str, reason: &str) {
        let namespace = format!("kubeop-{project}");
        let app = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
            "metadata": {"name": name, "namespace": namespace, "resourceVersion": "1"},
            "spec": {"projectRef": project, "delivery": {"kind": "Image", "image": {"ref": image}}},
            "status": {"conditions": [{"type": "Ready", "reason": reason}]}});
        let key = NamespacedName {
            namespace,
            name: name.to_owned(),
        };
        world.put_app(key, &object(app));
    }

    fn put_project(world: &World, name: &str, tenant: &str) {
        let project = object(
            json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
            "metadata": {"name": name}, "spec": {"tenantRef": tenant}}),
        );
        world
            .projects
            .put(name.to_owned(), Some("1"), digest_project(&project).unwrap());
    }

    fn put_record(world: &World, project: &str, app: &str, history: Vec<Revision>, now: Timestamp) {
        let record = Record {
            history,
            ..Record::default()
        };
        let map = object(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": app},
            "data": record.to_data()}),
        );
        let key = NamespacedName {
            namespace: format!("kubeop-{project}"),
            name: app.to_owned(),
        };
        world.records.put(key, Some("1"), digest_record(&map).keep(now));
    }

    fn revision(number: u64, started: Timestamp, outcome: Outcome, rollback: Option<&str>) -> Revision {
        let hash = RevisionHash::read(&number.to_string().repeat(64)).unwrap();
        Revision {
            outcome,
            rollback: rollback.map(str::to_owned),
            ..Revision::started(number, hash, started)
        }
    }

    /// Two Projects of one Tenant, one of which is not there.
    fn world(now: Timestamp) -> World {
        let world = World::default();
        put_project(&world, "web", "acme");
        put_app(&world, "web", "a", "ghcr.io/acme/pay:1", "Succeeded");
        put_app(&world, "web", "b", "ghcr.io/acme/pay:2", "HookFailed");
        put_app(&world, "lost", "c", "nginx", "ProjectNotFound");
        let ago = |hours| now - SignedDuration::from_hours(hours);
        let history = vec![
            revision(1, ago(6 * 24), Outcome::Succeeded, None),
            revision(2, ago(2), Outcome::Failed, None),
            revision(3, ago(1), Outcome::Succeeded, Some("as alice asked")),
        ];
        put_record(&world, "web", "a", history, now);
        put_record(
            &world,
            "lost",
            "c",
            vec![revision(1, ago(1), Outcome::InProgress, None)],
            now,
        );
        world
    }

    #[test]
    fn everything_is_counted_for_who_may_list_everything() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let summary = serde_json::to_value(Summary::of(&world(now), &Scope::All, now)).unwrap();
        assert_eq!(
            summary,
            json!({
                "apps": {
                    "total": 3,
                    "byKind": {"Image": 3},
                    "byTenant": {"acme": 2, "": 1},
                    "byProject": {"web": 2, "lost": 1},
                    "byState": {"Succeeded": 1, "HookFailed": 1, "ProjectNotFound": 1},
                },
                "images": {
                    "byHost": {"ghcr.io": 2, "docker.io": 1},
                    "byRepository": {"ghcr.io/acme/pay": 2, "docker.io/library/nginx": 1},
                },
                "lastDay": {
                    "revisions": {"Failed": 1, "Succeeded": 1, "InProgress": 1}, "hooks": {},
                    "rollbacks": {"Succeeded": 1},
                },
                "lastWeek": {
                    "revisions": {"Succeeded": 2, "Failed": 1, "InProgress": 1}, "hooks": {},
                    "rollbacks": {"Succeeded": 1},
                },
            })
        );
    }

    #[test]
    fn who_may_list_some_sees_these_and_no_name_of_the_others() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let scope = Scope::Namespaces(["kubeop-lost".to_owned()].into());
        let summary = serde_json::to_value(Summary::of(&world(now), &scope, now)).unwrap();
        assert_eq!(summary["apps"]["byProject"], json!({"lost": 1}));
        assert_eq!(summary["lastWeek"]["revisions"], json!({"InProgress": 1}));
        assert!(!summary.to_string().contains("acme"), "{summary}");
        let nothing = Summary::of(&world(now), &Scope::Namespaces([].into()), now);
        assert_eq!(nothing, Summary::default());
    }

    #[test]
    fn what_has_grown_old_since_it_was_kept_is_left_out() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let later = now + SignedDuration::from_hours(7 * 24);
        let summary = serde_json::to_value(Summary::of(&world(now), &Scope::All, later)).unwrap();
        assert_eq!(summary["lastWeek"]["revisions"], json!({}));
    }
}
