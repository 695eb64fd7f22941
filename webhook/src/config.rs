//! Flags and environment, checked before anything starts.

use kubeop_certs::{Authority, CertificateError, Pair};
use kubeop_shared::image::{Allowlist, AllowlistEntryError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use time::{Duration, OffsetDateTime};

/// How long certificates that the webhook makes for itself are valid. Each start makes new ones.
const SELF_MADE_LIFE: Duration = Duration::days(365);

/// Decides at admission whether Apps and Pods may live where they say, with the images that they name.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "kubeop-webhook", version)]
pub struct Config {
    /// Address and port to serve HTTPS on.
    #[arg(long, env = "KUBEOP_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,

    /// Registries that images may come from, separated by commas: `ghcr.io`, `ghcr.io/acme`,
    /// `*.example.com`, `registry.example.com:5000`. Tenants and Projects narrow it.
    #[arg(long, env = "KUBEOP_IMAGE_ALLOWLIST", default_value = "")]
    pub image_allowlist: String,

    /// Starts without a list, so that any registry is allowed where no Tenant or Project narrows.
    #[arg(long, env = "KUBEOP_ALLOW_ANY_REGISTRY")]
    pub allow_any_registry: bool,

    /// Id of the cluster in ownership labels. Default: the uid of the namespace kube-system.
    #[arg(long, env = "KUBEOP_CLUSTER_ID")]
    pub cluster_id: Option<String>,

    /// Users who bring objects back from a backup, separated by commas: an App that one of them creates keeps
    /// the author that it was saved with. Empty: nobody.
    #[arg(
        long,
        env = "KUBEOP_RESTORERS",
        value_delimiter = ',',
        default_value = "system:serviceaccount:velero:velero"
    )]
    pub restorers: Vec<String>,

    /// Folder with `tls.crt` and `tls.key`. Default: a CA and a certificate made at start.
    #[arg(long, env = "KUBEOP_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,

    /// Names in a certificate made at start, separated by commas.
    #[arg(
        long,
        env = "KUBEOP_TLS_NAMES",
        value_delimiter = ',',
        default_value = "kubeop-webhook.kubeop-system.svc,localhost,127.0.0.1"
    )]
    pub tls_names: Vec<String>,

    /// Where to write the CA of a certificate made at start, for the webhook's registration.
    #[arg(long, env = "KUBEOP_CA_FILE_OUT", conflicts_with = "tls_dir")]
    pub ca_file_out: Option<PathBuf>,
}

/// Why the configuration cannot be used. Names flag and value.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No list, and nobody said that this is meant.
    #[error(
        "--image-allowlist (KUBEOP_IMAGE_ALLOWLIST) is empty: set the registries that images may come from, or \
         --allow-any-registry"
    )]
    NoAllowlist,
    /// An entry that cannot be read.
    #[error("--image-allowlist (KUBEOP_IMAGE_ALLOWLIST): {0}")]
    Allowlist(#[from] AllowlistEntryError),
    /// A file that cannot be read or written.
    #[error("{flag} {}: {source}", path.display())]
    File {
        /// The flag that named it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Certificate and key cannot be used.
    #[error("--tls-dir: {0}")]
    Certificate(#[from] CertificateError),
}

impl Config {
    /// The cluster's list; none where any registry is allowed.
    pub fn allowlist(&self) -> Result<Option<Allowlist>, ConfigError> {
        let list = Allowlist::parse_comma_separated(&self.image_allowlist)?;
        match (list.is_empty(), self.allow_any_registry) {
            (false, _) => Ok(Some(list)),
            (true, true) => Ok(None),
            (true, false) => Err(ConfigError::NoAllowlist),
        }
    }

    /// The certificate to serve: the one supplied, or one made now whose CA is written where it was asked for.
    pub fn certificate(&self, now: OffsetDateTime) -> Result<Pair, ConfigError> {
        if let Some(folder) = &self.tls_dir {
            return Ok(Pair {
                certificate: read(&folder.join("tls.crt"))?,
                key: read(&folder.join("tls.key"))?,
            });
        }
        let authority = Authority::new("kubeOP webhook", now, SELF_MADE_LIFE)?;
        if let Some(path) = &self.ca_file_out {
            std::fs::write(path, authority.certificate()).map_err(|source| ConfigError::File {
                flag: "--ca-file-out",
                path: path.clone(),
                source,
            })?;
        }
        Ok(authority.server(&self.tls_names, now, SELF_MADE_LIFE)?)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        flag: "--tls-dir",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn config(args: &[&str]) -> Config {
        Config::parse_from([&["kubeop-webhook"], args].concat())
    }

    #[test]
    fn without_a_list_it_starts_only_when_told_so() {
        let error = config(&["--image-allowlist="])
            .allowlist()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("KUBEOP_IMAGE_ALLOWLIST") && error.contains("--allow-any-registry"),
            "{error}"
        );
        assert!(
            config(&["--image-allowlist=,", "--allow-any-registry"])
                .allowlist()
                .unwrap()
                .is_none()
        );
        assert!(
            config(&["--image-allowlist=ghcr.io"])
                .allowlist()
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn a_bad_entry_is_named_with_its_flag() {
        let error = config(&["--image-allowlist=ghcr.io,https://x"])
            .allowlist()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--image-allowlist") && error.contains("https://x"),
            "{error}"
        );
    }
}
