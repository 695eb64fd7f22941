//! The server of the manager API: what its handlers work with, what it takes of clients, and how it ends.

use super::analytics::access::Access;
use super::analytics::leader::Leader;
use super::certificate::{self, Certificate};
use super::endpoints::router;
use super::serving::{Serving, Worlds};
use super::upstream::Upstream;
use crate::config::Config;
use crate::http::Phase;
use crate::kube_io::KubeCluster;
use kubeop_serving::{Bodies, Door, Patience, Stage, SuppliedError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The largest body, in bytes: what the API server takes of an object.
pub(super) const LARGEST: usize = 3 * 1024 * 1024;
/// What is borne of clients. A connection costs some ten kilobytes.
const PATIENCE: Patience = Patience {
    idle: Duration::from_secs(60),
    connections: 256,
};
/// How long requests are still taken once the program is asked to end: until the cluster has forgotten this Pod.
const DRAIN: Duration = Duration::from_secs(3);
/// How long requests under way may take after that. Both are shorter than terminationGracePeriodSeconds.
const UNDER_WAY: Duration = Duration::from_secs(8);

/// The manager API, before it serves.
pub struct ManagerApi {
    listener: TcpListener,
    address: SocketAddr,
    namespace: String,
    supplied: Option<Certificate>,
    names: Vec<String>,
}

/// Why it cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The port cannot be taken.
    #[error("--api-listen (KUBEOP_API_LISTEN) {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The supplied certificate cannot be used.
    #[error(transparent)]
    Supplied(#[from] SuppliedError),
}

impl ManagerApi {
    /// Takes the port, and reads the certificate where one is supplied. None: it is not asked for.
    pub async fn open(config: &Config) -> Result<Option<Self>, OpeningError> {
        let Some(address) = config.api_listen else {
            return Ok(None);
        };
        let taken = TcpListener::bind(address).await;
        let listen = |source| OpeningError::Listen { address, source };
        let listener = taken.map_err(listen)?;
        let supplied = config.api_tls_dir.as_deref().map(certificate::supplied);
        Ok(Some(Self {
            address: listener.local_addr().map_err(listen)?,
            listener,
            namespace: config.namespace.clone(),
            supplied: supplied.transpose()?,
            names: config.api_names(),
        }))
    }

    /// Serves until `stop` ends, and then until nothing is under way.
    pub async fn serve(
        self,
        cluster: KubeCluster,
        phases: watch::Receiver<Phase>,
        worlds: Worlds,
        stop: impl Future<Output = ()>,
    ) {
        let Self {
            listener,
            address,
            namespace,
            supplied,
            names,
        } = self;
        let mut stop = std::pin::pin!(stop);
        let client = cluster.watches();
        let ready = async {
            let certificate = match supplied {
                Some(certificate) => certificate,
                None => certificate::issued(client.clone(), &namespace, names)
                    .await
                    .map_err(|error| error.to_string())?,
            };
            let api_server = Upstream::api_server(cluster.config()).map_err(|error| error.to_string())?;
            Ok::<_, String>((certificate, api_server))
        };
        let (certificate, api_server) = tokio::select! {
            ready = ready => match ready {
                Ok(ready) => ready,
                Err(error) => {
                    tracing::error!("the manager API is not served: {error}");
                    return;
                }
            },
            () = &mut stop => return,
        };
        let Certificate { tls, trust, files } = certificate;
        let (stage, stages) = watch::channel(Stage::Serving);
        let router = router(Arc::new(Serving {
            api_server,
            bodies: Bodies::new(LARGEST),
            access: Access::default(),
            leader: Leader::new(client, &namespace, address.port(), trust),
            phases,
            worlds,
        }));
        let door = Door::new(listener, tls, router, stages, PATIENCE);
        tracing::info!(%address, "the manager API is served");
        tokio::select! {
            never = door.open() => match never {},
            () = stop => {}
        }
        stage.send_replace(Stage::Draining);
        tokio::select! {
            never = door.open() => match never {},
            () = tokio::time::sleep(DRAIN) => {}
        }
        let connections = door.close();
        stage.send_replace(Stage::Closing);
        if tokio::time::timeout(UNDER_WAY, connections.wait()).await.is_err() {
            tracing::warn!(
                left = connections.len(),
                "connections did not end in time and are cut off"
            );
        }
        drop(files);
    }
}
