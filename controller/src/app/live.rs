//! Delivered objects as they are: from caches kept by watches, or read.

use super::memory::{LiveLook, Memory};
use super::{Apps, Subject, events};
use crate::kube_io::{Address, CallError, CallKind, Cluster, Kind, Scope, Who, api_resource, kind_goes};
use crate::watches;
use crate::world::{Delivered, KeptRecord, LiveKey, NamespacedName, digest_key, digest_live, pending_class};
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{Live, Observed, RecordView, Wanted};
use kubeop_shared::revision::{InventoryEntry, ObjectKey, Record};
use std::collections::{BTreeMap, BTreeSet};

impl<C: Cluster> Apps<C> {
    /// What is wanted, or still held, and exists, by the caches.
    pub(super) async fn live(
        &self,
        subject: &Subject,
        held: Option<&Wanted>,
        record: Option<&Record>,
        memory: &Memory,
    ) -> Result<BTreeMap<ObjectKey, Live>, CallError> {
        let mut live = BTreeMap::new();
        let wanted = subject.ask().into_iter().map(|ask| &ask.wanted);
        for object in wanted.chain(held).flat_map(|wanted| &wanted.objects) {
            let entry = |record: &Record| record.inventory.get(&object.key)?.uid.clone();
            let applied = memory.applied.contains_key(&object.key) || record.and_then(entry).is_some();
            let current = !applied || self.is_followed(subject, &object.key);
            let known = match self.world.live_of(&subject.key.namespace, &object.key) {
                None if !current => self.read_live(subject, &object.key).await?,
                known => known,
            };
            if let Some(Delivered { app, live: seen, .. }) = known
                && app == subject.key.name
            {
                live.insert(object.key.clone(), seen);
            }
        }
        Ok(live)
    }

    /// Whether a watch tells of an object's changes. Where it does not yet, it is started.
    fn is_followed(&self, subject: &Subject, key: &ObjectKey) -> bool {
        if watches::is_watched(key) {
            return true;
        }
        let kind = self.world.kinds.get(&key.api_version(), &key.kind);
        kind.is_some_and(|kind| self.followed.follow(&subject.key.namespace, &kind.resource))
    }

    /// Reads an object that no watch tells of.
    pub(super) async fn read_live(
        &self,
        subject: &Subject,
        key: &ObjectKey,
    ) -> Result<Option<Delivered>, CallError> {
        let Some(object) = self.get_delivered(subject, key).await? else {
            self.world.live.forget(&LiveKey::new(&subject.key.namespace, key));
            return Ok(None);
        };
        Ok(Some(self.see(subject, key, &object)))
    }

    /// Puts an object that was just read or written into the cache, and returns what is kept of it.
    pub(super) fn see(&self, subject: &Subject, key: &ObjectKey, object: &DynamicObject) -> Delivered {
        let seen = Delivered {
            app: app_of(object),
            pending_class: pending_class(object),
            live: digest_live(object),
        };
        self.world.put_live(&subject.key.namespace, key, &seen);
        seen
    }

    /// Reads the record, and what exists of the inventory without being asked for: all of it, if the App is
    /// being deleted.
    pub(super) async fn look(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        let entry = self.read_record(subject).await?;
        let mut look = LiveLook {
            generation: subject.view.generation,
            record: entry.as_ref().map(|entry| entry.resource_version.clone()),
            ..LiveLook::default()
        };
        if subject.view.deleting {
            look.kind_goes = kind_goes(&self.cluster, "apps").await?;
            self.met_unknown_jobs(subject).await?;
        }
        let record = entry.and_then(|entry| entry.read().ok());
        let inventory = record.map(|record| record.inventory).unwrap_or_default();
        let asked: BTreeSet<&ObjectKey> = match subject.ask() {
            Ok(ask) if !subject.view.deleting => ask.objects.keys().collect(),
            _ => BTreeSet::new(),
        };
        let applied = memory.applied.iter();
        let known: BTreeMap<&ObjectKey, &InventoryEntry> = applied.chain(&inventory).collect();
        for (key, entry) in known {
            if look.kind_goes || asked.contains(key) {
                continue;
            }
            if let Some(live) = self.own_live(subject, key, entry).await? {
                if live.keep && memory.kept.insert(key.clone()) {
                    self.tell(subject, events::kept(&subject.key.namespace, key))
                        .await;
                }
                look.live.insert(key.clone(), live);
            }
        }
        memory.look = Some(look);
        Ok(())
    }

    /// An object of the inventory, if it exists and is this App's: by its label, or by its uid where somebody
    /// took the label off.
    async fn own_live(
        &self,
        subject: &Subject,
        key: &ObjectKey,
        entry: &InventoryEntry,
    ) -> Result<Option<Live>, CallError> {
        let object = self.get_delivered(subject, key).await?;
        let ours = |object: &DynamicObject| {
            let live = digest_live(object);
            let label = app_of(object);
            let known = label.is_empty() && entry.uid.as_ref() == Some(&live.uid);
            (live.owned.is_some() && (label == subject.key.name || known)).then_some(live)
        };
        Ok(object.as_ref().and_then(ours))
    }

    /// An object at the place of a delivered one, whoever made it.
    pub(super) async fn get_delivered(
        &self,
        subject: &Subject,
        key: &ObjectKey,
    ) -> Result<Option<DynamicObject>, CallError> {
        match self.address_of(subject, key).await? {
            Some(at) => self.cluster.get(&writer(subject, key), &at).await,
            // A kind that does not exist has no objects.
            None => Ok(None),
        }
    }

    /// Address of a delivered object; none if its kind does not exist.
    pub(super) async fn address_of(
        &self,
        subject: &Subject,
        key: &ObjectKey,
    ) -> Result<Option<Address>, CallError> {
        let api_version = key.api_version();
        let resource = if watches::is_watched(key) {
            api_resource(&key.group, &key.version, &key.kind)
        } else {
            let kind = match self.world.kinds.get(&api_version, &key.kind) {
                Some(kind) => kind,
                None => match self.cluster.discover(&api_version, &key.kind).await? {
                    Some(kind) => {
                        self.world.kinds.put(&api_version, &key.kind, kind.clone());
                        kind
                    }
                    None => return Ok(None),
                },
            };
            namespaced(key, kind)?
        };
        Ok(Some(Address {
            resource,
            namespace: Some(subject.key.namespace.clone()),
            name: key.name.clone(),
        }))
    }

    /// The App that holds an object by its record, if it is another one.
    pub(super) fn other_holder(&self, subject: &Subject, key: &ObjectKey) -> Option<String> {
        let live = self.world.live_of(&subject.key.namespace, key);
        let label = live.map(|delivered| delivered.app);
        let digest = digest_key(key);
        let all = NamespacedName::all_of(&subject.key.namespace);
        let holders = self.world.records.filter_within(all, |app, entry| {
            let holds = entry.may_name(digest) && app.name != subject.key.name;
            holds.then(|| (app.name.clone(), entry.clone()))
        });
        let holds = |(app, entry): (String, KeptRecord)| {
            let record = entry.open()?.read().ok()?;
            let held = record.inventory.get(key)?;
            // About to apply it is not enough, unless the object says that it was.
            (held.uid.is_some() || label.as_ref() == Some(&app)).then_some(app)
        };
        holders.into_iter().find_map(holds)
    }
}

fn namespaced(key: &ObjectKey, kind: Kind) -> Result<kube::core::ApiResource, CallError> {
    match kind.scope {
        Scope::Namespaced => Ok(kind.resource),
        Scope::Cluster => {
            let message = format!(
                "kind {} of {} lives in no namespace, and an App delivers into its own only. Take it out of the \
                 manifests, and let an administrator apply it:\nkubectl apply -f <file>",
                key.kind,
                key.api_version()
            );
            Err(CallError::own(format!("apply {key}"), CallKind::Refused, message))
        }
    }
}

/// What is known of an object that was applied: by memory, else by the record.
pub(super) fn known<'o>(observed: &'o Observed, key: &ObjectKey) -> Option<&'o InventoryEntry> {
    let recorded = match &observed.record {
        RecordView::Present { record, .. } => record.inventory.get(key),
        RecordView::Absent | RecordView::Unusable(_) => None,
    };
    observed.applied.get(key).or(recorded)
}

/// As whom an object is written: our own kinds are ours, the rest is the deployer's.
pub(super) fn writer(subject: &Subject, key: &ObjectKey) -> Who {
    if key.group == names::GROUP {
        Who::Controller
    } else {
        Who::Deployer {
            namespace: subject.key.namespace.clone(),
        }
    }
}

/// The App that an object's label names.
fn app_of(object: &DynamicObject) -> String {
    let labels = object.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(names::LABEL_APP_ID))
        .cloned()
        .unwrap_or_default()
}
