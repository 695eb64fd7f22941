//! What kept revisions say: a Secret for each, since it may hold Secrets. Written before the record names the
//! revision, and gone once it no longer does.

use super::memory::{Held, Memory};
use super::subject::Ask;
use super::{Apps, Subject};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Effect, Preconditions, Who, address};
use crate::watches::LABEL_RECORD;
use k8s_openapi::ByteString;
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::RecordView;
use kubeop_shared::render::Ownership;
use kubeop_shared::revision::{Record, Revision, RevisionSpec};
use serde_json::{Value, json};
use std::sync::Arc;

/// Key in the Secret's `data`.
const KEY: &str = "revision.json.gz";
/// Type of the Secret.
const TYPE: &str = "platform.kubeop.io/revision";

impl<C: Cluster> Apps<C> {
    /// Stores what the App asks for under the number of a revision. What a record names is never overwritten: a
    /// leader that is late, or has stale news, would take another revision's number.
    pub(super) async fn store(&self, subject: &Subject, revision: &Revision) -> Result<(), CallError> {
        let Ok(ask) = subject.ask() else { return Ok(()) };
        let at = stored_address(subject, revision.number);
        let mut labels = json!(subject.ownership.as_ref().map(Ownership::labels));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(LABEL_RECORD.to_owned(), json!("true"));
        }
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE,
            "metadata": {
                "name": at.name,
                "namespace": subject.key.namespace,
                "labels": labels,
                "annotations": {names::ANNOTATION_REVISION_HASH: revision.hash.full()},
                "ownerReferences": [{
                    "apiVersion": names::API_VERSION,
                    "kind": "App",
                    "name": subject.key.name,
                    "uid": subject.uid,
                }],
            },
            "data": {KEY: ByteString(ask.spec.pack())},
        });
        let me = Who::Controller;
        match self.cluster.create(&me, &at, &secret, Effect::Real).await {
            Err(error) if error.kind == CallKind::AlreadyExists => {}
            created => return created.map(drop),
        }
        let there = self.cluster.get(&me, &at).await?;
        let entry = self.read_record(subject).await?;
        let record = entry.and_then(|entry| entry.read().ok());
        let error = |kind, message| Err(CallError::own(format!("store Secret {}", at.name), kind, message));
        let Some(there) = there else {
            return error(CallKind::Stale, "it was there, and is gone".to_owned());
        };
        match InTheWay::of(&there, &subject.uid, revision, record.as_ref()) {
            InTheWay::Same => Ok(()),
            InTheWay::Named => error(CallKind::Stale, "its number is another revision's".to_owned()),
            InTheWay::Left => {
                if let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) {
                    let version = json!(there.metadata.resource_version);
                    metadata.insert("resourceVersion".to_owned(), version);
                }
                self.cluster.replace(&me, &at, &secret).await.map(drop)
            }
            InTheWay::Foreign => error(
                CallKind::Refused,
                format!(
                    "it exists and is not kubeOP's. If nobody needs it:\nkubectl delete -n {} secret/{}",
                    subject.key.namespace, at.name
                ),
            ),
        }
    }

    /// Deletes what is stored of revisions that a record, just written, no longer names. What cannot be deleted goes
    /// with the App.
    pub(super) async fn trim_stored(&self, subject: &Subject, before: &RecordView, after: &Record) {
        let any = Preconditions {
            uid: None,
            resource_version: None,
        };
        let kept = |number: u64| after.history.iter().any(|revision| revision.number == number);
        for revision in revisions(before).iter().filter(|revision| !kept(revision.number)) {
            let at = stored_address(subject, revision.number);
            if let Err(error) = self.cluster.delete(&Who::Controller, &at, &any).await {
                tracing::warn!(app = %subject.key, %error, "a stored revision stays");
            }
        }
    }

    /// Deletes what is stored of a record that is let go. No write has just proved that the record is today's, and
    /// another App of this name may have revisions of the same numbers: each is looked at.
    pub(super) async fn release_stored(&self, subject: &Subject, record: &RecordView) {
        for revision in revisions(record) {
            let at = stored_address(subject, revision.number);
            if let Err(error) = self.delete_stored(&at, revision).await {
                tracing::warn!(app = %subject.key, %error, "a stored revision stays");
            }
        }
    }

    async fn delete_stored(&self, at: &Address, revision: &Revision) -> Result<(), CallError> {
        let me = Who::Controller;
        let there = self.cluster.get(&me, at).await?;
        let Some(there) = there.filter(|there| says(there, revision)) else {
            return Ok(());
        };
        let only = Preconditions {
            uid: there.metadata.uid,
            resource_version: there.metadata.resource_version,
        };
        self.cluster.delete(&me, at, &only).await.map(drop)
    }

    /// Learns what is delivered, where the App asks for something else and has to wait for it.
    pub(super) async fn learn_held(
        &self,
        subject: &Subject,
        record: Option<&Record>,
        memory: &mut Memory,
    ) -> Result<(), CallError> {
        let Some(record) = record.filter(|record| subject.waits_for_hooks(record)) else {
            memory.held = None;
            return Ok(());
        };
        let known = memory.held.as_ref().map(|held| held.number);
        if known != record.delivered {
            memory.held = self.read_held(subject, record).await?;
        }
        Ok(())
    }

    /// What is delivered: as it was rendered then, with the replicas of today. None where that is not known any
    /// more.
    async fn read_held(&self, subject: &Subject, record: &Record) -> Result<Option<Held>, CallError> {
        let delivered = record
            .delivered
            .and_then(|number| record.history.iter().find(|r| r.number == number));
        let Some(revision) = delivered else {
            return Ok(None);
        };
        let ask = match self.read_stored(subject, revision).await? {
            Some(spec) => subject.ask_of(spec, &revision.hash, &self.world).ok(),
            None => None,
        };
        Ok(ask.map(|ask| Held {
            number: revision.number,
            wanted: ask.wanted.clone(),
            ask: Some(ask.into()),
        }))
    }

    /// The objects of what is delivered.
    pub(super) async fn held_ask(
        &self,
        subject: &Subject,
        record: &RecordView,
        memory: &mut Memory,
    ) -> Result<Option<Arc<Ask>>, CallError> {
        let known = memory.held.as_ref().and_then(|held| held.ask.clone());
        if let (None, RecordView::Present { record, .. }) = (&known, record) {
            memory.held = self.read_held(subject, record).await?;
        }
        Ok(memory.held.as_ref().and_then(|held| held.ask.clone()))
    }

    /// What is stored of a revision; none if that is gone or damaged.
    pub(super) async fn read_stored(
        &self,
        subject: &Subject,
        revision: &Revision,
    ) -> Result<Option<RevisionSpec>, CallError> {
        let at = stored_address(subject, revision.number);
        let Some(secret) = self.cluster.get(&Who::Controller, &at).await? else {
            return Ok(None);
        };
        let bytes = secret.data.get("data").and_then(|data| data.get(KEY)).cloned();
        let bytes: Option<ByteString> = bytes.and_then(|bytes| serde_json::from_value(bytes).ok());
        let unpack = |ByteString(bytes): ByteString| RevisionSpec::unpack(&bytes, &revision.hash);
        match bytes.map(unpack) {
            Some(Ok(spec)) => Ok(Some(spec)),
            Some(Err(error)) => {
                let doing = format!("read Secret {}", at.name);
                tracing::warn!(app = %subject.key, doing, %error, "a stored revision is of no use");
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// A Secret where a revision is to be stored.
#[derive(Debug, PartialEq, Eq)]
enum InTheWay {
    /// It is this very revision: it was stored, and then something crashed.
    Same,
    /// The record names it.
    Named,
    /// It is of a record that was never written, or of an earlier App.
    Left,
    /// Somebody else made it.
    Foreign,
}

impl InTheWay {
    fn of(there: &DynamicObject, uid: &str, revision: &Revision, record: Option<&Record>) -> Self {
        if there.data.get("type").and_then(Value::as_str) != Some(TYPE) {
            return Self::Foreign;
        }
        let mut owners = there.metadata.owner_references.iter().flatten();
        let ours = owners.any(|owner| owner.uid == uid);
        let mut history = record.iter().flat_map(|record| &record.history);
        if ours && says(there, revision) {
            Self::Same
        } else if history.any(|known| known.number == revision.number && says(there, known)) {
            Self::Named
        } else {
            Self::Left
        }
    }
}

/// Whether a Secret is a stored revision, by its type and the hash on it.
fn says(there: &DynamicObject, revision: &Revision) -> bool {
    let annotations = there.metadata.annotations.as_ref();
    let hash = annotations.and_then(|all| all.get(names::ANNOTATION_REVISION_HASH));
    there.data.get("type").and_then(Value::as_str) == Some(TYPE)
        && hash.map(String::as_str) == Some(revision.hash.full())
}

fn revisions(record: &RecordView) -> &[Revision] {
    match record {
        RecordView::Present { record, .. } => &record.history,
        RecordView::Absent | RecordView::Unusable(_) => &[],
    }
}

fn stored_address(subject: &Subject, revision: u64) -> Address {
    let name = names::stored_name(&subject.key.name, revision);
    address("", "v1", "Secret", Some(&subject.key.namespace), &name)
}

#[cfg(test)]
mod tests {
    use super::{InTheWay, TYPE};
    use jiff::Timestamp;
    use kube::api::DynamicObject;
    use kubeop_shared::api::names::ANNOTATION_REVISION_HASH;
    use kubeop_shared::revision::{Record, Revision, RevisionHash};
    use serde_json::json;

    fn revision(digit: &str) -> Revision {
        let hash = RevisionHash::read(&digit.repeat(64)).unwrap();
        Revision::started(2, hash, Timestamp::UNIX_EPOCH)
    }

    fn secret(kind: &str, uid: &str, of: &Revision) -> DynamicObject {
        serde_json::from_value(
            json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {
                "name": "kubeop-revision-pay-2",
                "annotations": {ANNOTATION_REVISION_HASH: of.hash.full()},
                "ownerReferences": [{"apiVersion": "v1", "kind": "App", "name": "pay", "uid": uid}],
            }}),
        )
        .unwrap()
    }

    #[test]
    fn s55_what_a_record_names_is_not_overwritten_and_what_is_left_over_is() {
        let (ours, other) = (revision("a"), revision("b"));
        let record = Record {
            history: vec![other.clone()],
            ..Record::default()
        };
        let judge = |there: &DynamicObject, record| InTheWay::of(there, "u1", &ours, record);
        assert_eq!(judge(&secret(TYPE, "u1", &other), Some(&record)), InTheWay::Named);
        assert_eq!(judge(&secret(TYPE, "u1", &other), None), InTheWay::Left);
        assert_eq!(judge(&secret(TYPE, "u1", &ours), Some(&record)), InTheWay::Same);
        // Of an earlier App: its owner's end takes it away.
        assert_eq!(judge(&secret(TYPE, "u0", &ours), Some(&record)), InTheWay::Left);
        assert_eq!(
            judge(&secret("Opaque", "u1", &ours), Some(&record)),
            InTheWay::Foreign
        );
    }
}
