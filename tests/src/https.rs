//! A bare HTTPS connection: for requests that no decent client sends, and for load without a client's own cost.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One connection to a server on this machine.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    /// Received, and not yet part of an answer.
    received: Vec<u8>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The status line and the header fields, in small letters.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects to `https://127.0.0.1:<port>`, whose certificate this CA has signed.
    pub async fn open(url: &str, ca_file: &Path) -> Result<Self> {
        Self::open_trusting(url, &std::fs::read(ca_file)?).await
    }

    /// The same, where one of these CAs has signed it: PEM, as a registration has it.
    pub async fn open_trusting(url: &str, bundle: &[u8]) -> Result<Self> {
        let address = url.strip_prefix("https://").context("no https:// URL")?;
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(bundle) {
            roots.add(ca?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("127.0.0.1")?;
        Ok(Connection {
            stream: TlsConnector::from(Arc::new(config)).connect(name, stream).await?,
            received: Vec::new(),
        })
    }

    /// The server's own certificate, DER.
    pub fn certificate(&self) -> Vec<u8> {
        let chain = self.stream.get_ref().1.peer_certificates();
        chain
            .and_then(<[_]>::first)
            .map(|leaf| leaf.to_vec())
            .unwrap_or_default()
    }

    /// Sends these bytes, and no others.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next answer. Its body has the length that the head says.
    pub async fn answer(&mut self) -> Result<Answer> {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(
                self.stream.read_buf(&mut self.received).await? > 0,
                "closed without an answer"
            );
        };
        let head = std::str::from_utf8(&self.received[..end])?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        let length = field(&head, "content-length").unwrap_or("0").parse::<usize>()?;
        while self.received.len() < end + length {
            ensure!(
                self.stream.read_buf(&mut self.received).await? > 0,
                "the answer was cut off"
            );
        }
        let body = self.received[end..end + length].to_vec();
        self.received.drain(..end + length);
        Ok(Answer { status, head, body })
    }

    /// Waits until the server closes the connection, which it does without a word.
    pub async fn closed(&mut self) -> Result<()> {
        // A server may end TLS first or not; an attack by truncation is not what is asked about.
        let read = self.stream.read_buf(&mut self.received).await.unwrap_or(0);
        ensure!(read == 0 && self.received.is_empty(), "the server still speaks");
        Ok(())
    }
}

impl Answer {
    /// A header field; none if it is not there. `name` is in small letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(field, _)| *field == name)
        .map(|(_, value)| value)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
