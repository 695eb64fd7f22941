//! The life of an App, step by step: what a person does, and when it is settled.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::objects::{APP, OTHER, bystanders, first, other, project, second};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A Project is made.
    Project,
    /// Another App and a person's own objects come into its namespace.
    Bystanders,
    /// The App comes.
    First,
    /// Its second revision.
    Second,
    /// Somebody changes one delivered object and deletes another.
    Drift,
    /// The App is deleted.
    Deletion,
}

impl Step {
    pub const ALL: [Step; 6] = [
        Step::Project,
        Step::Bystanders,
        Step::First,
        Step::Second,
        Step::Drift,
        Step::Deletion,
    ];
}

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

    pub fn project_path(&self) -> String {
        format!("/apis/platform.kubeop.io/v1alpha1/projects/{}", self.project)
    }

    pub fn app_path(&self, name: &str) -> String {
        format!(
            "/apis/platform.kubeop.io/v1alpha1/namespaces/{}/apps/{name}",
            self.namespace
        )
    }

    fn core_path(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }
}

/// Does what a person does in a step.
pub async fn act(ground: &Ground, place: &Place, step: Step) -> Result<()> {
    let projects = "/apis/platform.kubeop.io/v1alpha1/projects";
    let apps = place.app_path("");
    let apps = apps.trim_end_matches('/');
    match step {
        Step::Project => ground.create(projects, &project(&place.project)).await,
        Step::Bystanders => {
            for object in bystanders() {
                ground.create(&place.core_path("configmaps"), &object).await?;
            }
            ground.create(apps, &other(&place.project)).await
        }
        Step::First => ground.create(apps, &first(&place.project)).await,
        Step::Second => {
            let spec = second(&place.project)["spec"].take();
            ground.edit(&place.app_path(APP), &json!({"spec": spec})).await
        }
        Step::Drift => {
            let settings = place.core_path("configmaps/settings");
            ground
                .edit(&settings, &json!({"data": {"value": "by hand"}}))
                .await?;
            ground.delete(&place.core_path("services/pay")).await
        }
        Step::Deletion => ground.delete(&place.app_path(APP)).await,
    }
}

/// An error as long as a step is not settled: what is missing.
pub async fn settled(ground: &Ground, place: &Place, step: Step) -> Result<()> {
    let path = match step {
        Step::Project => place.project_path(),
        Step::Bystanders => place.app_path(OTHER),
        Step::First | Step::Second | Step::Drift => place.app_path(APP),
        Step::Deletion => {
            let left = ground.get(&place.app_path(APP)).await?;
            ensure!(
                left.is_none(),
                "App {APP} is still there: {}",
                left.unwrap_or_default()["status"]
            );
            return Ok(());
        }
    };
    let object = ground.get(&path).await?.context("it is gone")?;
    let status = &object["status"];
    let ready = status["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Ready");
    let ready = ready.is_some_and(|ready| ready["status"] == "True" && ready["reason"] == "Succeeded");
    let current = status["observedGeneration"] == object["metadata"]["generation"];
    ensure!(ready && current, "{}", conditions(status));
    Ok(())
}

fn conditions(status: &Value) -> String {
    let all = status["conditions"].as_array().into_iter().flatten();
    let told = all.map(|condition| {
        format!(
            "{}={} {}: {}",
            condition["type"], condition["status"], condition["reason"], condition["message"]
        )
    });
    told.collect::<Vec<_>>().join("; ")
}
