//! Rule 5, second part: hosts lie in the project's `hosts[]`: those of DNSRecords and Certificates, and those of
//! routes, whether an App makes or delivers them or a person creates them. Outside project namespaces no list holds.

use super::chain::stands;
use super::scope::Scope;
use super::{Code, Request, Violation};
use crate::api::names::GROUP;
use crate::host::{HostVerdict, Hosts, normal_form};
use crate::manifests::hosts::{HostPlace, RoutedHost, routed_hosts};
use crate::manifests::{GroupVersionKind, Object};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The host of `image.ingress` of an App.
pub(super) fn of_app(scope: &Scope, host: Option<&str>, violations: &mut Vec<Violation>) {
    const PATH: &str = "spec.delivery.image.ingress.host";
    violations.extend(host.and_then(|host| outside(scope, PATH.to_owned(), host)));
}

/// The hosts of a manifest that an App delivers.
pub(super) fn of_manifest(scope: &Scope, object: &Object, violations: &mut Vec<Violation>) {
    let GroupVersionKind { group, kind, .. } = &object.gvk;
    if !is_ingress(group, kind) {
        return;
    }
    // What has another form is refused by the API server whoever applies it.
    for mut found in routed_hosts(&object.value).unwrap_or_default() {
        found.path = format!("{}.{}", object.path, found.path);
        violations.extend(fault(scope, &found));
    }
}

/// The hosts of a `DNSRecord`, a `Certificate` or an `Ingress`. One that stood there before is told, not refused: the
/// object must stay writable.
pub(super) fn of_object(
    scope: &Scope,
    request: &Request<'_>,
    object: &RawValue,
    violations: &mut Vec<Violation>,
    warnings: &mut Vec<String>,
) -> Result<(), serde_json::Error> {
    let faults: Vec<_> = said(request, object)?
        .into_iter()
        .filter_map(|found| Some((fault(scope, &found)?, found)))
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    let old = request.old_object.and_then(|old| said(request, old).ok());
    let before = old.unwrap_or_default();
    for (fault, found) in faults {
        if before.iter().any(|before| is_same(before, &found)) {
            warnings.push(stands(&fault));
        } else {
            violations.push(fault);
        }
    }
    Ok(())
}

/// What an object says of hosts; nothing where its kind has none.
fn said(request: &Request<'_>, object: &RawValue) -> Result<Vec<RoutedHost>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Named {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        host: String,
    }
    let (group, kind) = (&*request.kind.group, &*request.kind.kind);
    if is_ingress(group, kind) {
        return routed_hosts(&mut serde_json::Deserializer::from_str(object.get()));
    }
    if group != GROUP || !matches!(kind, "DNSRecord" | "Certificate") {
        return Ok(Vec::new());
    }
    let named: Named = serde_json::from_str(object.get())?;
    Ok(vec![RoutedHost {
        path: "spec.host".to_owned(),
        place: HostPlace::Rule,
        host: Some(named.spec.host),
    }])
}

fn is_ingress(group: &str, kind: &str) -> bool {
    group == "networking.k8s.io" && kind == "Ingress"
}

/// Whether two hosts say the same, wherever in their lists they stand.
fn is_same(one: &RoutedHost, other: &RoutedHost) -> bool {
    let host = |found: &RoutedHost| found.host.as_deref().map(normal_form);
    one.place == other.place && host(one) == host(other)
}

fn fault(scope: &Scope, found: &RoutedHost) -> Option<Violation> {
    if let Some(host) = &found.host {
        return outside(scope, found.path.clone(), host);
    }
    let HostVerdict::Refused(not_under) = hosts(scope).judge_every_host() else {
        return None;
    };
    let (why, remedy) = match found.place {
        HostPlace::DefaultBackend => ("takes requests for every host, which", "Leave it out"),
        HostPlace::Rule | HostPlace::Tls => (
            "is missing, so the rule takes every host, which",
            "Write one of these or a name under it",
        ),
    };
    Some(Violation {
        code: Code::HostNotAllowed,
        path: found.path.clone(),
        value: String::new(),
        why: format!("{why} {not_under}"),
        remedy: format!("{remedy}, or ask {}.", scope.whom_to_ask()),
    })
}

/// What is wrong with the host that stands at `path`; none if it lies in every list, or no list is given.
fn outside(scope: &Scope, path: String, host: &str) -> Option<Violation> {
    let HostVerdict::Refused(not_under) = hosts(scope).judge(host) else {
        return None;
    };
    Some(Violation {
        code: Code::HostNotAllowed,
        path,
        value: host.to_owned(),
        why: not_under.to_string(),
        remedy: format!(
            "Use one of these or a name under it, or ask {}.",
            scope.whom_to_ask()
        ),
    })
}

/// The lists that hold.
fn hosts(scope: &Scope) -> Hosts<'_> {
    let tenant = scope.tenant.as_deref();
    let project = scope.project.as_deref();
    Hosts {
        tenant: tenant.and_then(|tenant| Some((tenant.name.as_str(), tenant.hosts.as_ref()?))),
        project: project.and_then(|project| Some((project.name.as_str(), project.hosts.as_ref()?))),
    }
}
