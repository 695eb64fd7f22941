//! A hook as a Job of one container.

use super::labels::Ownership;
use super::set;
use crate::api::app::Hook;
use crate::api::names;
use crate::revision::{Digest, HookKey, Phase};
use serde_json::{Value, json};

/// Deadline of a hook that gives none, in seconds.
const TIMEOUT: i64 = 600;

/// One attempt of one hook.
#[derive(Clone, Copy, Debug)]
pub struct HookJob<'a> {
    /// Owners and namespace.
    pub ownership: &'a Ownership,
    /// uid of the App.
    pub app_uid: &'a str,
    /// Revision, phase and name.
    pub key: &'a HookKey,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What it says.
    pub hook: &'a Hook,
}

/// Name of the Job of one attempt: readable, and made from App uid, phase, hook, revision and attempt.
/// So one that exists proves that this attempt was started.
#[must_use]
pub fn hook_job_name(app: &str, app_uid: &str, key: &HookKey, attempt: u32) -> String {
    let HookKey { hash, phase, name } = key;
    let identity = format!("{app_uid}/{phase}/{name}/{hash}/{attempt}");
    let digest = Digest::of_text(&identity);
    let digits = digest.as_str().get(..10).unwrap_or_default();
    let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
    format!(
        "{}-{}-{digits}",
        cut(app, 30),
        cut(name, 20).trim_end_matches('-')
    )
}

/// The Job.
#[must_use]
pub fn hook_job(job: &HookJob<'_>) -> Value {
    let HookJob {
        ownership,
        app_uid,
        key,
        attempt,
        hook,
    } = job;
    let phase = key.phase.to_string();
    let mut labels = json!(ownership.labels());
    set(&mut labels, names::LABEL_HOOK, Some(&key.name));
    set(&mut labels, names::LABEL_HOOK_PHASE, Some(&phase));
    // Without app-id: the Service of the App must not lead here.
    let template_labels = json!({
        names::LABEL_PROJECT_ID: ownership.project,
        names::LABEL_HOOK_OF: ownership.app,
        names::LABEL_HOOK: key.name,
        names::LABEL_HOOK_PHASE: phase,
    });
    let mut pod = json!({"restartPolicy": "Never", "containers": [container(hook)]});
    set(&mut pod, "serviceAccountName", hook.service_account_name.as_ref());
    set(&mut pod, "volumes", hook.volumes.as_ref());
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": hook_job_name(&ownership.app, app_uid, key, *attempt),
            "namespace": ownership.namespace,
            "labels": labels,
            "annotations": {
                names::ANNOTATION_REVISION: key.hash.full(),
                names::ANNOTATION_ATTEMPT: attempt.to_string(),
            },
            "finalizers": [names::FINALIZER],
            "ownerReferences": [{
                "apiVersion": names::API_VERSION,
                "kind": "App",
                "name": ownership.app,
                "uid": app_uid,
                "controller": true,
            }],
        },
        "spec": {
            "backoffLimit": hook.backoff_limit.unwrap_or(0),
            "activeDeadlineSeconds": hook.timeout_seconds.unwrap_or(TIMEOUT),
            "template": {"metadata": {"labels": template_labels}, "spec": pod},
        },
    })
}

fn container(hook: &Hook) -> Value {
    let mut container = json!({
        "name": hook.name,
        "image": hook.image,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    });
    let into = &mut container;
    set(into, "command", hook.command.as_ref());
    set(into, "args", hook.args.as_ref());
    set(into, "env", hook.env.as_ref());
    set(into, "envFrom", hook.env_from.as_ref());
    set(into, "volumeMounts", hook.volume_mounts.as_ref());
    set(into, "resources", hook.resources.as_ref());
    container
}

/// Reads back which hook a Job is of, from its labels and annotations.
#[must_use]
pub fn hook_of_job(job: &Value) -> Option<(HookKey, u32)> {
    let label = |name: &str| job.get("metadata")?.get("labels")?.get(name)?.as_str();
    let annotation = |name: &str| job.get("metadata")?.get("annotations")?.get(name)?.as_str();
    let key = HookKey {
        hash: crate::revision::RevisionHash::read(annotation(names::ANNOTATION_REVISION)?)?,
        phase: Phase::read(label(names::LABEL_HOOK_PHASE)?)?,
        name: label(names::LABEL_HOOK)?.to_owned(),
    };
    Some((key, annotation(names::ANNOTATION_ATTEMPT)?.parse().ok()?))
}
