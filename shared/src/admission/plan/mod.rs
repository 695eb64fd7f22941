//! Rule 8: on a dry run, warnings that say what delivery would do. A function of the App as it is and as it would be,
//! and of its record. Silent and free where that is no new revision.

mod fields;
mod lines;
#[cfg(test)]
mod tests;

use super::scope::Scope;
use super::{Fact, Facts, Operation, Request};
use crate::api::AppSpec;
use crate::render::{Composed, Declared, Ownership, Target};
use crate::revision::{Digest, HookKey, ObjectKey, Phase, Record, RevisionHash};
use fields::changed;
use lines::Lines;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct App<'a> {
    #[serde(borrow)]
    spec: &'a RawValue,
}

/// One state of an App: what its spec says.
struct State {
    hash: RevisionHash,
    composed: Composed,
}

/// Adds the plan to the warnings of a dry run.
pub(super) fn add(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    object: &RawValue,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    if request.dry_run != Some(true) {
        return Ok(());
    }
    let spec = |object: &'_ RawValue| -> Option<String> {
        let app: App<'_> = serde_json::from_str(object.get()).ok()?;
        Some(app.spec.get().to_owned())
    };
    let Some(new) = spec(object) else { return Ok(()) };
    let old = request.old_object.and_then(spec);
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    let read = |text: &str| State::read(facts, scope, request, text);
    let (Some(new), old) = (read(&new), old.as_deref().and_then(read)) else {
        return Ok(());
    };
    if old.as_ref().is_some_and(|old| old.hash == new.hash) {
        return Ok(());
    }
    let record = if request.operation == Operation::Update {
        facts.record(&request.namespace, &request.name)?
    } else {
        None
    };
    let mut lines = Lines::new(&request.name);
    let record = record.as_deref();
    revision(record, old.as_ref(), &new, &mut lines);
    hooks(record, &new, &mut lines);
    objects(record, old.as_ref(), &new, &mut lines);
    lines.finish(warnings);
    Ok(())
}

impl State {
    /// None where it cannot be read: then there is nothing to plan.
    fn read(facts: &Facts, scope: &Scope, request: &Request<'_>, spec: &str) -> Option<Self> {
        let spec: AppSpec = serde_json::from_str(spec).ok()?;
        let ownership = Ownership {
            cluster: facts.cluster.id.clone(),
            tenant: scope.tenant_name.clone().unwrap_or_default(),
            project: spec.project_ref.clone(),
            app: request.name.clone().into_owned(),
            namespace: request.namespace.clone().into_owned(),
        };
        let declared = Declared::read(&spec, &request.namespace).ok()?;
        let hash = declared.hash.clone();
        let target = Target {
            ownership: &ownership,
            hash: &hash,
            replicas: spec.delivery.image.as_ref().and_then(|image| image.replicas),
            progress_deadline: spec.progress_deadline_seconds,
        };
        let composed = Composed::new(declared, &target).ok()?;
        Some(Self { hash, composed })
    }
}

fn revision(record: Option<&Record>, old: Option<&State>, new: &State, lines: &mut Lines) {
    let to = new.hash.short();
    let delivered = record.and_then(Record::delivered_hash);
    let Some(from) = delivered.or_else(|| old.map(|old| &old.hash)) else {
        return lines.add(&format!("revision {to}, the first"));
    };
    let kept = record.and_then(|record| record.revision(&new.hash));
    let kept = kept.map(|kept| format!(", kept as revision {}", kept.number));
    let lifted = record.and_then(|record| record.pin.as_ref());
    let lifted = lifted.map(|_| ", which ends the rollback".to_owned());
    let more = kept.into_iter().chain(lifted).collect::<String>();
    if *from == new.hash {
        lines.add(&format!("revision {to} is delivered already{more}"));
    } else {
        lines.add(&format!("revision {} -> {to}{more}", from.short()));
    }
}

fn hooks(record: Option<&Record>, new: &State, lines: &mut Lines) {
    let revision = &new.composed.revision;
    let pre = revision.pre_hooks().iter().map(|hook| (Phase::Pre, hook));
    let post = revision.post_hooks().iter().map(|hook| (Phase::Post, hook));
    for (phase, hook) in pre.chain(post) {
        let key = HookKey {
            hash: new.hash.clone(),
            phase,
            name: hook.name.clone(),
        };
        if record.is_none_or(|record| !record.is_done(&key)) {
            lines.add(&format!("run {phase} hook {}", hook.name));
        }
    }
}

fn objects(record: Option<&Record>, old: Option<&State>, new: &State, lines: &mut Lines) {
    let before: BTreeMap<&ObjectKey, &Value> = old
        .into_iter()
        .flat_map(|old| &old.composed.objects)
        .map(|(key, value)| (key, value))
        .collect();
    // Whether what the old spec says is what is there.
    let delivered = record.and_then(Record::delivered_hash);
    let known = record.is_none() || delivered == old.map(|old| &old.hash);
    let inventory = |key: &ObjectKey| record?.inventory.get(key);
    for (key, value) in &new.composed.objects {
        let there = inventory(key);
        match before.get(key) {
            Some(before) if known => {
                let fields = changed(before, value);
                if !fields.is_empty() {
                    lines.change(key, &fields);
                }
            }
            _ if there.is_none() => lines.add(&format!("create {}/{}", key.kind, key.name)),
            _ if there.and_then(|there| there.rendered.as_ref()) == Some(&Digest::of(value)) => {}
            _ => lines.change(key, &[]),
        }
    }
    let asked = |key: &&ObjectKey| new.composed.objects.iter().any(|(wanted, _)| wanted == *key);
    let there: Vec<&ObjectKey> = match record {
        Some(record) => record.inventory.keys().collect(),
        None => before.keys().copied().collect(),
    };
    for key in there.into_iter().filter(|key| !asked(key)) {
        if is_kept(key, before.get(key).copied()) {
            lines.add(&format!(
                "keep {}/{}, which nothing asks for any more",
                key.kind, key.name
            ));
        } else {
            lines.add(&format!("prune {}/{}", key.kind, key.name));
        }
    }
}

/// Whether an object stays when nothing asks for it, as far as its manifest says that.
fn is_kept(key: &ObjectKey, value: Option<&Value>) -> bool {
    let annotations = value.and_then(|value| value.pointer("/metadata/annotations"));
    let said = annotations.and_then(|all| all.get(crate::api::names::ANNOTATION_PRUNE)?.as_str());
    match said {
        Some("true") => false,
        Some("false") => true,
        _ => key.kind == "PersistentVolumeClaim",
    }
}
