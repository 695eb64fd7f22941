//! The replica that leads, asked by one that does not: over TLS, as the caller, and never further.

use crate::manager_api::caller::Caller;
use crate::manager_api::problem::Refusal;
use crate::manager_api::trust::Trust;
use crate::manager_api::upstream::{Upstream, pass_on};
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::{IntoResponse, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Header by which a replica says that it passes on what it was asked.
const PASSED_ON: &str = "kubeop-passed-on";
/// What is asked.
const PATH: &str = "/v1/analytics/summary";

/// How the replica that leads is found and asked.
pub(in crate::manager_api) struct Leader {
    pods: Api<Pod>,
    /// Port on which every replica serves this.
    port: u16,
    trust: Box<dyn Fn() -> Result<Trust, String> + Send + Sync>,
    known: Mutex<Option<Arc<Known>>>,
}

/// Who leads, and the way there.
struct Known {
    identity: String,
    trust: Trust,
    upstream: Upstream,
}

impl Leader {
    /// Replicas are Pods of this namespace; `trust` tells whom to trust at the moment.
    pub(in crate::manager_api) fn new(
        client: Client,
        namespace: &str,
        port: u16,
        trust: impl Fn() -> Result<Trust, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            pods: Api::namespaced(client, namespace),
            port,
            trust: Box::new(trust),
            known: Mutex::default(),
        }
    }

    /// Whether a request comes from a replica that passes it on.
    pub(super) fn is_asked_by_another(head: &HeaderMap) -> bool {
        head.contains_key(PASSED_ON)
    }

    /// Asks whoever leads by this identity for the summary, as the caller.
    pub(super) async fn ask(&self, identity: &str, caller: &Caller) -> Result<Response, Refusal> {
        let known = self.find(identity).await.map_err(|why| {
            tracing::warn!(leader = identity, "the replica that leads cannot be asked: {why}");
            Refusal::not_now(format!(
                "the replica that leads ({}) cannot be asked: {why}.",
                pod_of(identity)
            ))
        })?;
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = axum::http::Uri::from_static(PATH);
        request
            .headers_mut()
            .insert(PASSED_ON, HeaderValue::from_static("true"));
        let answer = known.upstream.send(caller, request).await?;
        Ok(pass_on(answer).into_response())
    }

    async fn find(&self, identity: &str) -> Result<Arc<Known>, String> {
        let trust = (self.trust)()?;
        if let Some(known) = self.known()
            && known.identity == identity
            && known.trust == trust
        {
            return Ok(known);
        }
        let address = self.address(pod_of(identity)).await?;
        let known = Arc::new(Known {
            identity: identity.to_owned(),
            upstream: Upstream::replica(address, trust.roots.clone(), &trust.name)?,
            trust,
        });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    fn known(&self) -> Option<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Where a Pod is. Listed, since the controller may list Pods and not read them.
    async fn address(&self, pod: &str) -> Result<SocketAddr, String> {
        let params = ListParams::default().fields(&format!("metadata.name={pod}"));
        let listed = self.pods.list(&params).await;
        let listed = listed.map_err(|error| format!("its Pod cannot be listed: {error}"))?;
        let address = listed
            .items
            .iter()
            .find_map(|pod| pod.status.as_ref()?.pod_ip.clone());
        let address = address.ok_or("it has no Pod with an address")?;
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("its Pod's address is {address:?}"))?;
        Ok(SocketAddr::new(address, self.port))
    }
}

/// The Pod of a leader: what stands before the process in its identity. Names of Pods have no underscore.
fn pod_of(identity: &str) -> &str {
    identity.split('_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::pod_of;

    #[test]
    fn the_pod_stands_first_in_the_identity_of_a_leader() {
        assert_eq!(
            pod_of("kubeop-controller-5d9f-x2x4z_1_18a2"),
            "kubeop-controller-5d9f-x2x4z"
        );
        assert_eq!(pod_of("made-by-hand"), "made-by-hand");
    }
}
