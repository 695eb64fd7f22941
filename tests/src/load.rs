//! A steady load of creates through admission: Pods that no scheduler takes, so that nothing runs and every create is
//! judged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use crate::cluster::Cluster;
use crate::identity::Identity;
use crate::kubectl::client_config;

/// Label of the load's Pods.
const LABEL: &str = "kubeop-test-load";

/// Creates that go on until they are stopped.
pub struct Load {
    pods: Api<Pod>,
    said: Arc<Mutex<Said>>,
    task: JoinHandle<()>,
}

/// When creates are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    at_once: usize,
    every: Duration,
}

impl Rhythm {
    /// One after the other, that many a second.
    pub fn steady(a_second: u32) -> Self {
        Rhythm {
            at_once: 1,
            every: Duration::from_secs(1) / a_second,
        }
    }

    /// Twenty a second, four at the same time: the API server then has as many connections, to all replicas.
    pub fn bursts() -> Self {
        Rhythm {
            at_once: 4,
            every: Duration::from_millis(200),
        }
    }
}

/// What came of the creates.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// How many were carried out.
    pub created: usize,
    /// Those that were not, with the API server's words.
    pub failed: Vec<String>,
    /// The longest that one took.
    pub slowest: Duration,
}

impl Load {
    /// Starts creates in a namespace, of Pods with this image. Nothing is tried twice.
    pub async fn start(cluster: &Cluster, namespace: &str, image: &str, rhythm: Rhythm) -> Result<Load> {
        let mut config = client_config(&cluster.kubeconfig_of(&Identity::admin())?).await?;
        config.default_retry = false;
        let pods: Api<Pod> = Api::namespaced(Client::try_from(config)?, namespace);
        let said = Arc::new(Mutex::new(Said::default()));
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"generateName": "load-", "labels": {LABEL: "yes"}},
            "spec": {"schedulingGates": [{"name": "kubeop.test/never"}], "containers": [{"name": "c", "image": image}]},
        }))?;
        let task = tokio::spawn(create(pods.clone(), pod, rhythm, said.clone()));
        Ok(Load { pods, said, task })
    }

    /// What came of it until now.
    pub fn said(&self) -> Said {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it and deletes its Pods. Returns what came of it.
    pub async fn stop(self) -> Result<Said> {
        self.task.abort();
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            ..DeleteParams::default()
        };
        self.pods
            .delete_collection(&now, &ListParams::default().labels(LABEL))
            .await?;
        Ok(self.said())
    }
}

impl Said {
    /// Nothing failed, and at least so many were created.
    ///
    /// # Panics
    /// When it was otherwise.
    pub fn assert_none_failed(&self, at_least: usize) {
        assert!(
            self.failed.is_empty() && self.created >= at_least,
            "{} created, {} failed: {:#?}",
            self.created,
            self.failed.len(),
            self.failed.iter().take(5).collect::<Vec<_>>()
        );
    }
}

async fn create(pods: Api<Pod>, pod: Pod, rhythm: Rhythm, said: Arc<Mutex<Said>>) {
    let mut ticks = tokio::time::interval(rhythm.every);
    // Ended with this task.
    let mut creates = JoinSet::new();
    loop {
        ticks.tick().await;
        while creates.try_join_next().is_some() {}
        for _ in 0..rhythm.at_once {
            let (pods, pod, said) = (pods.clone(), pod.clone(), said.clone());
            creates.spawn(async move {
                let start = Instant::now();
                let answer = pods.create(&PostParams::default(), &pod).await;
                let took = start.elapsed();
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.slowest = said.slowest.max(took);
                match answer {
                    Ok(_) => said.created += 1,
                    Err(kube::Error::Api(status)) => {
                        said.failed.push(format!("after {took:?}: {}", status.message))
                    }
                    Err(error) => said.failed.push(format!("after {took:?}: {error}")),
                }
            });
        }
    }
}
