//! Hosts as the whole chain judges them: in Apps, in what they deliver, and in objects of their own.

use super::tests::{APP, answer, app, facts, review};
use super::{Fact, Facts, Known, NamespaceFacts, ProjectFacts, Request, TenantFacts, Verdict, validate};
use crate::api::project::Enforcement;
use crate::host::HostSuffixes;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

const RECORD: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "DNSRecord"];
const CERTIFICATE: [&str; 3] = ["platform.kubeop.io", "v1alpha1", "Certificate"];
const INGRESS: [&str; 3] = ["networking.k8s.io", "v1", "Ingress"];

const UNDER_PROJECT: &str = "is not under a host of project web (pay.acme.example). Use one of these or a name \
                             under it, or ask platform@acme.example.";

/// Tenant acme has `acme.example`, project web what is given.
fn bounded(project: &[&str], enforcement: Enforcement) -> Facts {
    let list = |entries: &[&str]| {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        HostSuffixes::narrowing(&entries)
    };
    let facts = facts();
    let (Known::Is(web), Known::Is(acme)) = (&facts.project, &facts.tenant) else {
        panic!("no project")
    };
    Facts {
        project: Known::Is(Arc::new(ProjectFacts {
            hosts: list(project),
            enforcement,
            ..(**web).clone()
        })),
        tenant: Known::Is(Arc::new(TenantFacts {
            hosts: list(&["acme.example"]),
            ..(**acme).clone()
        })),
        ..facts
    }
}

fn pay() -> Facts {
    bounded(&["pay.acme.example"], Enforcement::Enforce)
}

/// A `DNSRecord` or a Certificate.
fn named(host: &str) -> Value {
    json!({"metadata": {"name": "pay"}, "spec": {"host": host}})
}

fn ingress(spec: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "pay"}, "spec": spec})
}

fn create(facts: &Facts, gvk: [&str; 3], object: &Value) -> Result<Vec<String>, String> {
    answer(facts, &review(gvk, "kubeop-web", object, None))
}

#[rstest]
fn s46_a_name_of_its_own_lies_in_the_lists(#[values(RECORD, CERTIFICATE)] gvk: [&str; 3]) {
    for host in [
        "pay.acme.example",
        "Eu.PAY.acme.example.",
        "*.pay.acme.example",
        "*.eu.pay.acme.example",
    ] {
        assert_eq!(create(&pay(), gvk, &named(host)), Ok(vec![]), "{host}");
    }
    let refused = create(&pay(), gvk, &named("Shop.acme.example.")).unwrap_err();
    let line = format!("[HostNotAllowed] spec.host: \"Shop.acme.example.\" {UNDER_PROJECT}");
    assert_eq!(refused.lines().nth(1), Some(line.as_str()));
    // The widest list that says no is named.
    let refused = create(&pay(), gvk, &named("evil.example")).unwrap_err();
    assert!(
        refused.contains("is not under a host of tenant acme (acme.example)."),
        "{refused}"
    );
    let wide = bounded(&[], Enforcement::Enforce);
    assert_eq!(create(&wide, gvk, &named("shop.acme.example")), Ok(vec![]));
}

#[rstest]
fn where_no_list_is_given_every_host_passes(#[values(RECORD, CERTIFICATE)] gvk: [&str; 3]) {
    assert_eq!(create(&facts(), gvk, &named("evil.example")), Ok(vec![]));
    let routes = ingress(&json!({"defaultBackend": {}, "rules": [{}]}));
    assert_eq!(create(&facts(), INGRESS, &routes), Ok(vec![]));
}

#[rstest]
fn outside_project_namespaces_they_are_the_administrators_own(#[values(RECORD, CERTIFICATE)] gvk: [&str; 3]) {
    let elsewhere = Facts {
        namespace: Known::Is(Arc::new(NamespaceFacts::default())),
        ..pay()
    };
    assert_eq!(create(&elsewhere, gvk, &named("evil.example")), Ok(vec![]));
}

#[test]
fn an_ingress_is_judged_in_all_its_hosts() {
    let routes = ingress(&json!({
        "defaultBackend": {"service": {"name": "x", "port": {"number": 80}}},
        "rules": [{"host": "pay.acme.example"}, {"host": "*.acme.example"}, {"http": {"paths": []}}],
        "tls": [{"hosts": ["pay.acme.example", "shop.acme.example"]}],
    }));
    let refused = create(&pay(), INGRESS, &routes).unwrap_err();
    assert_eq!(
        refused,
        format!(
            "ingress pay refused: 4 faults\n\
             [HostNotAllowed] spec.defaultBackend: takes requests for every host, which is not under a host of \
             tenant acme (acme.example). Leave it out, or ask platform@acme.example.\n\
             [HostNotAllowed] spec.rules[1].host: \"*.acme.example\" {UNDER_PROJECT}\n\
             [HostNotAllowed] spec.rules[2].host: is missing, so the rule takes every host, which is not under a \
             host of tenant acme (acme.example). Write one of these or a name under it, or ask \
             platform@acme.example.\n\
             [HostNotAllowed] spec.tls[0].hosts[1]: \"shop.acme.example\" {UNDER_PROJECT}"
        )
    );
}

#[test]
fn an_app_is_judged_in_the_route_that_it_makes_and_in_those_that_it_delivers() {
    let mut made = app("ghcr.io/acme/x");
    made["spec"]["delivery"]["image"]["ingress"] = json!({"host": "shop.acme.example"});
    let refused = create(&pay(), APP, &made).unwrap_err();
    let line =
        format!("[HostNotAllowed] spec.delivery.image.ingress.host: \"shop.acme.example\" {UNDER_PROJECT}");
    assert_eq!(refused.lines().nth(1), Some(line.as_str()));
    for (kind, field) in [("Raw", "raw"), ("Git", "git"), ("Helm", "helm")] {
        let text = ingress(&json!({"rules": [{"host": "shop.acme.example"}]})).to_string();
        let mut delivers = app("ghcr.io/acme/x");
        delivers["spec"]["delivery"] = json!({"kind": kind, field: {"manifests": [text]}});
        let refused = create(&pay(), APP, &delivers).unwrap_err();
        let path = format!("[HostNotAllowed] spec.delivery.{field}.manifests[0].spec.rules[0].host: ");
        assert!(refused.contains(&path), "{refused}");
    }
}

#[test]
fn s20_an_app_from_before_may_be_scaled_and_a_new_revision_of_it_is_told_why_not() {
    let mut old = app("ghcr.io/acme/x");
    old["spec"]["delivery"]["image"]["ingress"] = json!({"host": "shop.acme.example"});
    let mut scaled = old.clone();
    scaled["spec"]["delivery"]["image"]["replicas"] = json!(5);
    let told = answer(&pay(), &review(APP, "kubeop-web", &scaled, Some(&old))).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let mut edited = old.clone();
    edited["spec"]["delivery"]["image"]["args"] = json!(["--verbose"]);
    let refused = answer(&pay(), &review(APP, "kubeop-web", &edited, Some(&old))).unwrap_err();
    assert!(refused.contains(", so no new revision may have it;"), "{refused}");
}

#[test]
fn s20_a_host_from_before_is_told_and_stops_no_other_change() {
    let mut old = named("shop.acme.example");
    let mut labelled = named("SHOP.acme.example.");
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let told = answer(&pay(), &review(RECORD, "kubeop-web", &labelled, Some(&old))).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("would be refused today: [HostNotAllowed] spec.host"),
        "{told:?}"
    );
    old["spec"]["host"] = json!("other.acme.example");
    assert!(answer(&pay(), &review(RECORD, "kubeop-web", &labelled, Some(&old))).is_err());
    // The place in the list does not count, but what a host is for does.
    let before = ingress(&json!({"rules": [{"host": "pay.acme.example"}, {"host": "shop.acme.example"}]}));
    let moved = ingress(&json!({"rules": [{"host": "shop.acme.example"}]}));
    let told = answer(&pay(), &review(INGRESS, "kubeop-web", &moved, Some(&before))).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let tls = ingress(&json!({"tls": [{"hosts": ["shop.acme.example"]}]}));
    assert!(answer(&pay(), &review(INGRESS, "kubeop-web", &tls, Some(&before))).is_err());
}

#[test]
fn a_project_that_only_audits_is_told() {
    let audits = bounded(&["pay.acme.example"], Enforcement::Audit);
    let told = create(&audits, RECORD, &named("shop.acme.example")).unwrap();
    assert!(
        told[0].starts_with("audit: [HostNotAllowed] spec.host"),
        "{told:?}"
    );
}

#[test]
fn a_record_that_is_missing_is_told_and_never_refused() {
    let mut certificate = named("pay.acme.example");
    certificate["spec"]["dnsRecordRef"] = json!("pay");
    let text = review(CERTIFICATE, "kubeop-web", &certificate, None);
    let request: Request<'_> = serde_json::from_str(&text).unwrap();
    let fact = Fact::DnsRecord {
        namespace: "kubeop-web".to_owned(),
        name: "pay".to_owned(),
    };
    assert_eq!(validate(&pay(), &request), Verdict::Need(fact.clone()));
    let missing = Facts {
        dns_record: Known::Absent,
        ..pay()
    };
    let told = answer(&missing, &text).unwrap();
    assert_eq!(
        told,
        ["spec.dnsRecordRef: \"pay\" is no DNSRecord of namespace kubeop-web; the certificate waits for it"]
    );
    let mut unknown = pay();
    assert!(unknown.go_without(&fact));
    assert_eq!(answer(&unknown, &text), Ok(vec![]));
    assert!(!unknown.go_without(&Fact::Project("web".to_owned())));
    // Neither a change of something else asks, nor what an App makes together with its record.
    let stays = review(CERTIFICATE, "kubeop-web", &certificate, Some(&certificate));
    assert_eq!(answer(&pay(), &stays), Ok(vec![]));
    certificate["metadata"]["labels"] = json!({"app.kubeop.io/app-id": "pay"});
    assert_eq!(create(&pay(), CERTIFICATE, &certificate), Ok(vec![]));
}
