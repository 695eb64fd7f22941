//! Pods that are created all the time: each that is refused is counted.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use kubeop_tests::Cluster;
use kubeop_tests::replicas::NAMESPACE;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// How many create at the same time: the API server has as many connections, to all replicas.
const WORKERS: usize = 4;

/// Creates Pods until it is told to end.
pub struct Load {
    ended: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    work: JoinSet<Vec<String>>,
}

impl Load {
    /// Some 20 Pods a second. They wait at a scheduling gate.
    pub async fn start(cluster: &Cluster, name: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(cluster.client().await.unwrap(), NAMESPACE);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": format!("{name}-")},
            "spec": {"schedulingGates": [{"name": "kubeop.io/test"}],
                "containers": [{"name": "a", "image": "ghcr.io/acme/x"}]}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let (ended, made) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut work = JoinSet::new();
        for _ in 0..WORKERS {
            let (pods, pod, end, count) = (pods.clone(), pod.clone(), ended.clone(), made.clone());
            work.spawn(async move {
                let mut refused = Vec::new();
                // All at the same time, or one connection would do for all.
                let mut beat = tokio::time::interval(Duration::from_millis(200));
                while !end.load(Ordering::Relaxed) {
                    beat.tick().await;
                    match pods.create(&PostParams::default(), &pod).await {
                        Ok(_) => drop(count.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => refused.push(error.to_string()),
                    }
                }
                refused
            });
        }
        Load { ended, made, work }
    }

    /// Ends it. None was refused, and there were at least so many.
    pub async fn assert_none_refused(self, at_least: usize) {
        self.ended.store(true, Ordering::Relaxed);
        let refused = self.work.join_all().await.concat();
        let made = self.made.load(Ordering::Relaxed);
        assert!(
            refused.is_empty(),
            "{} of {made}: {:#?}",
            refused.len(),
            refused.first()
        );
        assert!(made >= at_least, "only {made} Pods were made");
    }
}
