//! What the audit log tells of a run: hooks ran once, no Pod was made twice, nothing was deleted that should live.

use std::collections::BTreeSet;

use kubeop_tests::Identity;
use kubeop_tests::audit::Entry;

use crate::objects::{APP, DELIVERED, DROPPED, REPLICAS};
use crate::story::Story;

/// How many revisions are delivered.
const REVISIONS: usize = 2;

/// What is wrong; empty if nothing is. The entries are those of the run's namespace, in order.
pub fn faults(story: Story, entries: &[Entry]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |what: &str, expected: usize, found: usize| {
        if found != expected {
            faults.push(format!("{what}: {found}, not {expected}"));
        }
    };
    let made = |resource: &str, by: &str| {
        let made = entries.iter().filter(|entry| {
            entry.verb == "create" && entry.resource == resource && entry.subresource.is_none()
        });
        made.filter(|entry| done(entry) && entry.actor() == by).count()
    };
    expect(
        "hook Jobs made",
        story.hooks(),
        made("jobs", &Identity::controller().user),
    );
    let part = |name: &str| format!("system:serviceaccount:kube-system:{name}");
    expect(
        "Pods of hooks made",
        story.hooks(),
        made("pods", &part("job-controller")),
    );
    expect(
        "Pods of the Deployment made",
        REPLICAS * REVISIONS,
        made("pods", &part("replicaset-controller")),
    );
    let (before, after) = entries.split_at(end_of_app(entries));
    let dropped = BTreeSet::from([named(DROPPED)]);
    faults.extend(strangers("before the App is deleted", before, &dropped));
    let mut delivered: BTreeSet<String> = DELIVERED.map(named).into();
    delivered.insert(named(("configmaps", &format!("kubeop-revision-{APP}"))));
    delivered.extend(jobs(entries));
    // A revision that comes back gets a number of its own.
    let stored = (1..=REVISIONS + 1).map(|number| format!("kubeop-revision-{APP}-{number}"));
    delivered.extend(stored.map(|name| named(("secrets", &name))));
    faults.extend(strangers("after the App is deleted", after, &delivered));
    faults
}

/// Where a person deletes the App.
fn end_of_app(entries: &[Entry]) -> usize {
    let end = entries.iter().position(|entry| {
        entry.verb == "delete" && entry.resource == "apps" && entry.name.as_deref() == Some(APP)
    });
    end.unwrap_or(entries.len())
}

/// What kubeOP deleted and should not.
fn strangers(when: &str, entries: &[Entry], may_go: &BTreeSet<String>) -> Vec<String> {
    let controller = Identity::controller().user;
    entries
        .iter()
        .filter(|entry| entry.user == controller && entry.verb.starts_with("delete") && done(entry))
        .map(|entry| named((&entry.resource, entry.name.as_deref().unwrap_or("all of them"))))
        .filter(|deleted| !may_go.contains(deleted))
        .map(|deleted| format!("kubeOP deleted {deleted} {when}"))
        .collect()
}

fn jobs(entries: &[Entry]) -> impl Iterator<Item = String> {
    let made = entries
        .iter()
        .filter(|entry| entry.verb == "create" && entry.resource == "jobs");
    made.map(|entry| named(("jobs", entry.name.as_deref().unwrap_or_default())))
}

fn done(entry: &Entry) -> bool {
    (200..300).contains(&entry.code)
}

fn named((resource, name): (&str, &str)) -> String {
    format!("{resource}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(user: &str, verb: &str, resource: &str, name: &str) -> Entry {
        Entry {
            user: user.to_owned(),
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            name: Some(name.to_owned()),
            code: 200,
            ..Entry::default()
        }
    }

    /// A life without any fault.
    fn life() -> Vec<Entry> {
        let controller = Identity::controller().user;
        let mut life = Vec::new();
        for revision in 0..REVISIONS {
            for hook in 0..2 {
                life.push(entry(
                    &controller,
                    "create",
                    "jobs",
                    &format!("{revision}-{hook}"),
                ));
                life.push(entry(
                    "system:serviceaccount:kube-system:job-controller",
                    "create",
                    "pods",
                    "",
                ));
            }
            for _ in 0..REPLICAS {
                life.push(entry(
                    "system:serviceaccount:kube-system:replicaset-controller",
                    "create",
                    "pods",
                    "",
                ));
            }
        }
        life.push(entry(&controller, "delete", DROPPED.0, DROPPED.1));
        life.push(entry("admin", "delete", "apps", APP));
        life.push(entry(&controller, "delete", "jobs", "1-0"));
        life.push(entry(&controller, "delete", "deployments", "pay"));
        life
    }

    #[test]
    fn a_life_without_faults_has_none() {
        assert_eq!(faults(Story::Smooth, &life()), Vec::<String>::new());
    }

    #[test]
    fn a_hook_that_ran_twice_is_told() {
        let mut life = life();
        life.insert(0, life[0].clone());
        assert_eq!(faults(Story::Smooth, &life), ["hook Jobs made: 5, not 4"]);
    }

    #[test]
    fn what_should_live_and_is_deleted_is_told() {
        let controller = Identity::controller().user;
        let mut life = life();
        life.insert(0, entry(&controller, "delete", "deployments", "pay"));
        life.push(entry(&controller, "delete", "configmaps", "copied"));
        let told = [
            "kubeOP deleted deployments/pay before the App is deleted",
            "kubeOP deleted configmaps/copied after the App is deleted",
        ];
        assert_eq!(faults(Story::Smooth, &life), told);
        // A delete that was refused deleted nothing.
        life.iter_mut().for_each(|entry| {
            if entry.verb == "delete" && entry.user == controller {
                entry.code = 409;
            }
        });
        assert_eq!(faults(Story::Smooth, &life), Vec::<String>::new());
    }
}
