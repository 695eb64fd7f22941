//! Observing: from caches, and live where a stale answer could hurt or no watch tells.

use super::memory::Memory;
use super::{Apps, Subject, pods};
use crate::kube_io::{Address, CallError, Cluster, Who, address, known_resource};
use crate::watches;
use crate::world::{AppKey, Delivered, HookJobEntry, RecordEntry, digest_live, digest_record};
use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use kubeop_shared::api::names;
use kubeop_shared::delivery::{Gate, JobState, JobView, Live, Observed, RecordView, Report};
use kubeop_shared::health::{Health, hook_job};
use kubeop_shared::render::hook_of_job;
use kubeop_shared::revision::{ObjectKey, Record};
use serde_json::Value;
use std::collections::BTreeMap;

impl<C: Cluster> Apps<C> {
    /// What `decide` sees of an App now.
    pub(super) async fn observe(
        &self,
        subject: &Subject,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Observed, CallError> {
        let record = self.record(subject).await?;
        let inventory = match &record {
            RecordView::Present { record, .. } => Some(record.as_ref()),
            RecordView::Absent | RecordView::Unusable(_) => None,
        };
        let live = if subject.gate == Gate::NamespaceGoes {
            // Everything goes by itself, and the rights to look at it are gone already.
            BTreeMap::new()
        } else if subject.view.deleting {
            self.live_of_deleted(subject, inventory, memory).await?
        } else {
            self.live(subject, inventory, memory).await?
        };
        Ok(Observed {
            now,
            app: subject.view.clone(),
            gate: subject.gate.clone(),
            wanted: subject
                .ask
                .as_ref()
                .map(|ask| ask.wanted.clone())
                .map_err(Clone::clone),
            jobs: self.jobs(subject, inventory, memory, now).await?,
            live,
            applied: memory.applied.clone(),
            failure: memory.failure.clone(),
            status: Report::of(&subject.status),
            record,
        })
    }

    /// The record. An App that is being deleted may have one that no watch sees: without our label.
    async fn record(&self, subject: &Subject) -> Result<RecordView, CallError> {
        let known = match self.world.records.get(&subject.key) {
            None if subject.view.deleting => self.read_record(subject).await?,
            known => known,
        };
        Ok(match known {
            None => RecordView::Absent,
            Some(RecordEntry {
                record: Err(error), ..
            }) => RecordView::Unusable(error),
            Some(RecordEntry {
                record: Ok(record),
                resource_version,
                ..
            }) => RecordView::Present {
                record: Box::new(record),
                resource_version,
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
        self.world
            .records
            .put(subject.key.clone(), Some(&entry.resource_version), entry.clone());
        Ok(Some(entry))
    }

    /// After an answer that told of stale news: App and record are read from the API server.
    pub(super) async fn read_again(&self, subject: &Subject, memory: &mut Memory) -> Result<(), CallError> {
        self.read_record(subject).await?;
        let app = self.cluster.get(&Who::Controller, &app_address(subject)).await?;
        memory.app = app.map(std::sync::Arc::new);
        Ok(())
    }

    async fn live(
        &self,
        subject: &Subject,
        record: Option<&Record>,
        memory: &Memory,
    ) -> Result<BTreeMap<ObjectKey, Live>, CallError> {
        let mut live = BTreeMap::new();
        let Ok(ask) = &subject.ask else { return Ok(live) };
        for object in &ask.wanted.objects {
            let slot = (subject.key.namespace.clone(), object.key.clone());
            let mut known = self.world.live.get(&slot);
            let applied = memory.applied.contains_key(&object.key)
                || record.is_some_and(|record| {
                    record
                        .inventory
                        .get(&object.key)
                        .is_some_and(|entry| entry.uid.is_some())
                });
            if known.is_none() && applied && !watches::is_watched(&object.key) {
                known = self.read_live(subject, &object.key).await?;
            }
            if let Some(Delivered { app, live: seen }) = known
                && app == subject.key.name
            {
                live.insert(object.key.clone(), seen);
            }
        }
        Ok(live)
    }

    /// Reads an object that no watch tells of.
    pub(super) async fn read_live(
        &self,
        subject: &Subject,
        key: &ObjectKey,
    ) -> Result<Option<Delivered>, CallError> {
        let Some(object) = self.get_delivered(subject, key).await? else {
            return Ok(None);
        };
        let slot = (subject.key.namespace.clone(), key.clone());
        let entry = Delivered {
            app: app_of(&object),
            live: digest_live(&object),
        };
        self.world
            .live
            .put(slot, object.metadata.resource_version.as_deref(), entry.clone());
        Ok(Some(entry))
    }

    /// What exists of the inventory, and is ours: read from the API server once, then kept up by the
    /// deletions themselves.
    async fn live_of_deleted(
        &self,
        subject: &Subject,
        record: Option<&Record>,
        memory: &mut Memory,
    ) -> Result<BTreeMap<ObjectKey, Live>, CallError> {
        if let Some(live) = &memory.live {
            return Ok(live.clone());
        }
        let mut live = BTreeMap::new();
        let keys = record.into_iter().flat_map(|record| record.inventory.keys());
        for key in keys.chain(memory.applied.keys()) {
            if let Some(seen) = self.own_live(subject, key).await? {
                live.insert(key.clone(), seen);
            }
        }
        memory.live = Some(live.clone());
        Ok(live)
    }

    /// An object of the inventory, if it exists and carries our mark for this App.
    pub(super) async fn own_live(
        &self,
        subject: &Subject,
        key: &ObjectKey,
    ) -> Result<Option<Live>, CallError> {
        let object = self.get_delivered(subject, key).await?;
        let ours = |object: &DynamicObject| {
            let live = digest_live(object);
            (live.owned.is_some() && app_of(object) == subject.key.name).then_some(live)
        };
        Ok(object.as_ref().and_then(ours))
    }

    async fn get_delivered(
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
        let resource = match known_resource(key) {
            Some(resource) => Some(resource),
            None => self.cluster.discover(&key.api_version(), &key.kind).await?,
        };
        Ok(resource.map(|resource| Address {
            resource,
            namespace: Some(subject.key.namespace.clone()),
            name: key.name.clone(),
        }))
    }

    async fn jobs(
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

    /// What keeps the Pod of a hook from running. Kept in mind: when the Job's deadline ends it, the Pod is
    /// gone with its reason.
    fn waits_for(&self, subject: &Subject, job: &str, memory: &mut Memory) -> Option<String> {
        let waits = self.world.hook_pods.filter(|(namespace, _), pod| {
            let ours = *namespace == subject.key.namespace && pod.job == job;
            ours.then(|| pods::waits_for(&pod.pod)).flatten()
        });
        let why = waits.into_iter().next();
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

pub(super) fn record_address(subject: &Subject) -> Address {
    let name = names::record_name(&subject.key.name);
    address("", "v1", "ConfigMap", Some(&subject.key.namespace), &name)
}

pub(super) fn app_address(subject: &Subject) -> Address {
    let AppKey { namespace, name } = &subject.key;
    address(names::GROUP, names::VERSION, "App", Some(namespace), name)
}

/// The App that an object's label names.
pub(super) fn app_of(object: &DynamicObject) -> String {
    let labels = object.metadata.labels.as_ref();
    labels
        .and_then(|labels| labels.get(names::LABEL_APP_ID))
        .cloned()
        .unwrap_or_default()
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
        .ask
        .as_ref()
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
