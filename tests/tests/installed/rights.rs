//! Least privilege: every verb that a rule grants to one of the programs was used in this walk.

use std::collections::BTreeSet;

use kubeop_tests::audit::Entry;
use kubeop_tests::generated::repository;
use serde_json::Value;

use crate::ground::Ground;

/// Verbs that no request carries: the API server asks for them while it judges another one.
const ASKED_WITHIN: [&str; 3] = ["bind", "own", "impersonate"];

/// What the walk does not come to: a stored revision that somebody damaged is written again, and what was made a moment
/// ago, a Tenant or a project's namespace, is read where no watch has told of it yet.
const NOT_HERE: [(&str, &str, &str); 3] = [
    ("kubeop-controller", "tenants", "get"),
    ("kubeop-controller", "secrets", "update"),
    ("kubeop-webhook", "namespaces", "get"),
];

pub async fn every_rule_is_used(ground: &Ground) {
    let folder = repository().join("manifests").display().to_string();
    let manifests = ground.kubectl(&format!("kustomize {folder}")).await.unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&manifests).unwrap();
    let log = ground.cluster.audit_log().expect("an audit log");
    let entries = log.entries().unwrap();
    let mut unused = Vec::new();
    for account in ["kubeop-controller", "kubeop-webhook"] {
        let user = format!("system:serviceaccount:kubeop-system:{account}");
        let made: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.user == user && entry.impersonated.is_none() && entry.code != 403)
            .collect();
        let roles = documents.iter().filter(|document| {
            let name = document["metadata"]["name"].as_str().unwrap_or_default();
            matches!(document["kind"].as_str(), Some("Role" | "ClusterRole"))
                && (name == account
                    || (account == "kubeop-controller"
                        && ["kubeop-certificates", "kubeop-impersonate-deployer"].contains(&name)))
        });
        let mut granted = 0;
        for rule in roles.flat_map(|role| role["rules"].as_array().into_iter().flatten()) {
            for (group, resource, verb) in grants(rule) {
                granted += 1;
                let used = made.iter().any(|entry| is_of(entry, &group, &resource, &verb))
                    // An apply that creates is a patch that needs the other right, too.
                    || (verb == "create"
                        && made
                            .iter()
                            .any(|entry| entry.code == 201 && is_of(entry, &group, &resource, "patch")));
                let excused = NOT_HERE.contains(&(account, resource.as_str(), verb.as_str()));
                if !used && !excused {
                    unused.push(format!("{account}: {verb} {resource}.{group}"));
                }
            }
        }
        assert!(granted > 5, "{account} has rules");
    }
    assert!(
        unused.is_empty(),
        "granted, and used by nothing:\n{}",
        unused.join("\n")
    );
}

/// Group, resource and verb of all that a rule grants.
fn grants(rule: &Value) -> BTreeSet<(String, String, String)> {
    let texts = |name: &str| -> Vec<String> {
        let list = rule[name].as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut all = BTreeSet::new();
    for group in texts("apiGroups") {
        for resource in texts("resources") {
            for verb in texts("verbs") {
                if !ASKED_WITHIN.contains(&verb.as_str()) {
                    all.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    all
}

fn is_of(entry: &Entry, group: &str, resource: &str, verb: &str) -> bool {
    let asked = match &entry.subresource {
        Some(part) => format!("{}/{part}", entry.resource),
        None => entry.resource.clone(),
    };
    entry.verb == verb && entry.group == group && asked == resource
}
