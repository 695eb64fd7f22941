//! Which objects the API server sends to the webhook: read from the registrations that are shipped.

use kubeop_shared::manifests::GroupVersionKind;
use kubeop_shared::manifests::file::read_file;
use serde::Deserialize;

const MUTATING: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../manifests/webhook/mutating.yaml"
));
const VALIDATING: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../manifests/webhook/validating.yaml"
));

/// The registrations.
pub(super) struct Registrations {
    /// What is sent to have added what is missing.
    pub mutating: Registration,
    /// What is sent to be judged.
    pub validating: Registration,
}

/// One configuration: its webhooks, as far as they select new objects.
#[derive(Deserialize)]
pub(super) struct Registration {
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    /// All selectors that are shipped select project namespaces.
    #[serde(default)]
    namespace_selector: Option<Selector>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selector {
    #[cfg_attr(not(test), expect(dead_code, reason = "that there is one is enough"))]
    match_expressions: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
}

/// What kind of namespace an object is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// A project namespace.
    Project,
    /// Another one, or none.
    Elsewhere,
}

impl Registrations {
    /// Those of `manifests/webhook`.
    pub(super) fn shipped() -> Result<Self, serde_json::Error> {
        let read = |bytes| {
            let (objects, _) = read_file(bytes);
            let value = objects.into_iter().next().map(|object| object.value);
            Registration::deserialize(value.unwrap_or_default())
        };
        Ok(Self {
            mutating: read(MUTATING)?,
            validating: read(VALIDATING)?,
        })
    }
}

impl Registration {
    /// Whether a new object of this kind is sent.
    pub(super) fn selects(&self, gvk: &GroupVersionKind, home: Home) -> bool {
        let resource = resource(&gvk.kind);
        let has = |list: &[String], word: &str| list.iter().any(|entry| entry == word);
        let rule = |rule: &Rule| {
            has(&rule.api_groups, &gvk.group)
                && has(&rule.api_versions, &gvk.version)
                && has(&rule.resources, &resource)
                && has(&rule.operations, "CREATE")
        };
        let here = |webhook: &&Webhook| webhook.namespace_selector.is_none() || home == Home::Project;
        let mut webhooks = self.webhooks.iter().filter(here);
        webhooks.any(|webhook| webhook.rules.iter().any(rule))
    }
}

/// The resource of a kind, as apimachinery guesses it; right for every kind that is registered.
fn resource(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind.ends_with('s') {
        return format!("{kind}es");
    }
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Home, Registrations, resource};
    use kubeop_shared::manifests::GroupVersionKind;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("", "v1", "Pod", true, false)]
    #[case("apps", "v1", "Deployment", true, false)]
    #[case("apps", "v1beta1", "Deployment", false, false)]
    #[case("networking.k8s.io", "v1", "Ingress", true, false)]
    #[case("networking.k8s.io", "v1", "NetworkPolicy", false, false)]
    #[case("platform.kubeop.io", "v1alpha1", "App", true, true)]
    #[case("platform.kubeop.io", "v1alpha1", "DNSRecord", true, true)]
    #[case("platform.kubeop.io", "v1alpha1", "Tenant", true, true)]
    #[case("cert-manager.io", "v1", "Certificate", false, false)]
    #[case("", "v1", "Namespace", false, false)]
    fn what_is_sent_depends_on_kind_and_namespace(
        #[case] group: &str,
        #[case] version: &str,
        #[case] kind: &str,
        #[case] in_a_project: bool,
        #[case] elsewhere: bool,
    ) {
        let gvk = GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        };
        let all = Registrations::shipped().unwrap();
        for registration in [&all.mutating, &all.validating] {
            assert_eq!(registration.selects(&gvk, Home::Project), in_a_project);
            assert_eq!(registration.selects(&gvk, Home::Elsewhere), elsewhere);
        }
    }

    #[test]
    fn every_selector_selects_project_namespaces() {
        let all = Registrations::shipped().unwrap();
        let wanted = [json!({"key": "app.kubeop.io/project-id", "operator": "Exists"})];
        for webhook in all.mutating.webhooks.iter().chain(&all.validating.webhooks) {
            if let Some(selector) = &webhook.namespace_selector {
                assert_eq!(selector.match_expressions, wanted);
            }
        }
    }

    #[test]
    fn every_registered_resource_is_that_of_a_kind() {
        let kinds = [
            "App",
            "Certificate",
            "DNSRecord",
            "Project",
            "Tenant",
            "Pod",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
            "CronJob",
            "Job",
            "ConfigMap",
            "PersistentVolumeClaim",
            "PodTemplate",
            "ReplicationController",
            "Secret",
            "ServiceAccount",
            "Service",
            "Ingress",
        ];
        let known = kinds.map(resource);
        let all = Registrations::shipped().unwrap();
        let webhooks = all.mutating.webhooks.iter().chain(&all.validating.webhooks);
        for registered in webhooks
            .flat_map(|webhook| &webhook.rules)
            .flat_map(|rule| &rule.resources)
        {
            assert!(
                known.contains(registered) || registered.contains('/'),
                "{registered}"
            );
        }
    }
}
