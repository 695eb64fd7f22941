//! The chain of rules. Read it top to bottom: this is what admission does.

use super::app::App;
use super::request::{self, Metadata};
use super::scope::Scope;
use super::{
    Code, Fact, Facts, Operation, Request, Verdict, Violation, app, embedded, finalizer, hosts, lists, needs,
    no_trace, one_pass, ownership_labels, plan, project_namespace, protect, references, registry_allowlist,
    requests, stamps,
};
use crate::api::app::ManifestDelivery;
use crate::api::names::GROUP;
use crate::api::project::{Enforcement, ProjectSpec};
use crate::api::tenant::TenantSpec;
use crate::manifests::{FieldPath, Object, Place, find_images};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Adds what is missing, puts stamps right, and nothing else: `mutate(mutate(x)) = mutate(x)`.
pub fn mutate(facts: &Facts, request: &Request<'_>) -> Verdict {
    add_missing(facts, request).unwrap_or_else(Verdict::Need)
}

/// Decides on the final object: all violations at once.
pub fn validate(facts: &Facts, request: &Request<'_>) -> Verdict {
    judge(facts, request).unwrap_or_else(Verdict::Need)
}

fn pass() -> Verdict {
    Verdict::Allow {
        patch: Vec::new(),
        warnings: Vec::new(),
    }
}

fn add_missing(facts: &Facts, request: &Request<'_>) -> Result<Verdict, Fact> {
    // Subresources keep the labels of their object.
    let Some(object) = request.object.filter(|_| is_judged(request)) else {
        return Ok(pass());
    };
    if !request.sub_resource.is_empty() {
        return Ok(pass());
    }
    if request.namespace.is_empty() {
        return Ok(held(request, object));
    }
    // What cannot be read is refused by `validate`.
    let read = if request.is_own("App") {
        app::read_place(object).map(|app| (app.metadata, Some(app.spec)))
    } else {
        request::metadata(object).map(|metadata| (metadata, None))
    };
    let Ok((metadata, spec)) = read else {
        return Ok(pass());
    };
    if request.old_object.is_some() && metadata.is_ending() {
        return Ok(pass());
    }
    let project_ref = spec.as_ref().map(|spec| spec.project_ref.as_str());
    let scope = Scope::of(facts, request, project_ref)?;
    let (mut patch, mut warnings) = (Vec::new(), Vec::new());
    ownership_labels::add(
        facts,
        &scope,
        request,
        metadata.labels.as_ref(),
        &mut patch,
        &mut warnings,
    );
    // In a wrong namespace the default would only be a second fault.
    let at_home = scope
        .project
        .as_deref()
        .is_some_and(|project| project.namespace == request.namespace);
    if at_home && spec.is_some_and(|spec| spec.namespace.is_none()) {
        patch.push(json!({"op": "add", "path": "/spec/namespace", "value": request.namespace}));
    }
    if request.is_own("App") {
        finalizer::add(request, metadata.finalizers.as_deref(), &mut patch);
        let spec = stamps::add(facts, request, object, &mut patch, &mut warnings);
        requests::resolve(facts, request, object, spec.as_ref(), &mut patch, &mut warnings)?;
    }
    no_trace::add(request, object, &mut patch);
    Ok(Verdict::Allow { patch, warnings })
}

/// Cluster-scoped kinds have no labels of ours; Projects and Tenants wait for what they have, as Apps do.
fn held(request: &Request<'_>, object: &RawValue) -> Verdict {
    let mut patch = Vec::new();
    if (request.is_own("Project") || request.is_own("Tenant"))
        && let Ok(metadata) = request::metadata(object)
    {
        finalizer::add(request, metadata.finalizers.as_deref(), &mut patch);
    }
    Verdict::Allow {
        patch,
        warnings: Vec::new(),
    }
}

fn judge(facts: &Facts, request: &Request<'_>) -> Result<Verdict, Fact> {
    if request.operation == Operation::Delete {
        let fault = protect::check(request);
        return Ok(fault.map_or_else(pass, |fault| Verdict::Deny(vec![fault])));
    }
    let Some(object) = request.object.filter(|_| is_judged(request)) else {
        return Ok(pass());
    };
    if request.kind.group != GROUP {
        return judge_object(facts, request, object);
    }
    // What is going away may always go on doing so, and need not even be readable. Not so a Pod: it may still
    // not change its images.
    if request.old_object.is_some() && request::metadata(object).is_ok_and(|metadata| metadata.is_ending()) {
        return Ok(pass());
    }
    match &*request.kind.kind {
        "App" => judge_app(facts, request, object),
        "Project" => judge_project(facts, request, object),
        "Tenant" => Ok(judge_tenant(request, object)),
        _ => judge_object(facts, request, object),
    }
}

/// An App, of any delivery kind.
fn judge_app(facts: &Facts, request: &Request<'_>, object: &RawValue) -> Result<Verdict, Fact> {
    let App { metadata, spec } = match app::read(object) {
        Ok(app) => app,
        Err(error) => return Ok(Verdict::Deny(vec![unreadable(&error)])),
    };
    let scope = Scope::of(facts, request, Some(&spec.project_ref))?;
    let (mut violations, mut warnings) = (Vec::new(), Vec::new());
    references::project(facts, &scope, request, &spec.project_ref, &mut violations);
    project_namespace::check(&scope, request, spec.namespace.as_deref(), &mut violations);
    project_namespace::named(metadata.generate_name.as_deref(), &mut violations);
    let objects = delivery(facts, &scope, object, &spec, &mut violations, &mut warnings);
    needs::check(spec.hooks.as_ref(), &objects, &mut warnings);
    if !violations.is_empty()
        && let Some(old) = request.old_object
    {
        if app::same_revision(old, object) {
            // An update is judged on what it changes: metadata, status and scale pass.
            warnings.extend(violations.drain(..).map(|violation| stands(&violation)));
        } else {
            tell_of_before(facts, &scope, old, &mut violations);
        }
    }
    labels(facts, &scope, request, &metadata, &mut violations, &mut warnings);
    requests::check(facts, &scope, request, object, &mut violations, &mut warnings)?;
    let mut verdict = verdict(request, &scope, violations, warnings);
    if let Verdict::Allow { warnings, .. } = &mut verdict {
        plan::add(facts, &scope, request, object, warnings)?;
    }
    Ok(verdict)
}

/// What an App delivers: images, hooks and manifests. Returns the objects.
fn delivery(
    facts: &Facts,
    scope: &Scope,
    object: &RawValue,
    spec: &app::Spec,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Vec<Object> {
    images(facts, scope, Place::App, object, violations);
    hosts::of_app(scope, app::ingress_host(spec), violations);
    let lists = app::manifests(spec);
    let check = |(field, list): (&str, &ManifestDelivery)| {
        embedded::check(facts, scope, field, &list.manifests, violations, warnings)
    };
    lists.flat_map(check).collect()
}

/// Says of images and hosts that stood there before why they are refused now, and what is not.
fn tell_of_before(facts: &Facts, scope: &Scope, old: &RawValue, violations: &mut [Violation]) {
    let mut before = Vec::new();
    if let Ok(app) = app::read(old) {
        delivery(facts, scope, old, &app.spec, &mut before, &mut Vec::new());
    }
    for violation in violations {
        let told = match violation.code {
            Code::ImageNotAllowed => ", so a new revision with it could not start",
            Code::HostNotAllowed => ", so no new revision may have it",
            _ => continue,
        };
        if before.contains(violation) {
            violation.why.push_str(told);
            violation.why.push_str("; metadata and scale may still change");
        }
    }
}

/// A Pod or anything else in a project namespace.
fn judge_object(facts: &Facts, request: &Request<'_>, object: &RawValue) -> Result<Verdict, Fact> {
    let scope = Scope::of(facts, request, None)?;
    // Registrations select project namespaces; whatever else arrives is none of our business.
    if scope.project_name.is_none() {
        return Ok(pass());
    }
    let (mut violations, mut warnings) = (Vec::new(), Vec::new());
    let place = Place::of_kind(&request.kind.group, &request.kind.kind);
    let read = one_pass::metadata_and_images(object, place, |path, found| {
        violations.extend(registry_allowlist::check(facts, &scope, path, found));
    });
    let metadata = match read {
        Ok(metadata) => metadata,
        Err(error) => return Ok(Verdict::Deny(vec![unreadable(&error)])),
    };
    violations.sort_by_cached_key(|violation| in_order(&violation.path));
    if !violations.is_empty()
        && let Some(place) = place
        && let Some(old) = request.old_object
    {
        let before = images_by_path(place, old);
        let now = images_by_path(place, object);
        violations.retain(|violation| {
            let unchanged = before.contains_key(&violation.path)
                && before.get(&violation.path) == now.get(&violation.path);
            if unchanged {
                warnings.push(stands(violation));
            }
            !unchanged
        });
    }
    if let Err(error) = hosts::of_object(&scope, request, object, &mut violations, &mut warnings) {
        return Ok(Verdict::Deny(vec![unreadable(&error)]));
    }
    references::dns_record(facts, request, &metadata, object, &mut warnings)?;
    labels(facts, &scope, request, &metadata, &mut violations, &mut warnings);
    Ok(verdict(request, &scope, violations, warnings))
}

fn judge_project(facts: &Facts, request: &Request<'_>, object: &RawValue) -> Result<Verdict, Fact> {
    let (spec, old) = match specs::<ProjectSpec>(request, object) {
        Ok(specs) => specs,
        Err(error) => return Ok(Verdict::Deny(vec![unreadable(&error)])),
    };
    let (mut violations, mut before) = (Vec::new(), Vec::new());
    references::tenant(facts, request, &spec.tenant_ref, &mut violations)?;
    if let Some(old) = old {
        if old.tenant_ref == spec.tenant_ref {
            before.clone_from(&violations);
        }
        lists::check(&old.image_allowlist, &mut before);
    }
    lists::check(&spec.image_allowlist, &mut violations);
    Ok(judged_by_change(request, violations, &before))
}

fn judge_tenant(request: &Request<'_>, object: &RawValue) -> Verdict {
    let (spec, old) = match specs::<TenantSpec>(request, object) {
        Ok(specs) => specs,
        Err(error) => return Verdict::Deny(vec![unreadable(&error)]),
    };
    let (mut violations, mut before) = (Vec::new(), Vec::new());
    lists::check(&spec.image_allowlist, &mut violations);
    if let Some(old) = old {
        lists::check(&old.image_allowlist, &mut before);
    }
    judged_by_change(request, violations, &before)
}

/// What an object says, and what it said before.
fn specs<S: DeserializeOwned>(
    request: &Request<'_>,
    object: &RawValue,
) -> Result<(S, Option<S>), serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct WithSpec<S> {
        spec: S,
    }
    let read =
        |object: &RawValue| serde_json::from_str::<WithSpec<S>>(object.get()).map(|object| object.spec);
    Ok((read(object)?, request.old_object.and_then(|old| read(old).ok())))
}

/// A fault that stood there before is told, not refused: the object must stay writable.
fn judged_by_change(request: &Request<'_>, violations: Vec<Violation>, before: &[Violation]) -> Verdict {
    let (stood, new): (Vec<_>, Vec<_>) = violations.into_iter().partition(|fault| before.contains(fault));
    verdict(
        request,
        &Scope::default(),
        new,
        stood.iter().map(stands).collect(),
    )
}

/// Rule 2 for every image of the object.
fn images(facts: &Facts, scope: &Scope, place: Place, object: &RawValue, violations: &mut Vec<Violation>) {
    let mut source = serde_json::Deserializer::from_str(object.get());
    let walked = find_images(place, &FieldPath::Root(""), &mut source, |path, found| {
        violations.extend(registry_allowlist::check(facts, scope, path, found));
    });
    if let Err(error) = walked {
        violations.push(unreadable(&error));
    }
}

/// Rule 3. A label that stood there before is told, not refused: the object must stay writable.
fn labels(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    metadata: &Metadata<'_>,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) {
    let foreign = ownership_labels::check(facts, scope, request, metadata.labels.as_ref());
    if foreign.is_empty() {
        return;
    }
    let old = request.old_object.and_then(|old| request::metadata(old).ok());
    let before = ownership_labels::check(facts, scope, request, old.and_then(|old| old.labels).as_ref());
    for violation in foreign {
        if before.contains(&violation) {
            warnings.push(stands(&violation));
        } else {
            violations.push(violation);
        }
    }
}

/// A path as faults are told in its order. The order in which the API server writes fields is its own, and another one
/// than that of files.
fn in_order(path: &str) -> Vec<Result<usize, String>> {
    let pieces = path.split(['.', '[', ']']);
    pieces
        .map(|piece| piece.parse().map_err(|_| piece.to_owned()))
        .collect()
}

fn images_by_path(place: Place, object: &RawValue) -> BTreeMap<String, String> {
    let mut images = BTreeMap::new();
    let mut source = serde_json::Deserializer::from_str(object.get());
    // What cannot be walked has no image that could count as unchanged.
    let _ = find_images(place, &FieldPath::Root(""), &mut source, |path, found| {
        images.insert(path.to_string(), format!("{found:?}"));
    });
    images
}

fn verdict(
    request: &Request<'_>,
    scope: &Scope,
    violations: Vec<Violation>,
    mut warnings: Vec<String>,
) -> Verdict {
    // The Project that the namespace belongs to decides, not one that an App elsewhere names.
    let audit = scope.project.as_deref().is_some_and(|project| {
        project.enforcement == Enforcement::Audit && project.namespace == request.namespace
    });
    // What is going away takes nothing new, whatever may run in it.
    let ends = violations
        .iter()
        .any(|violation| violation.code == Code::ProjectDeleting);
    if audit && !ends {
        warnings.extend(violations.iter().map(|violation| format!("audit: {violation}")));
    } else if !violations.is_empty() {
        return Verdict::Deny(violations);
    }
    Verdict::Allow {
        patch: Vec::<Value>::new(),
        warnings,
    }
}

/// What an unchanged fault is told as.
pub(super) fn stands(violation: &Violation) -> String {
    format!("not changed by this request, and would be refused today: {violation}")
}

/// What has no object passes.
fn is_judged(request: &Request<'_>) -> bool {
    matches!(request.operation, Operation::Create | Operation::Update)
}

/// What does not have the form of its kind, as a violation.
pub fn unreadable(error: &serde_json::Error) -> Violation {
    Violation {
        code: Code::ObjectUnreadable,
        path: "object".to_owned(),
        value: String::new(),
        why: format!("does not have the form of its kind: {error}"),
        remedy: "kubectl explain shows the form.".to_owned(),
    }
}
