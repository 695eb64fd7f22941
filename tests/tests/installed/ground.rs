//! The installation: a cluster with a real node, the commands of the README, and the questions that steps ask.

use std::time::Duration;

use anyhow::{Result, ensure};
use kubeop_tests::generated::repository;
use kubeop_tests::images::{Content, TestImage};
use kubeop_tests::options::RealNode;
use kubeop_tests::{Cluster, Options, wait};
use serde_json::Value;

use crate::pages;

/// How long the slowest thing may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(120);
/// Namespace of the sample.
pub const WEB: &str = "kubeop-web";
/// An image that the list allows.
pub const ALLOWED: &str = "ghcr.io/acme/payments:2.3.1";

pub struct Ground {
    pub cluster: Cluster,
}

impl Ground {
    pub async fn install() -> Ground {
        let image = |name: &str, content| TestImage {
            name: name.to_owned(),
            content,
        };
        let serve = || Content::Tool(vec!["serve".to_owned(), "8080".to_owned()]);
        let migrate = Content::Shell {
            script: "migrate.sh".to_owned(),
            text: "#!/bin/sh\necho migrated\n".to_owned(),
        };
        let real_node = RealNode::One {
            more_images: vec![
                image(ALLOWED, serve()),
                image("ghcr.io/acme/payments:2.3.2", serve()),
                image("ghcr.io/acme/payments-migrate:2.3.1", migrate),
            ],
        };
        let options = Options {
            real_node,
            ..Options::real_node()
        };
        let cluster = Cluster::start(options).await.unwrap();
        let ground = Ground { cluster };
        pages::follow(&ground, "operation/install").await;
        ground
    }

    /// A line in a shell that stands in the repository.
    pub async fn paste(&self, line: &str) -> Result<String> {
        let line = format!("cd {} && {line}", repository().display());
        self.cluster.paste(&line).await?.success()
    }

    pub async fn kubectl(&self, args: &str) -> Result<String> {
        self.cluster.kubectl(args.split_whitespace()).await?.success()
    }

    pub async fn apply(&self, yaml: &str) -> Result<String> {
        self.cluster.apply(yaml).await
    }

    pub async fn get(&self, what: &str) -> Result<Value> {
        self.cluster.get(what).await
    }

    /// Waits until an App is Ready as it is written now.
    pub async fn app_is_ready(&self, name: &str) {
        let what = format!("App {name} is Ready");
        let ready = wait::until(&what, SOON, || async {
            let app = self
                .get(&format!("apps.platform.kubeop.io/{name} -n {WEB}"))
                .await?;
            let current = app["status"]["observedGeneration"] == app["metadata"]["generation"];
            let conditions = app["status"]["conditions"].as_array();
            let ready = conditions
                .is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
            ensure!(current && ready, "{}", app["status"]);
            Ok::<_, anyhow::Error>(())
        });
        if let Err(error) = ready.await {
            panic!("{error:#}\n{}", self.story().await);
        }
    }

    /// A rollout of one of the programs, to its end.
    pub async fn rolled_out(&self, program: &str) {
        self.kubectl(&format!(
            "-n kubeop-system rollout status deploy/{program} --timeout=120s"
        ))
        .await
        .unwrap();
    }

    /// Names of the Pods of a program that are not going away.
    pub async fn pods_of(&self, program: &str) -> Vec<String> {
        let pods = self
            .get(&format!(
                "pods -n kubeop-system -l app.kubernetes.io/name={program}"
            ))
            .await
            .unwrap();
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        pods.iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect()
    }

    /// SIGKILL for the program in a Pod, which its node then starts again.
    pub fn kill_program_of(&self, pod: &str) {
        let host = format!("HOSTNAME={pod}\0");
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let of_pod = processes.filter_map(|process| {
            let pid = process.file_name().to_str()?.parse::<i32>().ok()?;
            let environment = std::fs::read(process.path().join("environ")).ok()?;
            String::from_utf8_lossy(&environment)
                .contains(&host)
                .then_some(pid)
        });
        let mut killed = 0;
        for pid in of_pod.filter_map(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            killed += 1;
        }
        assert_eq!(killed, 1, "programs of {pod}");
    }

    /// What a person would look at when something is wrong.
    pub async fn story(&self) -> String {
        let mut story = String::new();
        for line in [
            "get pods -A -o wide",
            "-n kubeop-system get events --sort-by=.lastTimestamp",
            "-n kubeop-system logs -l app.kubernetes.io/part-of=kubeop --tail=20 --prefix",
        ] {
            let said = self
                .kubectl(line)
                .await
                .unwrap_or_else(|error| format!("{error:#}"));
            story.push_str(&format!("$ kubectl {line}\n{said}\n"));
        }
        story
    }
}
