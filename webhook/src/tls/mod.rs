//! The certificate that is served. Three sources: supplied as files, made at start for development, or signed by the
//! CA that all replicas share.

mod development;
mod failure;
mod place;
mod registration;
mod secret;
mod shared;

pub use kubeop_serving::CertificateState;

use crate::config::{Config, ConfigError};
use kube::Client;
use kubeop_serving::serve_supplied;
use rustls::ServerConfig;
use std::time::Duration;
use tokio::sync::watch;

/// Who writes, as `managedFields` have it.
const FIELD_MANAGER: &str = "kubeop-webhook";
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);

/// What the server presents, and how that stands, for as long as it runs.
type Presented = (ServerConfig, watch::Receiver<CertificateState>);

/// Takes the certificate from where the configuration says, and keeps it good.
pub(crate) fn start(config: &Config, client: &Client) -> Result<Presented, ConfigError> {
    match (&config.tls_dir, &config.ca_file_out) {
        (Some(folder), _) => Ok(serve_supplied("--tls-dir", folder)?),
        (None, Some(path)) => development::start(config, path),
        (None, None) => shared::start(config, client),
    }
}
