//! Acting: one function for each action, each a call or two.

use super::memory::Memory;
use super::observe::{app_address, writer};
use super::{Apps, Subject};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Preconditions, Who};
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{Action, Observed, Report};
use kubeop_shared::revision::ObjectKey;
use serde_json::{Value, json};
use std::sync::Arc;

impl<C: Cluster> Apps<C> {
    /// Does one action.
    pub(super) async fn act(
        &self,
        subject: &Subject,
        observed: &Observed,
        action: Action,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        match action {
            Action::AddFinalizer => self.add_finalizer(subject, memory).await,
            Action::WriteRecord { record, over, change } => {
                self.write_record(subject, &record, over, memory).await?;
                self.tell_of_record(subject, &record, &change).await;
                Ok(())
            }
            Action::RunHook { key, attempt } => self.run_hook(subject, &key, attempt).await,
            Action::ReleaseJob { name } => self.release_job(subject, &name).await,
            Action::DeleteJob { name } => self.delete_job(subject, &name).await,
            Action::Apply { objects, cause, .. } => {
                self.apply_objects(subject, observed, &objects, cause, memory)
                    .await
            }
            Action::Delete {
                key,
                uid,
                resource_version,
            } => {
                let only = Preconditions {
                    uid: Some(uid),
                    resource_version: Some(resource_version),
                };
                self.delete_delivered(subject, key, &only, memory).await
            }
            Action::ReleaseRecord => self.release_record(subject).await,
            Action::ReleaseApp => self.release_app(subject, memory).await,
            Action::WriteStatus(report) => self.write_status(subject, &report, memory).await,
            Action::Wait(_) => Ok(()),
        }
    }

    async fn delete_delivered(
        &self,
        subject: &Subject,
        key: ObjectKey,
        only: &Preconditions,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        if let Some(at) = self.address_of(subject, &key).await? {
            match self.cluster.delete(&writer(subject, &key), &at, only).await {
                // It changed since it was read: it is read again below, and judged again.
                Err(error) if error.kind != CallKind::Stale => return Err(error),
                _ => {}
            }
        }
        let left = self.own_live(subject, &key).await?;
        if let Some(live) = &mut memory.live {
            match left {
                Some(left) => live.insert(key, left),
                None => live.remove(&key),
            };
        }
        Ok(())
    }

    async fn add_finalizer(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        let mut finalizers: Vec<&str> = subject.finalizers.iter().map(String::as_str).collect();
        finalizers.push(names::FINALIZER);
        let fields = with_finalizers(subject.resource_version.as_deref(), &finalizers);
        let at = app_address(subject);
        let app = self.cluster.patch(&Who::Controller, &at, None, &fields).await?;
        memory.app = Some(Arc::new(app));
        Ok(())
    }

    async fn release_app(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        let fields = with_finalizers(subject.resource_version.as_deref(), &others(&subject.finalizers));
        let at = app_address(subject);
        match self.cluster.patch(&Who::Controller, &at, None, &fields).await {
            Err(error) if error.kind != CallKind::NotFound => Err(error),
            _ => {
                memory.app = None;
                Ok(())
            }
        }
    }

    /// Takes our finalizer off an object that is ours alone; none if it is gone.
    pub(super) async fn let_go(
        &self,
        at: &Address,
        finalizers: &[String],
    ) -> Result<Option<DynamicObject>, CallError> {
        let fields = json!({"metadata": {"finalizers": others(finalizers)}});
        match self.cluster.patch(&Who::Controller, at, None, &fields).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == CallKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write_status(
        &self,
        subject: &Subject,
        report: &Report,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let status = report.to_status(&subject.status, Timestamp::now());
        let mut fields = json!({"status": status});
        if let Some(Value::Object(status)) = fields.get_mut("status") {
            // A merge leaves what it does not name: what is gone is named as gone.
            for field in ["revision", "handled", "replicas", "selector"] {
                status.entry(field).or_insert(Value::Null);
            }
        }
        let app = self
            .cluster
            .patch(&Who::Controller, &app_address(subject), Some("status"), &fields)
            .await?;
        memory.app = Some(Arc::new(app));
        Ok(())
    }
}

/// The finalizers of others.
fn others(finalizers: &[String]) -> Vec<&str> {
    let names = finalizers.iter().map(String::as_str);
    names.filter(|name| *name != names::FINALIZER).collect()
}

/// A merge that sets the finalizers, if the object is still as it was read.
fn with_finalizers(resource_version: Option<&str>, finalizers: &[&str]) -> Value {
    json!({"metadata": {"resourceVersion": resource_version, "finalizers": finalizers}})
}
