//! Rule 5, first part: what an App or a Project names exists, and is not going away. Who restores from a backup brings
//! objects in any order: what is missing then is said by a condition.

use super::request::Metadata;
use super::scope::Scope;
use super::{Code, Fact, Facts, Operation, Request, Violation};
use crate::api::names::LABEL_APP_ID;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The Project of an App.
pub(super) fn project(
    facts: &Facts,
    scope: &Scope,
    request: &Request<'_>,
    project_ref: &str,
    violations: &mut Vec<Violation>,
) {
    let fault = |code, why: &str, remedy: &str| Violation {
        code,
        path: "spec.projectRef".to_owned(),
        value: project_ref.to_owned(),
        why: why.to_owned(),
        remedy: remedy.to_owned(),
    };
    match scope.project.as_deref() {
        None if facts.restores(request) => {}
        None => violations.push(fault(
            Code::ProjectNotFound,
            "is no Project of this cluster",
            "kubectl get projects.platform.kubeop.io lists them.",
        )),
        Some(project) if project.deleting && request.operation == Operation::Create => {
            violations.push(fault(
                Code::ProjectDeleting,
                "is being deleted, and takes no new Apps",
                "Wait until it is gone and make it again, or name another one.",
            ));
        }
        Some(_) => {}
    }
}

/// The Tenant of a Project.
pub(super) fn tenant(
    facts: &Facts,
    request: &Request<'_>,
    tenant_ref: &str,
    violations: &mut Vec<Violation>,
) -> Result<(), Fact> {
    let fault = |code, why: &str, remedy: &str| Violation {
        code,
        path: "spec.tenantRef".to_owned(),
        value: tenant_ref.to_owned(),
        why: why.to_owned(),
        remedy: remedy.to_owned(),
    };
    match facts.tenant(tenant_ref)? {
        None if facts.restores(request) => {}
        None => violations.push(fault(
            Code::TenantNotFound,
            "is no Tenant of this cluster",
            "kubectl get tenants.platform.kubeop.io lists them.",
        )),
        Some(tenant) if tenant.deleting => violations.push(fault(
            Code::TenantDeleting,
            "is being deleted, and takes no new Projects",
            "Wait until it is gone and make it again, or name another one.",
        )),
        Some(_) => {}
    }
    Ok(())
}

/// The `DNSRecord` of a Certificate. A missing one is told, since it may come later, and never refused. Nobody reads
/// warnings about a Certificate that an App makes, which makes the record, too.
pub(super) fn dns_record(
    facts: &Facts,
    request: &Request<'_>,
    metadata: &Metadata<'_>,
    object: &RawValue,
    warnings: &mut Vec<String>,
) -> Result<(), Fact> {
    if !request.is_own("Certificate") {
        return Ok(());
    }
    let labels = metadata.labels.as_ref();
    if labels.is_some_and(|labels| labels.contains_key(LABEL_APP_ID)) {
        return Ok(());
    }
    let Some(name) = record_of(object) else {
        return Ok(());
    };
    if request.old_object.and_then(record_of).as_ref() == Some(&name) {
        return Ok(());
    }
    if facts.dns_record(&request.namespace, &name)?.is_none() {
        warnings.push(format!(
            "spec.dnsRecordRef: {name:?} is no DNSRecord of namespace {}; the certificate waits for it",
            request.namespace
        ));
    }
    Ok(())
}

fn record_of(certificate: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Certificate {
        spec: Spec,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Spec {
        #[serde(default)]
        dns_record_ref: Option<String>,
    }
    let certificate: Certificate = serde_json::from_str(certificate.get()).ok()?;
    certificate.spec.dns_record_ref
}

#[cfg(test)]
mod tests {
    use crate::admission::tests::{APP, answer, app, facts, review};
    use crate::admission::{Facts, Known, ProjectFacts, TenantFacts};
    use crate::api::project::Enforcement;
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const PROJECT: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "Project"];
    const TENANT: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "Tenant"];
    const VELERO: &str = "system:serviceaccount:velero:velero";

    fn by(user: &str, review: &str) -> String {
        let mut review: Value = serde_json::from_str(review).unwrap();
        review["userInfo"] = json!({"username": user});
        review.to_string()
    }

    fn project(tenant: &str, list: &[&str]) -> Value {
        json!({"metadata": {"name": "web"}, "spec": {"tenantRef": tenant, "imageAllowlist": list}})
    }

    fn without_owners() -> Facts {
        Facts {
            project: Known::Absent,
            tenant: Known::Absent,
            ..facts()
        }
    }

    fn with_ending_owners(enforcement: Enforcement) -> Facts {
        Facts {
            project: Known::Is(Arc::new(ProjectFacts {
                name: "web".to_owned(),
                namespace: "kubeop-web".to_owned(),
                tenant: "acme".to_owned(),
                enforcement,
                deleting: true,
                ..ProjectFacts::default()
            })),
            tenant: Known::Is(Arc::new(TenantFacts {
                name: "acme".to_owned(),
                deleting: true,
                ..TenantFacts::default()
            })),
            ..facts()
        }
    }

    #[test]
    fn s52_who_restores_may_bring_an_app_before_its_project_and_a_project_before_its_tenant() {
        let apps = review(APP, "kubeop-web", &app("ghcr.io/acme/x"), None);
        let projects = review(PROJECT, "", &project("acme", &[]), None);
        for (text, code) in [(apps, "[ProjectNotFound]"), (projects, "[TenantNotFound]")] {
            let refused = answer(&without_owners(), &by("alice", &text)).unwrap_err();
            assert!(refused.contains(code), "{refused}");
            assert_eq!(answer(&without_owners(), &by(VELERO, &text)), Ok(vec![]));
        }
        // Afterwards it is a user like any other.
        let other = project("other", &[]);
        let change = review(PROJECT, "", &project("acme", &[]), Some(&other));
        assert!(answer(&without_owners(), &by(VELERO, &change)).is_err());
    }

    #[rstest]
    fn s51_what_is_going_away_takes_nothing_new(
        #[values(Enforcement::Enforce, Enforcement::Audit)] enforcement: Enforcement,
    ) {
        let facts = with_ending_owners(enforcement);
        let object = app("ghcr.io/acme/x");
        let refused = answer(&facts, &review(APP, "kubeop-web", &object, None)).unwrap_err();
        assert!(
            refused.contains("[ProjectDeleting] spec.projectRef: \"web\" is being deleted"),
            "{refused}"
        );
        assert_eq!(
            answer(&facts, &review(APP, "kubeop-web", &object, Some(&object))),
            Ok(vec![])
        );
        let object = project("acme", &[]);
        let refused = answer(&facts, &review(PROJECT, "", &object, None)).unwrap_err();
        assert!(
            refused.contains("[TenantDeleting] spec.tenantRef: \"acme\" is being deleted"),
            "{refused}"
        );
        let moved = review(PROJECT, "", &object, Some(&project("other", &[])));
        assert!(answer(&facts, &moved).is_err());
        let stays = answer(&facts, &review(PROJECT, "", &object, Some(&object))).unwrap();
        assert_eq!(stays.len(), 1, "{stays:?}");
    }

    #[test]
    fn s20_a_fault_from_before_is_told_and_stops_no_other_change() {
        let bad = project("gone", &["http://x"]);
        let mut labelled = bad.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        let told = answer(&without_owners(), &review(PROJECT, "", &labelled, Some(&bad))).unwrap();
        assert_eq!(told.len(), 2, "{told:?}");
        for (kind, worse) in [
            (PROJECT, project("gone", &["http://x", "http://y"])),
            (
                TENANT,
                json!({"metadata": {"name": "t"}, "spec": {"imageAllowlist": ["http://x", "http://y"]}}),
            ),
        ] {
            let mut old = worse.clone();
            old["spec"]["imageAllowlist"] = json!(["http://x"]);
            let refused = answer(&without_owners(), &review(kind, "", &worse, Some(&old))).unwrap_err();
            assert!(
                refused.contains("1 fault\n[AllowlistEntry] spec.imageAllowlist[1]"),
                "{refused}"
            );
        }
    }
}
