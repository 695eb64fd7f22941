//! Hook Jobs: started, let go, deleted.

use super::{Apps, Subject, events};
use crate::kube_io::{
    Address, CallError, CallKind, Cluster, Effect, Preconditions, Who, address, api_resource,
};
use crate::watches::hook_job_entry;
use kube::api::DynamicObject;
use kube::core::TypeMeta;
use kubeop_shared::api::names;
use kubeop_shared::render::{HookJob, hook_job, hook_job_name, hook_of_job};
use kubeop_shared::revision::HookKey;

impl<C: Cluster> Apps<C> {
    pub(super) async fn run_hook(
        &self,
        subject: &Subject,
        key: &HookKey,
        attempt: u32,
    ) -> Result<(), CallError> {
        let (Some(hook), Some(ownership)) = (subject.hook(key), &subject.ownership) else {
            return Ok(());
        };
        if self.met_unknown_jobs(subject).await? {
            return Ok(());
        }
        let job = hook_job(&HookJob {
            ownership,
            app_uid: &subject.uid,
            key,
            attempt,
            hook,
        });
        let name = hook_job_name(&subject.key.name, &subject.uid, key, attempt);
        let at = job_address(subject, &name);
        let created = match self
            .cluster
            .create(&Who::Controller, &at, &job, Effect::Real)
            .await
        {
            // It was started before a crash: it counts.
            Err(error) if error.kind == CallKind::AlreadyExists => {
                let existing = self.cluster.get(&Who::Controller, &at).await?;
                let existing = existing.ok_or(error)?;
                if !is_of(&existing, subject, key, attempt) {
                    return Err(not_ours(subject, &name));
                }
                existing
            }
            created => created?,
        };
        self.keep_job(subject, &name, &created);
        self.tell(subject, events::hook_started(key, attempt)).await;
        Ok(())
    }

    /// Only one hook of an App runs at a time, and a leader that was deposed may have started one that no
    /// watch has told of yet. Returns whether there is such a Job; it is known from now on.
    pub(super) async fn met_unknown_jobs(&self, subject: &Subject) -> Result<bool, CallError> {
        let jobs = api_resource("batch", "v1", "Job");
        let selector = format!(
            "{}={},{}",
            names::LABEL_APP_ID,
            subject.key.name,
            names::LABEL_HOOK
        );
        let listed = self
            .cluster
            .list(&Who::Controller, &jobs, &subject.key.namespace, &selector)
            .await?;
        let mut unknown = false;
        for mut job in listed {
            // Items of a listing do not say what they are.
            job.types = Some(TypeMeta {
                api_version: jobs.api_version.clone(),
                kind: jobs.kind.clone(),
            });
            let slot = (
                subject.key.namespace.clone(),
                job.metadata.name.clone().unwrap_or_default(),
            );
            if self.world.jobs.get(&slot).is_none() {
                unknown = true;
                self.keep_job(subject, &slot.1, &job);
            }
        }
        Ok(unknown)
    }

    pub(super) async fn release_job(&self, subject: &Subject, name: &str) -> Result<(), CallError> {
        let at = job_address(subject, name);
        // The Job controller writes at the same time: what is taken off is taken off what is there now.
        let Some(job) = self.cluster.get(&Who::Controller, &at).await? else {
            self.forget_job(subject, name);
            return Ok(());
        };
        match self
            .let_go(&at, &job.metadata.finalizers.unwrap_or_default())
            .await?
        {
            Some(job) => self.keep_job(subject, name, &job),
            None => self.forget_job(subject, name),
        }
        Ok(())
    }

    pub(super) async fn delete_job(&self, subject: &Subject, name: &str) -> Result<(), CallError> {
        let at = job_address(subject, name);
        if let Some(job) = self.cluster.get(&Who::Controller, &at).await? {
            let only = Preconditions {
                uid: job.metadata.uid,
                resource_version: None,
            };
            self.cluster.delete(&Who::Controller, &at, &only).await?;
            self.let_go(&at, &job.metadata.finalizers.unwrap_or_default())
                .await?;
        }
        self.forget_job(subject, name);
        Ok(())
    }

    fn keep_job(&self, subject: &Subject, name: &str, job: &DynamicObject) {
        let slot = (subject.key.namespace.clone(), name.to_owned());
        if let Some(entry) = hook_job_entry(job) {
            self.world
                .jobs
                .put(slot, job.metadata.resource_version.as_deref(), entry);
        }
    }

    fn forget_job(&self, subject: &Subject, name: &str) {
        let slot = (subject.key.namespace.clone(), name.to_owned());
        self.world.jobs.forget(&slot);
    }
}

/// Whether a Job is the one of this hook, and not just one of its name.
fn is_of(job: &DynamicObject, subject: &Subject, key: &HookKey, attempt: u32) -> bool {
    let labels = job.metadata.labels.as_ref();
    let app = labels.and_then(|labels| labels.get(names::LABEL_APP_ID));
    let of = serde_json::to_value(job).ok().and_then(|job| hook_of_job(&job));
    app == Some(&subject.key.name) && of.is_some_and(|(of, number)| of == *key && number == attempt)
}

/// The name can be known beforehand, so somebody may have taken it.
fn not_ours(subject: &Subject, name: &str) -> CallError {
    let namespace = &subject.key.namespace;
    let message = format!(
        "a Job of this name exists, and kubeOP did not make it. Delete it:\nkubectl -n {namespace} delete job {name}"
    );
    CallError::own(format!("start Job {name}"), CallKind::Refused, message)
}

fn job_address(subject: &Subject, name: &str) -> Address {
    address("batch", "v1", "Job", Some(&subject.key.namespace), name)
}
