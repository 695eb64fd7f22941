//! The Jobs of an App's hooks, as `decide` sees them.

use super::memory::Memory;
use super::{Apps, Subject, pods};
use crate::kube_io::{CallError, Cluster, Who};
use crate::world::{HookJobEntry, Now};
use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{JobState, JobView};
use kubeop_shared::health::cause::Workload;
use kubeop_shared::health::{Health, hook_job};
use kubeop_shared::render::hook_of_job;
use kubeop_shared::revision::Record;
use serde_json::Value;

impl<C: Cluster> Apps<C> {
    pub(super) async fn jobs(
        &self,
        subject: &Subject,
        record: Option<&Record>,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Vec<JobView>, CallError> {
        let mut jobs: Vec<(String, Value)> =
            self.world.jobs.filter(|(namespace, name), entry: &HookJobEntry| {
                let ours = *namespace == subject.key.namespace && entry.app == subject.key.name;
                ours.then(|| (name.clone(), entry.job.clone()))
            });
        jobs.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut views = Vec::new();
        for (name, job) in jobs {
            let Some((key, attempt)) = hook_of_job(&job).filter(|_| owned_by(&job, &subject.uid)) else {
                continue;
            };
            let recorded = record
                .and_then(|record| record.hook(&key))
                .is_some_and(|run| run.attempt >= attempt);
            let deleting = job.pointer("/metadata/deletionTimestamp").is_some();
            let deadline = deadline(&job).filter(|_| deleting);
            let output = output_of(subject, &key.name);
            let state = match hook_job(&job) {
                Health::Ready => JobState::Succeeded,
                // The words are not needed a second time.
                Health::Failed { why } if recorded => JobState::Failed {
                    exit_code: None,
                    message: why,
                },
                Health::Failed { why } => {
                    // Read live: the Job may be known to have failed before its Pod is.
                    let pods = self.pods_of(subject, &name).await?;
                    pods::of_failed_job(&pods, &key.name, output, &why, memory.waiting.get(&name))
                }
                // The Job controller looks at it no longer: its Pod tells.
                Health::Progressing { .. } if deleting => {
                    let pods = self.pods_of(subject, &name).await?;
                    let late = deadline.is_some_and(|deadline| deadline <= now);
                    pods::of_deleted_job(
                        &pods,
                        &key.name,
                        output,
                        if late { pods::Time::Up } else { pods::Time::Left },
                    )
                }
                Health::Progressing { .. } => JobState::Running {
                    why: self.waits_for(subject, &name, memory),
                },
            };
            let finalizers = job.pointer("/metadata/finalizers").and_then(Value::as_array);
            let held = finalizers.is_some_and(|names| names.iter().any(|name| name == names::FINALIZER));
            views.push(JobView {
                name,
                key,
                attempt,
                held,
                deadline,
                state,
            });
        }
        Ok(views)
    }

    /// What keeps the Pod of a hook from running, or from being created. Kept in mind: when the Job's deadline ends it, the Pod is
    /// gone with its reason.
    fn waits_for(&self, subject: &Subject, job: &str, memory: &mut Memory) -> Option<String> {
        let waits = self.world.hook_pods.filter(|(namespace, _), pod| {
            let ours = *namespace == subject.key.namespace && pod.job == job;
            ours.then(|| pods::waits_for(&pod.pod))
        });
        let pods = waits.len();
        let why = waits.into_iter().flatten().next();
        let why = why.or_else(|| {
            let job = Workload::new("batch", "Job", job);
            let refused = self
                .world
                .troubles
                .cause(&subject.key.namespace, &job, Now::read());
            refused.filter(|_| pods == 0).map(|cause| cause.to_string())
        });
        if let Some(why) = &why {
            memory.waiting.insert(job.to_owned(), why.clone());
        }
        why
    }

    async fn pods_of(&self, subject: &Subject, job: &str) -> Result<Vec<DynamicObject>, CallError> {
        let pods = crate::kube_io::api_resource("", "v1", "Pod");
        let selector = format!("batch.kubernetes.io/job-name={job}");
        self.cluster
            .list(&Who::Controller, &pods, &subject.key.namespace, &selector)
            .await
    }
}

/// When a Job's time is up.
fn deadline(job: &Value) -> Option<Timestamp> {
    let created: Timestamp = job
        .pointer("/metadata/creationTimestamp")?
        .as_str()?
        .parse()
        .ok()?;
    let seconds = job.pointer("/spec/activeDeadlineSeconds")?.as_i64()?;
    created.checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn owned_by(job: &Value, uid: &str) -> bool {
    let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    // A restore strips owners; the name still proves which App it was.
    owners.is_none_or(|owners| {
        owners
            .iter()
            .any(|owner| owner.get("uid").and_then(Value::as_str) == Some(uid))
    })
}

/// Whether a hook of this name asks for its output to be hidden.
fn output_of(subject: &Subject, hook: &str) -> pods::Output {
    let hooks = subject
        .ask()
        .map(|ask| (ask.spec.pre_hooks(), ask.spec.post_hooks()));
    let hides = hooks.is_ok_and(|(pre, post)| {
        let mut all = pre.iter().chain(post);
        all.any(|said| said.name == hook && said.hide_output == Some(true))
    });
    if hides {
        pods::Output::Hidden
    } else {
        pods::Output::Shown
    }
}
