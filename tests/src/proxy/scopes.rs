//! Which kinds live in namespaces. The API server is asked once for each group and version.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use http::Request;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use tokio::sync::Mutex;

use crate::audit::Entry;

/// What is known of it.
#[derive(Default)]
pub(super) struct Scopes {
    /// Plural names of what lives in namespaces, by the path of group and version.
    known: Mutex<HashMap<String, HashSet<String>>>,
}

impl Scopes {
    /// Whether a call asks for something of all namespaces.
    pub async fn is_over_all_namespaces(&self, upstream: &kube::Client, call: &Entry) -> Result<bool> {
        if !matches!(call.verb.as_str(), "list" | "watch") || call.namespace.is_some() {
            return Ok(false);
        }
        let path = call.uri.split('?').next().unwrap_or_default();
        let path = path
            .strip_suffix(&call.resource)
            .unwrap_or(path)
            .trim_end_matches('/');
        let mut known = self.known.lock().await;
        if let Some(namespaced) = known.get(path) {
            return Ok(namespaced.contains(&call.resource));
        }
        let list: APIResourceList = upstream.request(Request::get(path).body(Vec::new())?).await?;
        let namespaced: HashSet<String> = list
            .resources
            .into_iter()
            .filter(|resource| resource.namespaced)
            .map(|resource| resource.name)
            .collect();
        Ok(known
            .entry(path.to_owned())
            .or_insert(namespaced)
            .contains(&call.resource))
    }
}
