//! A client of the manager API, as somebody with a token of the cluster.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, Request};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::identity::Identity;
use crate::kubectl::install_crypto;
use crate::kubeop::free_port;
use crate::page::certificates;
use crate::wait;

/// How long the API may take until it serves: a CA is made first.
const READY: Duration = Duration::from_secs(30);

/// Somebody who asks.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub head: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The body as JSON, if this is the status.
    pub fn expect(&self, status: u16) -> Result<Value> {
        ensure!(
            self.status == status,
            "{} instead of {status}: {}",
            self.status,
            self.text
        );
        Ok(self.json())
    }

    /// A header field; empty if it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.head
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Where an API is to be served on this machine that nobody else uses.
pub fn address() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}

/// The CAs to trust, PEM, once there is an API.
pub async fn ca(cluster: &Cluster) -> Result<String> {
    wait::until("the CA of the manager API", READY, || async {
        let map = cluster
            .get("configmap kubeop-manager-api -n kubeop-system")
            .await?;
        let ca = map["data"]["ca.crt"].as_str().context("no ca.crt")?;
        anyhow::Ok(ca.to_owned())
    })
    .await
}

/// The token of an identity that the cluster was started with.
pub fn token(cluster: &Cluster, identity: &Identity) -> Result<String> {
    let text = std::fs::read_to_string(cluster.kubeconfig_of(identity)?)?;
    let config: Value = serde_json::from_str(&text)?;
    let token = config["users"][0]["user"]["token"].as_str();
    Ok(token
        .with_context(|| format!("{} has no token", identity.user))?
        .to_owned())
}

impl Caller {
    /// Asks at `https://<address>`, which presents a certificate of one of these CAs, with this token or none.
    pub fn new(address: SocketAddr, ca: &str, token: Option<&str>) -> Result<Self> {
        install_crypto();
        let mut config = kube::Config::new(format!("https://{address}").parse()?);
        config.root_cert = Some(certificates(ca.as_bytes())?);
        // As every replica is called, wherever it is.
        config.tls_server_name = Some("kubeop-manager-api.kubeop-system.svc".to_owned());
        config.default_retry = false;
        Ok(Self {
            client: Client::try_from(config)?,
            token: token.map(str::to_owned),
        })
    }

    /// Asks.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        self.ask_with(method, path, body, &[]).await
    }

    /// Asks with these header fields besides.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.as_bytes().to_vec()))?;
        let (head, body) = self.client.send(request).await?.into_parts();
        let bytes = body.collect_bytes().await?;
        Ok(Answer {
            status: head.status.as_u16(),
            head: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "").await
    }

    /// Sends something.
    pub async fn post(&self, path: &str, body: &str) -> Result<Answer> {
        self.ask("POST", path, body).await
    }
}
