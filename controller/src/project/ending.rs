//! The end of a Project: it waits for its last App, then lets its namespace go, and last our finalizer.

use super::desired::{self, Act, parts};
use super::finalizer::is_held;
use super::namespace;
use super::{Next, Owner, Projects};
use crate::kube_io::{
    Address, CallError, CallKind, Cluster, Preconditions, Who, address, api_resource, kind_goes,
};
use crate::world::{NamespacedName, World};
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::project::ProjectDeletionPolicy;
use kubeop_shared::api::{Project, Standing, names};
use serde_json::Value;
use std::time::Duration;

/// More steps than the end of any Project needs in a row.
const MAX_STEPS: usize = 20;
/// How old may be what is said of the Apps that it waits for: of many, not each end is told.
const REFRESH: Duration = Duration::from_secs(60);

/// What is seen of a Project that is being deleted.
struct Seen {
    /// Whether the kind itself is being deleted: kubeOP is uninstalled, which takes nothing along.
    kind_goes: bool,
    /// Names of its Apps.
    apps: Vec<String>,
    /// Its namespace.
    namespace: Option<DynamicObject>,
    /// Whether Secrets that it mirrors are there.
    mirrors: bool,
    /// What is left there of what it kept.
    parts: Vec<(Address, Preconditions)>,
}

/// What is to be done about it.
#[derive(Debug, PartialEq)]
enum Step {
    /// To wait for its Apps.
    AwaitApps,
    /// To wait until its namespace is gone.
    AwaitNamespace,
    /// To take its mirrors away.
    Unmirror,
    /// To delete what it kept.
    DeletePart(Address, Preconditions),
    /// To delete its namespace.
    DeleteNamespace(Preconditions),
    /// To merge these fields into its namespace.
    ReleaseNamespace(Value),
    /// To take our finalizer off it.
    LetGo,
}

/// The next step, of a Project called `name`.
fn next(name: &str, policy: ProjectDeletionPolicy, seen: &Seen) -> Step {
    if seen.kind_goes {
        return Step::LetGo;
    }
    if !seen.apps.is_empty() {
        return Step::AwaitApps;
    }
    let Some(live) = &seen.namespace else {
        return Step::LetGo;
    };
    let of_us = namespace::is_of(live, name);
    let goes_along = of_us && namespace::is_made_for(live, name) && policy == ProjectDeletionPolicy::Delete;
    match (live.metadata.deletion_timestamp.is_some(), goes_along) {
        (true, true) => return Step::AwaitNamespace,
        // With all that is in it.
        (true, false) => return Step::LetGo,
        (false, true) => return Step::DeleteNamespace(desired::exactly(live)),
        (false, false) => {}
    }
    if seen.mirrors {
        return Step::Unmirror;
    }
    // Its label goes last: by that it is found again after a crash, and the webhook holds until then.
    match seen.parts.first() {
        Some((at, only)) => Step::DeletePart(at.clone(), only.clone()),
        None if of_us => Step::ReleaseNamespace(namespace::release(live)),
        None => Step::LetGo,
    }
}

impl<C: Cluster> Projects<C> {
    /// Goes on with the end of a Project.
    pub(super) async fn end(&self, name: &str, project: &Project) -> Next {
        let owner = Owner::Project(name.to_owned());
        if !is_held(&project.metadata) {
            self.forget(&owner);
            return Next::News;
        }
        match self.steps(name, project).await {
            Ok(None) => {
                self.forget(&owner);
                let version = project.metadata.resource_version.as_deref();
                self.world.project_objects.gone(name.to_owned(), version);
                Next::News
            }
            Ok(Some(standing)) => {
                let next = Next::Within(REFRESH);
                self.say(&owner, project, &standing.into(), next).await
            }
            Err(error) => self.failed(&owner, project, &error).await,
        }
    }

    /// How it stands; none: it is gone.
    async fn steps(&self, name: &str, project: &Project) -> Result<Option<Standing>, CallError> {
        let policy = project.spec.deletion_policy.unwrap_or_default();
        let namespace = project.namespace();
        let me = Who::Controller;
        let at = address("", "v1", "Namespace", None, &namespace);
        for _ in 0..MAX_STEPS {
            let seen = self.see(name, project, &namespace).await?;
            match next(name, policy, &seen) {
                Step::AwaitApps => {
                    let goes = self
                        .world
                        .namespaces
                        .get(&namespace)
                        .is_some_and(|known| known.deleting);
                    if !goes {
                        // They need the account to take away what they delivered.
                        self.keep(name, project, &namespace).await?;
                    }
                    return Ok(Some(Standing::waits(
                        Reason::StillInUse,
                        awaits(
                            "App",
                            &seen.apps,
                            &format!("apps.{} -n {namespace}", names::GROUP),
                        ),
                    )));
                }
                Step::AwaitNamespace => {
                    let message = format!("namespace {namespace} is being deleted with everything in it");
                    return Ok(Some(Standing::waits(Reason::Deleting, message)));
                }
                Step::Unmirror => self.unmirror(name, &namespace).await?,
                Step::DeletePart(at, only) => {
                    self.cluster.delete(&me, &at, &only).await?;
                }
                Step::DeleteNamespace(only) => {
                    self.cluster.delete(&me, &at, &only).await?;
                }
                Step::ReleaseNamespace(fields) => {
                    self.cluster.patch(&me, &at, None, &fields).await?;
                }
                Step::LetGo => {
                    if seen.kind_goes {
                        self.let_mirrors_stay(name, &namespace).await?;
                    }
                    let owner = Owner::Project(name.to_owned());
                    self.release(&owner, &project.metadata).await?;
                    return Ok(None);
                }
            }
        }
        let message = "what it kept comes back again and again";
        Err(CallError::own(
            format!("release namespace {namespace}"),
            CallKind::Stale,
            message,
        ))
    }

    async fn see(&self, name: &str, project: &Project, namespace: &str) -> Result<Seen, CallError> {
        let mut seen = Seen {
            kind_goes: kind_goes(&self.cluster, "projects").await?,
            apps: known_apps(&self.world, name, namespace),
            namespace: None,
            mirrors: !self.known_mirrors(name, namespace).is_empty(),
            parts: Vec::new(),
        };
        if seen.kind_goes || !seen.apps.is_empty() {
            return Ok(seen);
        }
        // One may have been made that no watch has told of yet.
        let resource = api_resource(names::GROUP, names::VERSION, "App");
        let apps = self
            .cluster
            .list(&Who::Controller, &resource, namespace, "")
            .await?;
        seen.apps = apps
            .iter()
            .filter(|app| app.data.pointer("/spec/projectRef").and_then(Value::as_str) == Some(name))
            .filter_map(|app| app.metadata.name.clone())
            .collect();
        let at = address("", "v1", "Namespace", None, namespace);
        seen.namespace = self.cluster.get(&Who::Controller, &at).await?;
        let goes = |live: &DynamicObject| live.metadata.deletion_timestamp.is_some();
        if !seen.apps.is_empty() || seen.namespace.as_ref().is_none_or(goes) {
            return Ok(seen);
        }
        for mut part in parts(name, namespace, &project.spec) {
            part.wanted = None;
            let live = self.cluster.get(&Who::Controller, &part.at).await?;
            if let Act::Delete(only) = part.act(live.as_ref(), name) {
                seen.parts.push((part.at, only));
            }
        }
        Ok(seen)
    }
}

/// Names of a Project's Apps, as watches tell.
fn known_apps(world: &World, project: &str, namespace: &str) -> Vec<String> {
    world
        .apps
        .filter_within(NamespacedName::all_of(namespace), |key, app| {
            let app: Value = app.read()?;
            let of = app.pointer("/spec/projectRef").and_then(Value::as_str);
            (of == Some(project)).then(|| key.name.clone())
        })
}

/// What is waited for, as a sentence: the first few, how many more, and how to see them all.
pub(super) fn awaits(kind: &str, left: &[String], all: &str) -> String {
    const NAMED: usize = 5;
    let named: Vec<&str> = left.iter().take(NAMED).map(String::as_str).collect();
    let plural = if left.len() == 1 { "" } else { "s" };
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "it is being deleted, and waits for its {} {kind}{plural}: {}{more}. It goes when they are gone:\nkubectl get {all}",
        left.len(),
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{Seen, Step, awaits, next};
    use crate::kube_io::{Preconditions, address};
    use kubeop_shared::api::project::ProjectDeletionPolicy;
    use kubeop_shared::api::project::ProjectDeletionPolicy::{Delete, Release};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn ours() -> Value {
        json!({"name": "kubeop-web", "labels": {"app.kubeop.io/project-id": "web"}})
    }

    fn made() -> Value {
        let mut metadata = ours();
        metadata["annotations"] = json!({"platform.kubeop.io/created-for": "web"});
        metadata
    }

    fn going(mut metadata: Value) -> Value {
        metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        metadata
    }

    fn of_another() -> Value {
        json!({"name": "kubeop-web", "labels": {"app.kubeop.io/project-id": "shop"}})
    }

    fn seen(namespace: &Value, apps: &[&str], parts: usize) -> Seen {
        let part = || {
            let only = Preconditions {
                uid: None,
                resource_version: None,
            };
            (address("", "v1", "ServiceAccount", Some("kubeop-web"), "a"), only)
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": namespace});
        Seen {
            kind_goes: false,
            apps: apps.iter().map(ToString::to_string).collect(),
            namespace: serde_json::from_value(namespace).ok(),
            mirrors: false,
            parts: (0..parts).map(|_| part()).collect(),
        }
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::AwaitApps => "await apps",
            Step::AwaitNamespace => "await namespace",
            Step::Unmirror => "unmirror",
            Step::DeletePart(..) => "delete part",
            Step::DeleteNamespace(_) => "delete namespace",
            Step::ReleaseNamespace(_) => "release",
            Step::LetGo => "let go",
        }
    }

    #[rstest]
    #[case::apps_come_first(Delete, seen(&made(), &["pay"], 3), "await apps")]
    #[case::then_what_it_kept(Release, seen(&made(), &[], 3), "delete part")]
    #[case::mirrors_before(Release, Seen { mirrors: true, ..seen(&made(), &[], 3) }, "unmirror")]
    #[case::mirrors_go_along(Delete, Seen { mirrors: true, ..seen(&made(), &[], 3) }, "delete namespace")]
    #[case::then_the_labels(Release, seen(&made(), &[], 0), "release")]
    #[case::made_by_us(Delete, seen(&made(), &[], 3), "delete namespace")]
    #[case::adopted(Delete, seen(&ours(), &[], 0), "release")]
    #[case::adopted_with_parts(Delete, seen(&ours(), &[], 1), "delete part")]
    #[case::on_its_way(Delete, seen(&going(made()), &[], 0), "await namespace")]
    #[case::going_by_itself(Release, seen(&going(made()), &[], 0), "let go")]
    #[case::of_another(Delete, seen(&of_another(), &[], 0), "let go")]
    #[case::parts_in_anothers(Delete, seen(&of_another(), &[], 1), "delete part")]
    #[case::never_ours(Delete, seen(&json!({"name": "kubeop-web"}), &[], 0), "let go")]
    #[case::gone(Delete, Seen { namespace: None, ..seen(&made(), &[], 0) }, "let go")]
    #[case::s53_uninstalled(Delete, Seen { kind_goes: true, ..seen(&made(), &["pay"], 3) }, "let go")]
    fn s51_a_project_ends_step_by_step(
        #[case] policy: ProjectDeletionPolicy,
        #[case] seen: Seen,
        #[case] wanted: &str,
    ) {
        assert_eq!(word(&next("web", policy, &seen)), wanted);
    }

    #[test]
    fn of_many_the_first_are_named() {
        let names: Vec<String> = (1..=7).map(|n| format!("a{n}")).collect();
        assert_eq!(
            awaits("App", &names, "apps -n kubeop-web"),
            "it is being deleted, and waits for its 7 Apps: a1, a2, a3, a4, a5 and 2 more. It goes when they are \
             gone:\nkubectl get apps -n kubeop-web"
        );
        assert!(awaits("Project", &names[..1], "projects").contains("its 1 Project: a1. It"));
    }
}
