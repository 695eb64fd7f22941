//! Rule 1, second part: what an App's manifests may be.

use super::scope::Scope;
use super::{Code, Facts, Violation, hosts, registry_allowlist};
use crate::api::names::GROUP;
use crate::image::is_placeholder;
use crate::manifests::{
    Fault, FaultKind, Faulty, FieldPath, Found, HookTool, Object, Place, duplicates, find_images,
    is_cluster_scoped, is_of_kubernetes, read_manifests,
};
use serde_json::Value;

/// Reads `manifests` and checks every object in them against rules 1, 2 and 5. Returns the objects.
pub(super) fn check(
    facts: &Facts,
    scope: &Scope,
    field: &str,
    manifests: &[Value],
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Vec<Object> {
    let (read, faults) = match read_manifests(field, manifests) {
        Ok(read) => (read, Vec::new()),
        Err(Faulty { faults, rest }) => (rest, faults),
    };
    violations.extend(faults.iter().map(unreadable));
    warnings.extend(read.notices.iter().map(ToString::to_string));
    for object in &read.objects {
        check_object(facts, scope, object, violations, warnings);
    }
    let home = scope.project.as_deref().map_or("", |project| &project.namespace);
    violations.extend(duplicates(&read.objects, home).into_iter().map(given_twice));
    read.objects
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
    hosts::of_manifest(scope, object, violations);
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

fn project_name(scope: &Scope) -> &str {
    scope.project_name.as_deref().unwrap_or_default()
}

fn unreadable(fault: &Fault) -> Violation {
    let code = match fault.kind {
        FaultKind::Unreadable => Code::ManifestUnreadable,
        FaultKind::NotAnObject => Code::ManifestNotAnObject,
        FaultKind::GeneratedName => Code::GenerateName,
        FaultKind::Hook(HookTool::Helm, _) => Code::HelmHook,
        FaultKind::Hook(HookTool::ArgoCd, _) => Code::ArgoHook,
    };
    Violation {
        code,
        path: fault.path.clone(),
        value: String::new(),
        why: fault.why_with_line(),
        remedy: fault.remedy().to_owned(),
    }
}

fn given_twice((object, first): (&Object, &str)) -> Violation {
    Violation {
        code: Code::GivenTwice,
        path: format!("{}.metadata.name", object.path),
        value: object.name.clone(),
        why: format!("is the {} that stands at {first}", object.gvk.kind),
        remedy: "Keep one of them.".to_owned(),
    }
}
