//! What `--context` reads from a cluster.

use super::known::Known;
use super::{CheckArgs, CheckError};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Resource, ResourceExt};
use kubeop_shared::api::names::SYSTEM_NAMESPACE;
use kubeop_shared::api::{DnsRecord, Project, Tenant};
use kubeop_shared::image::Allowlist;

const WEBHOOK: &str = "kubeop-webhook";
const ALLOWLIST: &str = "KUBEOP_IMAGE_ALLOWLIST";

/// Reads all that rules may ask for; what the command line says stays. Returns the namespace of the context.
pub(super) async fn read(context: &str, args: &CheckArgs, known: &mut Known) -> Result<String, CheckError> {
    // Two providers may be compiled in; the client takes the one installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let at = At { context };
    let options = KubeConfigOptions {
        context: Some(context.to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = kube::Config::from_kubeconfig(&options).await;
    let config = config.map_err(|error| at.failed("the kubeconfig", error))?;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| at.failed("the kubeconfig", error))?;

    for project in at.list::<Project>(&client, "Projects").await? {
        let read = known.learn_project(&project);
        read.map_err(|error| at.failed("a Project", error))?;
    }
    for tenant in at.list::<Tenant>(&client, "Tenants").await? {
        let read = known.learn_tenant(&tenant);
        read.map_err(|error| at.failed("a Tenant", error))?;
    }
    for record in at.list::<DnsRecord>(&client, "DNSRecords").await? {
        let namespace = record.namespace().unwrap_or_default();
        known.learn_record(&namespace, &record.name_any());
    }
    if args.cluster_id.is_none() {
        let api = Api::<Namespace>::all(client.clone());
        let system = api.get_metadata("kube-system").await;
        let system = system.map_err(|error| at.failed("Namespace kube-system", error))?;
        known.cluster().id = system.uid().unwrap_or_default();
    }
    if args.image_allowlist.as_ref().is_none_or(Allowlist::is_empty) {
        known.cluster().allowlist = at.allowlist(&client).await?;
    }
    Ok(namespace)
}

struct At<'c> {
    context: &'c str,
}

impl At<'_> {
    fn failed(&self, what: &'static str, source: impl std::error::Error + 'static) -> CheckError {
        CheckError::Cluster {
            context: self.context.to_owned(),
            what,
            source: Box::new(source),
        }
    }

    /// All objects of a kind, of any form.
    async fn list<K: Resource<DynamicType = ()>>(
        &self,
        client: &Client,
        what: &'static str,
    ) -> Result<Vec<DynamicObject>, CheckError> {
        let api = Api::<DynamicObject>::all_with(client.clone(), &ApiResource::erase::<K>(&()));
        let listed = api.list(&ListParams::default()).await;
        listed
            .map(|list| list.items)
            .map_err(|error| self.failed(what, error))
    }

    /// The list that the installed webhook has, by the ConfigMaps of its environment. None: any registry.
    async fn allowlist(&self, client: &Client) -> Result<Option<Allowlist>, CheckError> {
        let unknown = |why: String| CheckError::NoAllowlist {
            context: self.context.to_owned(),
            why,
        };
        let deployments = Api::<Deployment>::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let webhook = deployments.get(WEBHOOK).await;
        let webhook = webhook.map_err(|error| {
            unknown(format!(
                "Deployment {SYSTEM_NAMESPACE}/{WEBHOOK} cannot be read ({error})"
            ))
        })?;
        let maps = Api::<ConfigMap>::namespaced(client.clone(), SYSTEM_NAMESPACE);
        for name in environment(&webhook) {
            let map = maps.get(name).await;
            let map = map.map_err(|error| {
                unknown(format!(
                    "ConfigMap {SYSTEM_NAMESPACE}/{name} cannot be read ({error})"
                ))
            })?;
            if let Some(text) = map.data.unwrap_or_default().get(ALLOWLIST) {
                let list =
                    Allowlist::parse_comma_separated(text).map_err(|error| unknown(error.to_string()))?;
                return Ok((!list.is_empty()).then_some(list));
            }
        }
        Err(unknown(format!(
            "no ConfigMap of Deployment {SYSTEM_NAMESPACE}/{WEBHOOK} has {ALLOWLIST}"
        )))
    }
}

/// Names of the ConfigMaps that a Deployment's containers have as their environment.
fn environment(deployment: &Deployment) -> Vec<&str> {
    let spec = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref());
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    containers
        .iter()
        .flat_map(|container| container.env_from.iter().flatten())
        .filter_map(|source| Some(source.config_map_ref.as_ref()?.name.as_str()))
        .collect()
}
