//! What a version of kubeOP leaves in a cluster, as files: taken from one, loaded into another.

mod load;
mod take;

use std::path::PathBuf;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;

use crate::generated::repository;

pub use load::load;
pub use take::take;

/// Both clusters get this value for the label `cluster-id`, which otherwise is new in each.
pub const CLUSTER_ID: &str = "--cluster-id=rehearsal";

/// The namespace of the snapshot's Project.
pub const NAMESPACE: &str = "kubeop-web";

/// Tenant and Project of the snapshot.
pub const OWNERS: &str = "apiVersion: platform.kubeop.io/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\n\
    spec: {displayName: Acme, contact: platform@acme.example}\n---\n\
    apiVersion: platform.kubeop.io/v1alpha1\nkind: Project\nmetadata: {name: web}\nspec: {tenantRef: acme}\n";

/// The snapshot's Apps.
pub const APPS: &str = include_str!("../../upgrade/apps.yaml");

/// A kind that is part of a snapshot.
struct Kind {
    /// `apis/<group>/<version>`
    version: &'static str,
    plural: &'static str,
    /// Below a namespace, or not.
    stands: Stands,
}

#[derive(PartialEq, Eq)]
enum Stands {
    InTheCluster,
    InTheNamespace,
}

/// In the order in which they are loaded: owners before what they own, and what names the uids of others last.
const KINDS: [Kind; 17] = [
    in_cluster(OURS, "tenants"),
    in_cluster(OURS, "projects"),
    in_cluster("api/v1", "namespaces"),
    in_namespace(OURS, "apps"),
    in_namespace(OURS, "dnsrecords"),
    in_namespace(OURS, "certificates"),
    in_namespace("api/v1", "serviceaccounts"),
    in_namespace("api/v1", "secrets"),
    in_namespace("api/v1", "services"),
    in_namespace("api/v1", "resourcequotas"),
    in_namespace("api/v1", "limitranges"),
    in_namespace("apis/rbac.authorization.k8s.io/v1", "roles"),
    in_namespace("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    in_namespace("apis/apps/v1", "deployments"),
    in_namespace("apis/apps/v1", "statefulsets"),
    in_namespace("apis/networking.k8s.io/v1", "ingresses"),
    in_namespace("api/v1", "configmaps"),
];

const OURS: &str = "apis/platform.kubeop.io/v1alpha1";

const fn in_cluster(version: &'static str, plural: &'static str) -> Kind {
    Kind {
        version,
        plural,
        stands: Stands::InTheCluster,
    }
}

const fn in_namespace(version: &'static str, plural: &'static str) -> Kind {
    Kind {
        version,
        plural,
        stands: Stands::InTheNamespace,
    }
}

impl Kind {
    /// Where its objects are.
    fn path(&self) -> String {
        match self.stands {
            Stands::InTheCluster => format!("/{}/{}", self.version, self.plural),
            Stands::InTheNamespace => format!("/{}/namespaces/{NAMESPACE}/{}", self.version, self.plural),
        }
    }

    /// Whether its status is kubeOP's word, which nobody else would write again.
    fn is_ours(&self) -> bool {
        self.version == OURS
    }
}

/// The folder with all snapshots.
fn all() -> PathBuf {
    repository().join("tests/upgrade")
}

/// The snapshot of the version that is being built.
pub fn present() -> PathBuf {
    all().join(env!("CARGO_PKG_VERSION"))
}

/// The snapshot of the latest version that has one.
pub fn newest() -> Result<PathBuf> {
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(all()).context("no snapshots")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let numbers: Result<Vec<u32>, _> = name.split('.').map(str::parse).collect();
        if let Ok(numbers) = numbers {
            versions.push((numbers, name));
        }
    }
    let (_, name) = versions
        .into_iter()
        .max()
        .context("no snapshots: `just snapshot`")?;
    Ok(all().join(name))
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value> {
    let content = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content)
        .body(match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        })?;
    client
        .request(request)
        .await
        .with_context(|| format!("{method} {path}"))
}
