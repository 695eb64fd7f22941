//! Observing: from caches, and live where a stale answer could hurt or no watch tells.

use super::memory::Memory;
use super::rollback::undone;
use super::{Apps, Subject};
use crate::kube_io::{Address, CallError, Cluster, Who, address};
use crate::world::{NamespacedName, RecordEntry, digest_record};
use jiff::{SignedDuration, Timestamp};
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{Gate, Look, Observed, RecordView, Report};
use std::collections::BTreeMap;

/// How long after an App was brought back from a backup its record may follow it.
const RESTORE: SignedDuration = SignedDuration::from_mins(2);

impl<C: Cluster> Apps<C> {
    /// What `decide` sees of an App now.
    pub(super) async fn observe(
        &self,
        subject: &mut Subject,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Observed, CallError> {
        let record = self.record(subject).await?;
        self.hold_at_pin(subject, &record, memory).await?;
        let (inventory, version) = match &record {
            RecordView::Present {
                record,
                resource_version,
            } => (Some(record.as_ref()), Some(resource_version.as_str())),
            RecordView::Absent | RecordView::Unusable(_) => (None, None),
        };
        self.learn_held(subject, inventory, memory).await?;
        let held = memory.held.as_ref().map(|held| held.wanted.clone());
        // A look is as good as the record that it went by, and answers one question only.
        let looked = memory
            .look
            .as_ref()
            .filter(|look| look.record.as_deref() == version && look.generation == subject.view.generation);
        let mut gate = subject.gate.clone();
        if let (Gate::Open, Some(restored)) = (&gate, subject.restored)
            && restored + RESTORE > now
        {
            gate = Gate::Restoring {
                until: restored + RESTORE,
            };
        }
        if looked.is_some_and(|look| look.kind_goes) {
            gate = Gate::KindGoes;
        }
        let mut live = looked.map(|look| look.live.clone()).unwrap_or_default();
        let look = if looked.is_some() {
            Look::Live
        } else {
            Look::Caches
        };
        if subject.gate == Gate::NamespaceGoes {
            // Everything goes by itself, and the rights to look at it are gone already.
            live = BTreeMap::new();
        } else if !subject.view.deleting {
            live.extend(self.live(subject, held.as_ref(), inventory, memory).await?);
        }
        self.explain(subject, &mut live);
        let changes = self.world.kinds.changes();
        let appeared = memory.failure.as_ref().is_some_and(|failure| {
            failure.reason == Reason::UnknownKind && memory.kinds_at_failure != changes
        });
        if appeared {
            memory.failure = None;
        }
        Ok(Observed {
            now,
            app: subject.view.clone(),
            gate,
            asked: subject.asked.clone(),
            wanted: subject.ask().map(|ask| ask.wanted.clone()).map_err(Clone::clone),
            undone: undone(&live, memory),
            held,
            jobs: self.jobs(subject, inventory, memory, now).await?,
            live,
            look,
            applied: memory.applied.clone(),
            failure: memory.failure.clone(),
            refused: memory.refused.clone(),
            fights: memory.drift.fights().clone(),
            compliant: self.compliant(subject, &record),
            status: Report::of(&subject.status),
            record,
        })
    }

    /// The record. An App that is being deleted may have one that no watch sees: without our label.
    async fn record(&self, subject: &Subject) -> Result<RecordView, CallError> {
        let kept = self.world.records.get(&subject.key);
        let known = match kept.and_then(|kept| kept.open()) {
            None if subject.view.deleting => self.read_record(subject).await?,
            known => known,
        };
        Ok(match known {
            None => RecordView::Absent,
            Some(entry) => match entry.read() {
                Err(error) => RecordView::Unusable(error),
                Ok(record) => RecordView::Present {
                    record: Box::new(record),
                    resource_version: entry.resource_version,
                },
            },
        })
    }

    /// Reads the record from the API server into the cache.
    pub(super) async fn read_record(&self, subject: &Subject) -> Result<Option<RecordEntry>, CallError> {
        let at = record_address(subject);
        let Some(object) = self.cluster.get(&Who::Controller, &at).await? else {
            self.world.records.forget(&subject.key);
            return Ok(None);
        };
        let entry = digest_record(&object);
        self.world.records.forget(&subject.key);
        let version = Some(entry.resource_version.as_str());
        self.world
            .records
            .put(subject.key.clone(), version, entry.keep(Timestamp::now()));
        Ok(Some(entry))
    }

    /// After an answer that told of stale news: App and record are read from the API server.
    pub(super) async fn read_again(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        self.read_record(subject).await?;
        let app = self.cluster.get(&Who::Controller, &app_address(subject)).await?;
        memory.app = app.map(std::sync::Arc::new);
        Ok(())
    }
}

pub(super) fn record_address(subject: &Subject) -> Address {
    let name = names::record_name(&subject.key.name);
    address("", "v1", "ConfigMap", Some(&subject.key.namespace), &name)
}

pub(super) fn app_address(subject: &Subject) -> Address {
    let NamespacedName { namespace, name } = &subject.key;
    address(names::GROUP, names::VERSION, "App", Some(namespace), name)
}
