//! What Argo CD, Flux and Helm write on manifests to know what is theirs: left out, since it would be a lie about
//! an object that kubeOP delivers, and would make such a tool take it over or delete it. And manifests that such a
//! tool would run as hooks.
//!
//! Left alone is what only informs or instructs: `app.kubernetes.io/managed-by: Helm` and `…/instance`, which charts
//! print on everything and selectors may use, and without a release's annotations bind Helm to nothing;
//! `helm.sh/chart`; sync waves, sync options and the like of Argo CD and Flux, which act only on what these track.
//! An instruction to keep an object is told to have no effect, since somebody may count on it. Pod templates are left alone, too: a label less there restarts Pods.

use super::read::{FaultKind, Notice};
use crate::api::names::ANNOTATION_PRUNE;
use serde_json::{Map, Value};
use std::fmt;

/// Labels and annotations by which other tools track what is theirs. Sources: the tools' documentation of resource
/// tracking, garbage collection, and adoption by a release.
const TRACKING: [&str; 14] = [
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/installation-id",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
    "kustomize.toolkit.fluxcd.io/checksum",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "resourceset.fluxcd.controlplane.io/name",
    "resourceset.fluxcd.controlplane.io/namespace",
    "fluxcd.io/sync-checksum",
    "fluxcd.io/sync-gc-mark",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];

/// Instructions of other tools to keep an object that is no longer asked for: field, name, and a part of the value.
const KEEP: [(&str, &str, &str); 5] = [
    ("annotations", "helm.sh/resource-policy", "keep"),
    ("annotations", "argocd.argoproj.io/sync-options", "Prune=false"),
    ("annotations", "argocd.argoproj.io/sync-options", "Delete=false"),
    ("annotations", "kustomize.toolkit.fluxcd.io/prune", "disabled"),
    ("labels", "kustomize.toolkit.fluxcd.io/prune", "disabled"),
];

/// A tool that runs some manifests as hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookTool {
    /// Helm, by `helm.sh/hook`.
    Helm,
    /// Argo CD, by `argocd.argoproj.io/hook`.
    ArgoCd,
}

impl HookTool {
    const ALL: [Self; 2] = [Self::Helm, Self::ArgoCd];

    /// The annotation that makes a manifest a hook.
    #[must_use]
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Helm => "helm.sh/hook",
            Self::ArgoCd => "argocd.argoproj.io/hook",
        }
    }

    /// Hooks that run on nothing that kubeOP does, as the tool itself compares them.
    fn skips(self, hook: &str) -> bool {
        match self {
            Self::Helm => matches!(
                hook.to_ascii_lowercase().as_str(),
                "test"
                    | "test-success"
                    | "test-failure"
                    | "pre-delete"
                    | "post-delete"
                    | "pre-rollback"
                    | "post-rollback"
            ),
            Self::ArgoCd => matches!(hook, "Skip" | "SyncFail" | "PreDelete" | "PostDelete"),
        }
    }
}

/// `Helm`, `Argo CD`.
impl fmt::Display for HookTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Helm => "Helm",
            Self::ArgoCd => "Argo CD",
        })
    }
}

/// What a manifest is to other tools.
pub(super) enum Hook {
    /// No hook.
    None,
    /// A hook that is passed over, and why as a notice.
    Skipped(Notice),
    /// A hook that somebody counts on: the field of its annotation, and what is wrong.
    Refused(String, FaultKind, String),
}

/// Whether a manifest is a hook of another tool.
pub(super) fn hook(path: &str, object: &Map<String, Value>) -> Hook {
    let mut skipped = Hook::None;
    for tool in HookTool::ALL {
        let annotation = tool.annotation();
        let Some(hooks) = text(object, "annotations", annotation) else {
            continue;
        };
        if hooks.split(',').all(|hook| tool.skips(hook.trim())) {
            skipped = Hook::Skipped(Notice {
                path: format!("{path}.metadata.annotations[{annotation}]"),
                what: format!("is {hooks:?}, a hook that only {tool} runs: the manifest is not delivered"),
            });
        } else {
            return Hook::Refused(
                format!("metadata.annotations[{annotation}]"),
                FaultKind::Hook(tool, Work::of(object)),
                format!("is {hooks:?}: only {tool} runs that"),
            );
        }
    }
    skipped
}

/// Whether a hook's manifest runs something itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// It runs Pods: it can be one of the App's hooks.
    Runs,
    /// It is there for a hook, as a ConfigMap is.
    Serves,
}

impl Work {
    fn of(object: &Map<String, Value>) -> Self {
        match object.get("kind").and_then(Value::as_str) {
            Some("Job" | "Pod") => Self::Runs,
            _ => Self::Serves,
        }
    }
}

/// Takes off what other tools track by, and says so.
pub(super) fn take_marks_off(path: &str, object: &mut Map<String, Value>, notices: &mut Vec<Notice>) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    for field in ["labels", "annotations"] {
        let Some(Value::Object(entries)) = metadata.get_mut(field) else {
            continue;
        };
        let marks: Vec<_> = TRACKING
            .iter()
            .filter(|mark| entries.remove(**mark).is_some())
            .collect();
        if entries.is_empty() && !marks.is_empty() {
            metadata.remove(field);
        }
        notices.extend(marks.iter().map(|mark| Notice {
            path: format!("{path}.metadata.{field}[{mark}]"),
            what: "is how another tool tells what is its own, and is left out".to_owned(),
        }));
    }
}

/// Tells of an instruction to keep the object that only another tool follows.
pub(super) fn tell_of_keeping(path: &str, object: &Map<String, Value>, notices: &mut Vec<Notice>) {
    let claim = object.get("kind").and_then(Value::as_str) == Some("PersistentVolumeClaim");
    if claim || text(object, "annotations", ANNOTATION_PRUNE).is_some() {
        return;
    }
    let kept = KEEP
        .into_iter()
        .find(|(field, name, part)| text(object, field, name).is_some_and(|value| value.contains(part)));
    notices.extend(kept.map(|(field, name, _)| Notice {
        path: format!("{path}.metadata.{field}[{name}]"),
        what: format!("has no effect here; the annotation {ANNOTATION_PRUNE}: \"false\" keeps the object"),
    }));
}

fn text<'o>(object: &'o Map<String, Value>, field: &str, key: &str) -> Option<&'o str> {
    object.get("metadata")?.get(field)?.get(key)?.as_str()
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
