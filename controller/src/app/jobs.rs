//! Hook Jobs: started, let go, deleted.

use super::{Apps, Subject, events};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Effect, Preconditions, Who, address};
use crate::watches::hook_job_entry;
use kube::api::DynamicObject;
use kubeop_shared::render::{HookJob, hook_job, hook_job_name};
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
                existing.ok_or(error)?
            }
            created => created?,
        };
        self.keep_job(subject, &name, &created);
        self.tell(subject, events::hook_started(key, attempt)).await;
        Ok(())
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

fn job_address(subject: &Subject, name: &str) -> Address {
    address("batch", "v1", "Job", Some(&subject.key.namespace), name)
}
