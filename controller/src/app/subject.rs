//! One App as it was read: its spec, its owners, and what it renders to.

use crate::kube_io::finalizer;
use crate::world::{NamespacedName, ProjectView, Scaled, World};
use jiff::Timestamp;
use kube::api::DynamicObject;
use kubeop_shared::api::app::{DeliveryKind, Hook};
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::{AppSpec, AppStatus, names};
use kubeop_shared::delivery::{AppView, Gate, OnFailure, Stage, Wanted, WantedObject};
use kubeop_shared::render::{Composed, Declared, Ownership, Target};
use kubeop_shared::revision::{Digest, HookKey, ObjectKey, Phase, Pin, Record, RevisionHash, RevisionSpec};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An App that is looked at.
pub struct Subject {
    /// Namespace and name.
    pub key: NamespacedName,
    /// uid.
    pub uid: String,
    /// What `decide` sees of it.
    pub view: AppView,
    /// Its status as it is.
    pub status: AppStatus,
    /// Whether its Project lets it deliver.
    pub gate: Gate,
    /// When it was brought back from a backup, if it was.
    pub restored: Option<Timestamp>,
    /// Takes over fields of others.
    pub force: bool,
    /// Name and resourceVersion of the API object, and all finalizers.
    pub resource_version: Option<String>,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Its owners, where its Project is known.
    pub ownership: Option<Ownership>,
    /// Hash of what its spec says; none where that cannot be read.
    pub asked: Option<RevisionHash>,
    ask: Arc<Result<Ask, String>>,
    present: Present,
}

/// What an App asks for, and what that was made from: as long as that is the same, so is the rest.
pub struct Asked {
    generation: i64,
    ownership: Ownership,
    autoscalers: Vec<(String, Scaled)>,
    ask: Arc<Result<Ask, String>>,
}

/// What an App asks for, in full.
pub struct Ask {
    /// Its revision.
    pub spec: RevisionSpec,
    /// The objects by key.
    pub objects: BTreeMap<ObjectKey, Value>,
    /// What `decide` sees of it.
    pub wanted: Wanted,
}

impl Subject {
    /// Reads an App.
    pub fn new(app: &DynamicObject, world: &World, cluster_id: &str, asked: &mut Option<Asked>) -> Self {
        let metadata = &app.metadata;
        let key = NamespacedName {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        };
        let uid = metadata.uid.clone().unwrap_or_default();
        let spec = app.data.get("spec").cloned().unwrap_or(Value::Null);
        let spec: Result<AppSpec, String> =
            serde_json::from_value(spec).map_err(|error| format!("spec cannot be read: {error}"));
        let status = app
            .data
            .get("status")
            .cloned()
            .and_then(|status| serde_json::from_value(status).ok());
        let finalizers = metadata.finalizers.clone().unwrap_or_default();
        let annotation = |name: &str| metadata.annotations.as_ref()?.get(name).cloned();
        let project_name = spec
            .as_ref()
            .map(|spec| spec.project_ref.clone())
            .unwrap_or_default();
        let project = world.projects.get(&project_name);
        let ownership = project.as_ref().map(|project| Ownership {
            cluster: cluster_id.to_owned(),
            tenant: project.tenant.clone(),
            project: project_name.clone(),
            app: key.name.clone(),
            namespace: key.namespace.clone(),
        });
        let said = spec.as_ref().ok();
        let image = said.is_some_and(|spec| spec.delivery.kind == DeliveryKind::Image);
        let view = AppView {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: uid.clone(),
            generation: metadata.generation.unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            finalizer: finalizer::is_held(&finalizers),
            suspended: said.and_then(|spec| spec.suspend).unwrap_or(false),
            deletion_policy: said.and_then(|spec| spec.deletion_policy).unwrap_or_default(),
            history_limit: said
                .and_then(|spec| spec.revision_history_limit)
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(10),
            progress_deadline: said
                .and_then(|spec| spec.progress_deadline_seconds)
                .unwrap_or(600)
                .into(),
            retry: annotation(names::ANNOTATION_RETRY_HOOKS),
            author: annotation(names::ANNOTATION_AUTHOR),
            skip: annotation(names::ANNOTATION_SKIP_HOOK),
            rollback: annotation(names::ANNOTATION_ROLLBACK_TO),
            on_failure: match said.and_then(|spec| spec.rollback.as_ref()?.automatic) {
                Some(true) => OnFailure::RollBack,
                Some(false) | None => OnFailure::Stay,
            },
            change_cause: annotation(names::ANNOTATION_CHANGE_CAUSE),
            selector: image.then(|| format!("{}={}", names::LABEL_APP_ID, key.name)),
        };
        let ask = match (&spec, &ownership) {
            (Ok(spec), Some(ownership)) => {
                let autoscalers = autoscalers(&key.namespace, world);
                Asked::of(spec, view.generation, ownership, autoscalers, asked)
            }
            (Err(error), _) => Arc::new(Err(error.clone())),
            // The gate says so.
            (Ok(_), None) => Arc::new(Err("its Project is not known".to_owned())),
        };
        Self {
            asked: ask.as_ref().as_ref().ok().map(|ask| ask.wanted.hash.clone()),
            restored: annotation(names::ANNOTATION_RESTORED)
                .and(metadata.creation_timestamp.as_ref())
                .map(|time| time.0),
            gate: gate(&key, &project_name, project.as_ref(), world),
            uid,
            view,
            status: status.unwrap_or_default(),
            force: annotation(names::ANNOTATION_FORCE_CONFLICTS).as_deref() == Some("true"),
            resource_version: metadata.resource_version.clone(),
            finalizers,
            ownership,
            ask,
            present: said.map(Present::of).unwrap_or_default(),
            key,
        }
    }

    /// What is to be delivered: what its spec says, unless a pin holds it at another revision. Or why that cannot be
    /// read: a sentence.
    pub fn ask(&self) -> Result<&Ask, &String> {
        (*self.ask).as_ref()
    }

    /// The pin of its record that holds while its spec says what it says.
    pub fn pin<'r>(&self, record: &'r Record) -> Option<&'r Pin> {
        let asked = self.asked.as_ref()?;
        record.pin.as_ref().filter(|pin| pin.holds(asked))
    }

    /// From here on, this revision is to be delivered.
    pub fn hold_at(&mut self, ask: Arc<Result<Ask, String>>) {
        self.ask = ask;
    }

    /// Whether pre hooks stand between what is delivered and what is asked for.
    pub fn waits_for_hooks(&self, record: &Record) -> bool {
        let Ok(Ask { wanted, .. }) = self.ask() else {
            return false;
        };
        let key = |name: &String| HookKey {
            hash: wanted.hash.clone(),
            phase: Phase::Pre,
            name: name.clone(),
        };
        record.delivered_hash() != Some(&wanted.hash)
            && !self.view.deleting
            && wanted.pre.iter().any(|name| !record.is_done(&key(name)))
    }

    /// What a stored revision asks for, with what the spec of today says beside that.
    pub fn ask_of(&self, spec: RevisionSpec, hash: &RevisionHash, world: &World) -> Result<Ask, String> {
        let ownership = self.ownership.as_ref().ok_or("its Project is not known")?;
        let declared = Declared::stored(spec, hash.clone());
        Ask::new(
            declared,
            self.present,
            ownership,
            &autoscalers(&self.key.namespace, world),
        )
    }

    /// Generation of the spec.
    pub fn generation(&self) -> i64 {
        self.view.generation
    }

    /// A hook of what is asked for.
    pub fn hook(&self, key: &HookKey) -> Option<&Hook> {
        let spec = &self.ask().ok()?.spec;
        let hooks = match key.phase {
            Phase::Pre => spec.pre_hooks(),
            Phase::Post => spec.post_hooks(),
        };
        hooks.iter().find(|hook| hook.name == key.name)
    }
}

impl Asked {
    fn of(
        spec: &AppSpec,
        generation: i64,
        ownership: &Ownership,
        autoscalers: Vec<(String, Scaled)>,
        asked: &mut Option<Self>,
    ) -> Arc<Result<Ask, String>> {
        let same = |asked: &&mut Self| {
            asked.generation == generation
                && asked.ownership == *ownership
                && asked.autoscalers == autoscalers
        };
        if let Some(asked) = asked.as_mut().filter(same) {
            return asked.ask.clone();
        }
        let declared = Declared::read(spec, &ownership.namespace);
        let ask =
            declared.and_then(|declared| Ask::new(declared, Present::of(spec), ownership, &autoscalers));
        let ask = Arc::new(ask);
        *asked = Some(Self {
            generation,
            ownership: ownership.clone(),
            autoscalers,
            ask: ask.clone(),
        });
        ask
    }
}

/// What of an App's spec is no part of its revision, but of what is delivered.
#[derive(Clone, Copy, Default)]
struct Present {
    replicas: Option<i32>,
    progress_deadline: Option<i32>,
}

impl Present {
    fn of(spec: &AppSpec) -> Self {
        Self {
            replicas: spec.delivery.image.as_ref().and_then(|image| image.replicas),
            progress_deadline: spec.progress_deadline_seconds,
        }
    }
}

impl Ask {
    fn new(
        declared: Declared,
        present: Present,
        ownership: &Ownership,
        autoscalers: &[(String, Scaled)],
    ) -> Result<Self, String> {
        let hash = declared.hash.clone();
        let target = Target {
            ownership,
            hash: &hash,
            replicas: present.replicas,
            progress_deadline: present.progress_deadline,
        };
        let Composed {
            revision,
            objects: composed,
            images,
        } = Composed::new(declared, &target)?;
        let mut objects = BTreeMap::new();
        let mut wanted = Vec::new();
        let mut left = Vec::new();
        for (key, mut value) in composed {
            let stage = Stage::of(&key.group, &key.kind);
            left.extend(leave_replicas(&key, &mut value, autoscalers));
            let rendered = Digest::of(&value);
            if objects.insert(key.clone(), value).is_some() {
                return Err(format!("{key} is given twice"));
            }
            wanted.push(WantedObject { key, stage, rendered });
        }
        let names = |hooks: &[Hook]| hooks.iter().map(|hook| hook.name.clone()).collect();
        let wanted = Wanted {
            pre: names(revision.pre_hooks()),
            post: names(revision.post_hooks()),
            needs: revision.needs(),
            images,
            objects: wanted,
            left,
            hash,
        };
        Ok(Self {
            spec: revision,
            objects,
            wanted,
        })
    }
}

/// The autoscalers of a namespace with what they scale.
fn autoscalers(namespace: &str, world: &World) -> Vec<(String, Scaled)> {
    let first = |namespace: String| (namespace, String::new());
    let within = first(namespace.to_owned())..first(format!("{namespace}\0"));
    let pick = |(_, name): &(String, String), scaled: &Scaled| Some((name.clone(), scaled.clone()));
    world.autoscalers.filter_within(within, pick)
}

/// Takes the replicas out of a workload whose number an autoscaler sets, and says so.
fn leave_replicas(key: &ObjectKey, value: &mut Value, autoscalers: &[(String, Scaled)]) -> Option<String> {
    let (name, _) = autoscalers.iter().find(|(_, scaled)| {
        (&scaled.group, &scaled.kind, &scaled.name) == (&key.group, &key.kind, &key.name)
    })?;
    value.get_mut("spec")?.as_object_mut()?.remove("replicas")?;
    Some(format!(
        "spec.replicas of {key} is left to HorizontalPodAutoscaler {name}"
    ))
}

/// Whether the Project lets the App deliver.
fn gate(key: &NamespacedName, name: &str, project: Option<&ProjectView>, world: &World) -> Gate {
    let namespace = world.namespaces.get(&key.namespace);
    if namespace.as_ref().is_some_and(|namespace| namespace.deleting) {
        return Gate::NamespaceGoes;
    }
    let shut = |reason, message| Gate::Shut { reason, message };
    let Some(project) = project else {
        let message = format!(
            "spec.projectRef: project {name} does not exist. Create it, or name one of these:\nkubectl get projects.{}",
            names::GROUP
        );
        return shut(Reason::ProjectNotFound, message);
    };
    if project.namespace != key.namespace {
        let message = format!(
            "metadata.namespace: {:?} is not the namespace of project {name} ({}). Apply it there:\nkubectl apply -n {} -f <file>",
            key.namespace, project.namespace, project.namespace
        );
        return shut(Reason::WrongNamespace, message);
    }
    if namespace.is_some() && project.ready {
        return Gate::Open;
    }
    let message = format!("project {name} is not ready: {}", project.message);
    shut(Reason::ProjectNotReady, message)
}
