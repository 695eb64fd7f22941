//! Names, Projects, records and certificates that the schema refuses without the webhook.

use super::support::{assert_refused, image_app, project};
use serde_json::{Value, json};

#[tokio::test]
async fn names_that_would_not_fit_what_is_made_of_them() {
    let named = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let app_named = |name: &str| {
        let mut object = image_app(json!({}));
        object["metadata"]["name"] = name.into();
        object
    };
    assert_refused(vec![
        (
            "an App that begins with a digit",
            app_named("1pay"),
            &["metadata.name", "beginning with a letter"],
        ),
        (
            "an App with a dot",
            app_named("pay.ments"),
            &["metadata.name", "at most 52"],
        ),
        (
            "an App of 53 characters",
            app_named(&"a".repeat(53)),
            &["metadata.name", "at most 52"],
        ),
        (
            "a Project of 57 characters",
            named("Project", &"a".repeat(57), json!({"tenantRef": "acme"})),
            &["metadata.name", "at most 56"],
        ),
        (
            "a Project with a dot",
            named("Project", "a.b", json!({"tenantRef": "acme"})),
            &["metadata.name"],
        ),
        (
            "a Tenant of 64 characters",
            named("Tenant", &"a".repeat(64), json!({})),
            &["metadata.name", "at most 63"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn s57_namespaces_that_are_no_projects() {
    let own = json!({
        "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project",
        "metadata": {"name": "system"}, "spec": {"tenantRef": "acme"},
    });
    assert_refused(vec![
        (
            "default",
            project(json!({"namespace": "default"})),
            &["spec.namespace", "no project's namespace"],
        ),
        (
            "kube-system",
            project(json!({"namespace": "kube-system"})),
            &["spec.namespace", "belong to the cluster"],
        ),
        (
            "kube-public",
            project(json!({"namespace": "kube-public"})),
            &["spec.namespace", "belong to the cluster"],
        ),
        (
            "our own",
            project(json!({"namespace": "kubeop-system"})),
            &["spec.namespace", "no project's namespace"],
        ),
        (
            "our own, by default",
            own,
            &["no project's namespace", "kubeop-<name of the Project>"],
        ),
        (
            "no name of a namespace",
            project(json!({"namespace": "Web"})),
            &["spec.namespace", "lower-case letters"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn records_and_certificates_for_hosts_that_are_none() {
    let record = |spec: Value| {
        json!({
            "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "DNSRecord",
            "metadata": {"name": "web", "namespace": "default"}, "spec": spec,
        })
    };
    let certificate = |spec: Value| {
        json!({
            "apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Certificate",
            "metadata": {"name": "web", "namespace": "default"}, "spec": spec,
        })
    };
    let long_label = format!("{}.example.com", "a".repeat(64));
    assert_refused(vec![
        (
            "a label of 64 characters",
            record(json!({"host": long_label, "target": "1.2.3.4"})),
            &["spec.host", "at most 63"],
        ),
        (
            "a host with a blank",
            record(json!({"host": "a b.example.com", "target": "1.2.3.4"})),
            &["spec.host", "a host name"],
        ),
        (
            "a star in the middle",
            record(json!({"host": "a.*.example.com", "target": "1.2.3.4"})),
            &["spec.host", "a host name"],
        ),
        (
            "a ttl of zero",
            record(json!({"host": "a.example.com", "target": "1.2.3.4", "ttl": 0})),
            &["spec.ttl", "greater than or equal to 1"],
        ),
        (
            "a ttl over a day",
            record(json!({"host": "a.example.com", "target": "1.2.3.4", "ttl": 86401})),
            &["spec.ttl", "86400"],
        ),
        (
            "an address out of range",
            record(json!({"host": "a.example.com", "target": "1.2.3.999"})),
            &["spec.target", "IPv4 address"],
        ),
        (
            "itself",
            record(json!({"host": "a.example.com", "target": "A.example.com"})),
            &["spec.target", "must not be the host itself"],
        ),
        (
            "a cert-manager issuer without a name",
            certificate(json!({"host": "a.example.com", "issuer": {"kind": "CertManager"}})),
            &["spec.issuer.name", "is required for kind CertManager"],
        ),
        (
            "a name for our own issuer",
            certificate(json!({"host": "a.example.com", "issuer": {"kind": "SelfManaged", "name": "x"}})),
            &["spec.issuer.name", "belong to kind CertManager"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn lists_and_members_of_projects_that_say_nothing() {
    assert_refused(vec![
        ("a scheme", project(json!({"imageAllowlist": ["https://ghcr.io"]})), &["spec.imageAllowlist[0]", "no scheme"]),
        ("a blank", project(json!({"imageAllowlist": ["ghcr.io", "ghcr.io/ac me"]})), &["spec.imageAllowlist[1]", "blank"]),
        ("a credential twice", project(json!({"registryCredentials": [{"name": "a"}, {"name": "a"}]})), &["registryCredentials[1]", "Duplicate value"]),
        ("a member without a name", project(json!({"members": [{"kind": "User"}]})), &["members[0].name", "Required value"]),
        ("a quota that is none", project(json!({"quota": {"hard": {"pods": "ten"}}})), &["quota.hard.pods"]),
        ("an unknown level", project(json!({"podSecurity": "strict"})), &["podSecurity", "Unsupported value"]),
        ("a host that is none", project(json!({"hosts": ["exa mple.com"]})), &["spec.hosts[0]", "a host name"]),
        ("no tenant", json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "Project", "metadata": {"name": "web"}, "spec": {}}), &["spec.tenantRef", "Required value"]),
    ])
    .await;
}
