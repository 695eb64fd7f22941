//! A server that serves what a Secret holds, and a client that trusts what stands beside it.

use crate::support::text;
use anyhow::{Context, Result};
use kubeop_certs::{Pair, Served};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A TLS server. It ends with the test.
pub struct Server {
    served: Arc<Served>,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start(secret: &Value) -> Self {
        let served = Arc::new(Served::new(&pair(secret)).unwrap());
        let config = served.clone().server_config().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Held until the client closes.
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let _ = stream.read(&mut [0; 64]).await;
                    }
                });
            }
        });
        Self { served, address }
    }

    /// As a program does it that is told of its Secret.
    pub fn reload(&self, secret: &Value) {
        self.served.replace(&pair(secret)).unwrap();
    }

    /// A handshake with a client that trusts this PEM only. The certificate that it met.
    pub async fn greet(&self, host: &str, trusted: &str) -> Result<Vec<u8>> {
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
            roots.add(ca?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let met = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        Ok(met.context("no certificate")?.to_vec())
    }
}

fn pair(secret: &Value) -> Pair {
    Pair {
        certificate: text(secret, "tls.crt"),
        key: text(secret, "tls.key"),
    }
}
