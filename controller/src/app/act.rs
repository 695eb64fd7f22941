//! Acting: one function for each action, each a call or two.

use super::live::writer;
use super::memory::Memory;
use super::observe::app_address;
use super::{Apps, Subject, events};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Preconditions, Who, finalizer};
use crate::world::digest_live;
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::delivery::{Action, Observed, RecordChange, Report, Source};
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
                if let (RecordChange::Wanted, Some(revision)) = (&change, record.wanted()) {
                    self.store(subject, revision).await?;
                }
                self.write_record(subject, &record, over, memory).await?;
                self.trim_stored(subject, &observed.record, &record).await;
                self.tell_of_record(subject, &record, &change).await;
                Ok(())
            }
            Action::RunHook { key, attempt } => self.run_hook(subject, &key, attempt).await,
            Action::ReleaseJob { name } => self.release_job(subject, &name).await,
            Action::DeleteJob { name } => self.delete_job(subject, &name).await,
            Action::Apply {
                stage,
                objects,
                cause,
                of,
            } => {
                let held = match of {
                    Source::Held => self.held_ask(subject, &observed.record, memory).await?,
                    Source::Wanted => None,
                };
                let ask = held
                    .as_deref()
                    .or_else(|| subject.ask().ok().filter(|_| of == Source::Wanted));
                let Some(ask) = ask else { return Ok(()) };
                self.apply_objects(subject, observed, ask, stage, &objects, cause, memory)
                    .await
            }
            Action::Look => self.look(subject, memory).await,
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
            Action::ReleaseRecord => {
                self.release_stored(subject, &observed.record).await;
                self.release_record(subject).await
            }
            Action::ReleaseApp => self.release_app(subject, memory).await,
            Action::WriteStatus(report) => self.write_status(subject, &report, memory).await,
            Action::Wait(_) => Ok(()),
        }
    }

    /// A refusal is remembered: it holds up neither what else is to be deleted, nor anything else.
    async fn delete_delivered(
        &self,
        subject: &Subject,
        key: ObjectKey,
        only: &Preconditions,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let still = match self.address_of(subject, &key).await? {
            Some(at) => self.cluster.delete(&writer(subject, &key), &at, only).await,
            None => Ok(None),
        };
        let still = match still {
            Ok(still) => still,
            Err(error) if error.kind == CallKind::Stale => {
                // It changed since it was read: it is read and judged again.
                memory.look = None;
                return Ok(());
            }
            Err(error) => {
                if memory.refuse(&key, &error) {
                    self.tell(subject, events::prune_blocked(&error)).await;
                }
                return Ok(());
            }
        };
        memory.no_longer_refused(&key);
        if !subject.view.deleting {
            self.tell(subject, events::pruned(&key)).await;
        }
        if let Some(look) = &mut memory.look {
            match still {
                Some(still) => look.live.insert(key, digest_live(&still)),
                None => look.live.remove(&key),
            };
        }
        Ok(())
    }

    async fn add_finalizer(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        let fields = finalizer::held(subject.resource_version.as_deref(), &subject.finalizers);
        let at = app_address(subject);
        let app = self.cluster.patch(&Who::Controller, &at, None, &fields).await?;
        memory.app = Some(Arc::new(app));
        Ok(())
    }

    async fn release_app(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        let fields = finalizer::let_go(subject.resource_version.as_deref(), &subject.finalizers);
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
        let fields = json!({"metadata": {"finalizers": finalizer::others(finalizers)}});
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
