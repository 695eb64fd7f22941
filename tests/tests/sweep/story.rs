//! The lives of an App, step by step: what a person does, and when it is settled.

use anyhow::{Context, Result, ensure};
use kubeop_tests::proxy::View;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::objects::{APP, OTHER, bystanders, failing, first, other, project, second};

/// One life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Everything goes well.
    Smooth,
    /// A hook fails, and a person stops delivery for a while.
    Troubled,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A Project is made.
    Project,
    /// Another App and a person's own objects come into its namespace.
    Bystanders,
    /// The App comes.
    First,
    /// A revision whose pre hook fails.
    Failure,
    /// The hook is to run again, and fails again.
    Retry,
    /// The second revision that is delivered.
    Second,
    /// Somebody changes one delivered object and deletes another.
    Drift,
    /// `spec.suspend: true`.
    Suspension,
    /// Somebody changes a delivered object, then delivery goes on.
    Resumption,
    /// The App is deleted.
    Deletion,
}

impl Story {
    pub const ALL: [Story; 2] = [Story::Smooth, Story::Troubled];

    pub fn steps(self) -> &'static [Step] {
        match self {
            Story::Smooth => &[
                Step::Project,
                Step::Bystanders,
                Step::First,
                Step::Second,
                Step::Drift,
                Step::Deletion,
            ],
            Story::Troubled => &[
                Step::Project,
                Step::Bystanders,
                Step::First,
                Step::Failure,
                Step::Retry,
                Step::Second,
                Step::Suspension,
                Step::Resumption,
                Step::Deletion,
            ],
        }
    }

    /// How many hooks run in it.
    pub fn hooks(self) -> usize {
        self.steps()
            .iter()
            .map(|step| match step {
                Step::First | Step::Second => 2,
                Step::Failure | Step::Retry => 1,
                _ => 0,
            })
            .sum()
    }
}

pub const RETRY: &str = "platform.kubeop.io/retry-hooks";
pub const ROLLBACK: &str = "platform.kubeop.io/rollback-to";

/// Where one run plays.
pub struct Place {
    pub project: String,
    pub namespace: String,
}

impl Place {
    pub fn new(project: String) -> Place {
        let namespace = format!("kubeop-{project}");
        Place { project, namespace }
    }

    /// What a controller sees that has only this to work on.
    pub fn view(&self) -> View {
        View::Project {
            project: self.project.clone(),
            namespace: self.namespace.clone(),
        }
    }

    pub fn project_path(&self) -> String {
        format!("/apis/platform.kubeop.io/v1alpha1/projects/{}", self.project)
    }

    pub fn app_path(&self, name: &str) -> String {
        format!(
            "/apis/platform.kubeop.io/v1alpha1/namespaces/{}/apps/{name}",
            self.namespace
        )
    }

    pub fn core_path(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }
}

/// Does what a person does in a step.
pub async fn act(ground: &Ground, place: &Place, step: Step) -> Result<()> {
    let projects = "/apis/platform.kubeop.io/v1alpha1/projects";
    let apps = place.app_path("");
    let apps = apps.trim_end_matches('/');
    let app = place.app_path(APP);
    let change = async |fields: Value| ground.edit(&app, &fields).await;
    let respecify = async |mut app: Value| change(json!({"spec": app["spec"].take()})).await;
    let settings = place.core_path("configmaps/settings");
    let edit_settings = async || {
        ground
            .edit(&settings, &json!({"data": {"value": "by hand"}}))
            .await
    };
    match step {
        Step::Project => ground.create(projects, &project(&place.project)).await,
        Step::Bystanders => {
            for object in bystanders() {
                ground.create(&place.core_path("configmaps"), &object).await?;
            }
            ground.create(apps, &other(&place.project)).await
        }
        Step::First => ground.create(apps, &first(&place.project)).await,
        Step::Failure => respecify(failing(&place.project)).await,
        Step::Retry => {
            let annotations = json!({RETRY: "once more"});
            change(json!({"metadata": {"annotations": annotations}})).await
        }
        Step::Second => respecify(second(&place.project)).await,
        Step::Suspension => change(json!({"spec": {"suspend": true}})).await,
        Step::Resumption => {
            edit_settings().await?;
            change(json!({"spec": {"suspend": null}})).await
        }
        Step::Drift => {
            edit_settings().await?;
            ground.delete(&place.core_path("services/pay")).await
        }
        Step::Deletion => ground.delete(&app).await,
    }
}

/// An error as long as a step is not settled: what is missing.
pub async fn settled(ground: &Ground, place: &Place, step: Step) -> Result<()> {
    let (path, end) = match step {
        Step::Project => (place.project_path(), ("True", "Succeeded")),
        Step::Bystanders => (place.app_path(OTHER), ("True", "Succeeded")),
        Step::First | Step::Second | Step::Drift | Step::Resumption => {
            (place.app_path(APP), ("True", "Succeeded"))
        }
        Step::Failure | Step::Retry => (place.app_path(APP), ("False", "HookFailed")),
        Step::Suspension => (place.app_path(APP), ("False", "Suspended")),
        Step::Deletion => {
            let left = ground.get(&place.app_path(APP)).await?;
            let status = left.as_ref().map(|left| conditions(&left["status"]));
            ensure!(
                left.is_none(),
                "the App is still there: {}",
                status.unwrap_or_default()
            );
            return Ok(());
        }
    };
    let object = ground.get(&path).await?.context("it is gone")?;
    let status = &object["status"];
    let there = is_ready(&object, end);
    let handled = status["handled"][RETRY] == object["metadata"]["annotations"][RETRY];
    ensure!(there && handled, "its conditions are {}", conditions(status));
    Ok(())
}

/// Whether the Ready condition has this status and reason, and is about the current spec.
pub fn is_ready(object: &Value, (is, reason): (&str, &str)) -> bool {
    let status = &object["status"];
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let ready = conditions.find(|condition| condition["type"] == "Ready");
    ready.is_some_and(|ready| ready["status"] == is && ready["reason"] == reason)
        && status["observedGeneration"] == object["metadata"]["generation"]
}

pub fn conditions(status: &Value) -> String {
    let all = status["conditions"].as_array().into_iter().flatten();
    let told = all.map(|condition| {
        format!(
            "{}={} {}: {}",
            condition["type"], condition["status"], condition["reason"], condition["message"]
        )
    });
    told.collect::<Vec<_>>().join("; ")
}
