//! A Service on this machine: one address, and behind it those programs that are ready. As with kube-proxy, a
//! connection stays where it went, even when its program has left the Service.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections in turn. Ends with the runtime that it was started in.
pub struct Service {
    port: u16,
    endpoints: Arc<Mutex<Vec<u16>>>,
}

impl Service {
    /// Listens, with nothing behind it.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let endpoints = Arc::<Mutex<Vec<u16>>>::default();
        tokio::spawn(forward(listener, endpoints.clone()));
        Ok(Service { port, endpoints })
    }

    /// `https://127.0.0.1:<port>` of the Service.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// New connections may go to this port, too.
    pub fn add(&self, port: u16) {
        self.with_endpoints(|endpoints| endpoints.push(port));
    }

    /// No new connection goes to this port.
    pub fn remove(&self, port: u16) {
        self.with_endpoints(|endpoints| endpoints.retain(|endpoint| *endpoint != port));
    }

    fn with_endpoints(&self, change: impl FnOnce(&mut Vec<u16>)) {
        change(&mut self.endpoints.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn forward(listener: TcpListener, endpoints: Arc<Mutex<Vec<u16>>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let endpoint = {
            let mut endpoints = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            if !endpoints.is_empty() {
                endpoints.rotate_left(1);
            }
            endpoints.first().copied()
        };
        // With nobody there the connection is closed, as a Service without endpoints refuses it.
        let Some(port) = endpoint else { continue };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
