//! Proof of order: watches Jobs and Deployments while the first delivery runs. Resource versions of one API server
//! are numbers that only grow, whatever the kind.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use tokio::task::JoinHandle;

/// A watch that has begun.
pub struct Order {
    job: JoinHandle<Result<u64>>,
    deployment: JoinHandle<Result<u64>>,
}

/// When what happened, in resource versions.
pub struct Versions {
    /// The Job became complete.
    pub hook_complete: u64,
    /// The Deployment was made.
    pub deployment_created: u64,
}

impl Order {
    /// Begins to watch a namespace in which neither exists yet.
    pub fn watch(client: &Client, namespace: &str) -> Self {
        let jobs = Api::<Job>::namespaced(client.clone(), namespace);
        let deployments = Api::<Deployment>::namespaced(client.clone(), namespace);
        Order {
            job: tokio::spawn(first(jobs, is_complete)),
            deployment: tokio::spawn(first(deployments, |_| true)),
        }
    }

    /// Waits until both have happened.
    pub async fn versions(self) -> Result<Versions> {
        let both = async {
            anyhow::Ok(Versions {
                hook_complete: self.job.await??,
                deployment_created: self.deployment.await??,
            })
        };
        tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .context("no hook or no Deployment within 60 s")?
    }
}

/// The version at which the first object appears that is as wanted.
async fn first<K>(api: Api<K>, wanted: fn(&K) -> bool) -> Result<u64>
where
    K: kube::Resource + Clone + std::fmt::Debug + for<'de> serde::Deserialize<'de>,
{
    let mut events = api.watch(&WatchParams::default().timeout(60), "0").await?.boxed();
    while let Some(event) = events.next().await {
        if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event?
            && wanted(&object)
        {
            return Ok(object
                .resource_version()
                .context("an object without version")?
                .parse()?);
        }
    }
    anyhow::bail!("the watch ended")
}

fn is_complete(job: &Job) -> bool {
    let conditions = job
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Complete" && condition.status == "True")
}
