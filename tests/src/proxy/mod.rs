//! A proxy between one program and the API server: it counts what passes, narrows what the program sees, and does
//! one harm at one point. It speaks plain HTTP on the loopback device and passes everything on as one identity.
//!
//! - [`Fault`] says what harm, as data.
//! - [`Ledger`] says what passed: writes and news of watches in order, and calls by identity.
//! - [`View`] lets several controllers work on one cluster, each on a project of its own.

mod call;
mod fault;
mod ledger;
mod news;
mod relay;
mod scopes;
mod switch;
mod view;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use fault::{Fault, NewsFault, Strike, WriteFault};
pub use ledger::{Calls, Ledger, News};
pub use view::View;

use crate::cluster::Cluster;
use crate::identity::{Identity, write_private};
use crate::kubectl::client_config;
use switch::Switch;

/// A running proxy. Dropping it cuts every connection.
pub struct Proxy {
    address: SocketAddr,
    switch: Arc<Switch>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that passes everything on as this identity. It belongs to the runtime that starts it.
    pub async fn start(cluster: &Cluster, identity: &Identity, view: View, fault: Fault) -> Result<Proxy> {
        let mut config = client_config(&cluster.kubeconfig_of(identity)?).await?;
        // What the API server answers is the program's to see.
        config.default_retry = false;
        let switch = Arc::new(Switch::new(
            kube::Client::try_from(config)?,
            &identity.user,
            view,
            fault,
        ));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, switch.clone()));
        Ok(Proxy {
            address,
            switch,
            server,
        })
    }

    /// Writes a kubeconfig that leads here.
    pub fn write_kubeconfig(&self, path: &Path) -> Result<()> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{}", self.address)}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy"}}],
            "current-context": "proxy",
        });
        write_private(path, &config.to_string()).context("no kubeconfig for the proxy")
    }

    /// What has passed until now.
    pub fn ledger(&self) -> Ledger {
        self.switch.ledger()
    }

    /// Returns when the fault asks for the program to be killed. From then on nothing of it is passed on.
    pub async fn kill_wanted(&self) {
        self.switch.kill_wanted().await;
    }

    /// Returns when a write is held.
    pub async fn held(&self) {
        self.switch.held().await;
    }

    /// Passes the held write on.
    pub fn let_through(&self) {
        self.switch.let_through();
    }

    /// How the API server answered the write that was held, once it has passed.
    pub fn late_answer(&self) -> Option<u16> {
        self.switch.late_answer()
    }

    /// The program is gone: what connects from now on is the next one.
    pub fn revive(&self) {
        self.switch.revive();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, switch: Arc<Switch>) {
    // Dropped with this task, and every connection with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small writes, each awaited by the other side.
        let _ = stream.set_nodelay(true);
        let switch = switch.clone();
        let life = switch.life();
        connections.spawn(async move {
            let service =
                hyper::service::service_fn(move |request| relay::answer(switch.clone(), life, request));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // It ends with an error where a fault says so, or the program was killed.
            let _ = connection.await;
        });
    }
}
