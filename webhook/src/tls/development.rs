//! For development and tests outside a cluster: a CA in memory, its certificate in a file.

use super::{CertificateState, Presented};
use crate::config::{Config, ConfigError};
use kubeop_certs::{Authority, CertificateError, Leaf, Served};
use kubeop_serving::Warner;
use std::path::Path;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

/// How long CA and certificate are valid. Each start makes new ones.
const LIFE: Duration = Duration::days(365);

const REMEDY: &str = "Start the webhook again, and register the CA that it writes then.";

/// Makes a CA and a certificate, and writes the CA's to this file.
pub(super) fn start(config: &Config, path: &Path) -> Result<Presented, ConfigError> {
    let (authority, leaf) = make(&config.server_names()).map_err(ConfigError::Made)?;
    std::fs::write(path, authority.certificate()).map_err(|source| ConfigError::File {
        flag: "--ca-file-out",
        path: path.to_owned(),
        source,
    })?;
    let served = Served::new(leaf.pair()).and_then(|served| Arc::new(served).server_config());
    let state = CertificateState {
        trouble: None,
        leaf: leaf.validity(),
        ca: Some(authority.ca().validity()),
    };
    let (sender, state) = watch::channel(state);
    tokio::spawn(async move {
        let mut warner = Warner::default();
        loop {
            let now = OffsetDateTime::now_utc();
            let due = warner.check("the certificate made at start", REMEDY, leaf.validity(), now);
            tokio::time::sleep((due - now).unsigned_abs()).await;
            if sender.is_closed() {
                return;
            }
        }
    });
    Ok((served.map_err(ConfigError::Made)?, state))
}

fn make(names: &[String]) -> Result<(Authority, Leaf), CertificateError> {
    let now = OffsetDateTime::now_utc();
    let authority = Authority::new("kubeOP webhook", now, LIFE)?;
    let leaf = Leaf::sign(&authority, names, now, LIFE)?;
    Ok((authority, leaf))
}
