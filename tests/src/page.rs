//! Reading a page over HTTP or HTTPS: health, metrics, the manager API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::kubectl::install_crypto;

/// Gets a page of one of the programs; an answer other than 2xx is an error.
pub async fn get(url: &str, ca_file: Option<&Path>) -> Result<String> {
    install_crypto();
    let (base, path) = split_url(url)?;
    let mut config = kube::Config::new(base.parse()?);
    config.connect_timeout = Some(Duration::from_secs(2));
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        config.root_cert = Some(certificates(&pem)?);
    }
    let client = kube::Client::try_from(config)?;
    Ok(client
        .request_text(http::Request::get(path).body(Vec::new())?)
        .await?)
}

fn split_url(url: &str) -> Result<(&str, &str)> {
    let host = url.find("://").context("a URL has a scheme")? + 3;
    let end = url[host..].find('/').map_or(url.len(), |slash| host + slash);
    Ok((&url[..end], if end == url.len() { "/" } else { &url[end..] }))
}

/// The certificates of a PEM file, in DER.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(pem)
        .map(|certificate| Ok(certificate.context("not a certificate")?.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_splits_before_its_path() {
        assert_eq!(
            split_url("https://127.0.0.1:1/readyz?x").unwrap(),
            ("https://127.0.0.1:1", "/readyz?x")
        );
        assert_eq!(
            split_url("http://127.0.0.1:1").unwrap(),
            ("http://127.0.0.1:1", "/")
        );
    }
}
