//! Rule 1, second part: what an App's manifests may be.

use super::scope::Scope;
use super::{Code, Facts, Violation, registry_allowlist};
use crate::api::names::GROUP;
use crate::image::is_placeholder;
use crate::manifests::{
    Fault, FaultKind, FieldPath, Found, Object, Place, find_images, is_cluster_scoped, is_of_kubernetes,
    read_manifests,
};
use serde_json::Value;

/// Hooks of Helm that run on nothing that kubeOP does.
const SKIPPED_HELM_HOOKS: &[&str] = &[
    "test",
    "test-success",
    "test-failure",
    "pre-delete",
    "post-delete",
    "pre-rollback",
    "post-rollback",
];

/// Marks by which other tools track what is theirs.
const TRACKING_MARKS: &[&str] = &[
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/instance",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];

/// Reads `manifests` and checks every object in them against rules 1 and 2.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    field: &str,
    manifests: &[Value],
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) {
    match read_manifests(field, manifests) {
        Ok(objects) => {
            for object in &objects {
                check_object(facts, scope, object, violations, warnings);
            }
        }
        Err(faults) => violations.extend(faults.into_iter().map(unreadable)),
    }
}

fn check_object(
    facts: &Facts,
    scope: &Scope,
    object: &Object,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) {
    let gvk = &object.gvk;
    let mut refuse = |code, field: &str, value: &str, why: String, remedy: String| {
        violations.push(Violation {
            code,
            path: format!("{}.{field}", object.path),
            value: value.to_owned(),
            why,
            remedy,
        });
    };
    if gvk.group == GROUP {
        refuse(
            Code::OwnKind,
            "kind",
            &gvk.kind,
            "is kubeOP's own kind, which an App cannot deliver".to_owned(),
            "Apply it by itself.".to_owned(),
        );
        return;
    }
    if is_cluster_scoped(&gvk.group, &gvk.kind) {
        refuse(
            Code::ClusterScoped,
            "kind",
            &gvk.kind,
            "belongs to no namespace, and an App to one".to_owned(),
            format!("Leave it out, or ask {}.", scope.whom_to_ask()),
        );
    } else if let Some(namespace) = &object.namespace
        && let Some(project) = scope.project.as_deref()
        && *namespace != project.namespace
    {
        refuse(
            Code::OtherNamespace,
            "metadata.namespace",
            namespace,
            format!(
                "is not the namespace of project {} ({})",
                project_name(scope),
                project.namespace
            ),
            format!("Write {}, or leave it out.", project.namespace),
        );
    }
    if !is_of_kubernetes(&gvk.group) {
        warnings.push(format!(
            "{}: kind {gvk} is not known here; delivery decides",
            object.path
        ));
    }
    marks(object, &mut refuse, warnings);
    if let Some(place) = Place::of_manifest(&gvk.group, &gvk.kind) {
        let root = FieldPath::Root(&object.path);
        // A tree cannot fail to be walked.
        let _ = find_images(place, &root, &object.value, |path, found| {
            match (registry_allowlist::check(facts, scope, path, found), found) {
                (Some(fault), Found::Text(text))
                    if place == Place::Custom
                        && fault.code == Code::ImageUnreadable
                        && is_placeholder(text) =>
                {
                    warnings.push(format!(
                        "{path}: {text:?} is filled in by another program; the Pod that it starts is judged"
                    ));
                }
                (fault, _) => violations.extend(fault),
            }
        });
    }
}

/// Helm hooks, and marks of other tools.
fn marks(
    object: &Object,
    refuse: &mut impl FnMut(Code, &str, &str, String, String),
    warnings: &mut Vec<String>,
) {
    let text = |map: &str, key: &str| {
        let metadata = object.value.get("metadata")?;
        metadata.get(map)?.get(key)?.as_str().map(str::to_owned)
    };
    if let Some(hooks) = text("annotations", "helm.sh/hook") {
        if hooks
            .split(',')
            .all(|hook| SKIPPED_HELM_HOOKS.contains(&hook.trim()))
        {
            warnings.push(format!("{}: helm.sh/hook {hooks} is not delivered", object.path));
        } else {
            refuse(
                Code::HelmHook,
                "metadata.annotations[helm.sh/hook]",
                &hooks,
                "is run by Helm only".to_owned(),
                "Move it to spec.hooks.".to_owned(),
            );
        }
    }
    for mark in TRACKING_MARKS {
        for map in ["labels", "annotations"] {
            if text(map, mark).is_some() {
                warnings.push(format!(
                    "{}: metadata.{map}[{mark}] is another tool's and is left out",
                    object.path
                ));
            }
        }
    }
}

fn project_name(scope: &Scope) -> &str {
    scope.project_name.as_deref().unwrap_or_default()
}

fn unreadable(fault: Fault) -> Violation {
    let (code, remedy) = match fault.kind {
        FaultKind::Unreadable => (Code::ManifestUnreadable, "Correct the text."),
        FaultKind::NotAnObject => (
            Code::ManifestNotAnObject,
            "Write apiVersion, kind and metadata.name.",
        ),
        FaultKind::GeneratedName => (Code::GenerateName, "Write metadata.name."),
    };
    let why = match fault.line {
        Some(line) => format!("{} (line {line})", fault.why),
        None => fault.why,
    };
    Violation {
        code,
        path: fault.path,
        value: String::new(),
        why,
        remedy: remedy.to_owned(),
    }
}
