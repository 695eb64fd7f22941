//! Flags and environment, checked before anything starts.

use kubeop_certs::CertificateError;
use kubeop_certs::rotation::{Lifetimes, LifetimesError};
use kubeop_serving::SuppliedError;
use kubeop_shared::duration::parse_duration;
use kubeop_shared::image::{Allowlist, AllowlistEntryError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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

    /// The namespace that kubeOP runs in, where the Secret `kubeop-webhook-ca` holds the CA that all replicas share.
    /// It makes itself, and is renewed by itself; whoever deletes it gets another CA, without a refused request.
    #[arg(long, env = "KUBEOP_NAMESPACE", default_value = "kubeop-system")]
    pub namespace: String,

    /// How long a CA of the webhook lives: `3650d`. Another one follows it when two thirds are over.
    #[arg(long, env = "KUBEOP_CA_LIFE", default_value = "3650d", value_parser = parse_duration)]
    pub ca_life: Duration,

    /// How long the certificate of a replica lives: `24h`. It is renewed when two thirds are over.
    #[arg(long, env = "KUBEOP_LEAF_LIFE", default_value = "24h", value_parser = parse_duration)]
    pub leaf_life: Duration,

    /// Folder with `tls.crt` and `tls.key`, from cert-manager or another hand: used as they are, read again when they
    /// change. Who makes them also fills `caBundle` of the registrations.
    #[arg(long, env = "KUBEOP_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,

    /// Names in a certificate that the webhook makes, separated by commas. Default: the Service
    /// `kubeop-webhook.<namespace>.svc`, and this machine.
    #[arg(long, env = "KUBEOP_TLS_NAMES", value_delimiter = ',')]
    pub tls_names: Vec<String>,

    /// For development: a CA made at start and kept in memory; its certificate is written here. Registrations are
    /// left alone.
    #[arg(long, env = "KUBEOP_CA_FILE_OUT", conflicts_with = "tls_dir")]
    pub ca_file_out: Option<PathBuf>,

    /// How long requests are still taken after SIGTERM, until nobody sends any: as long as the cluster needs to
    /// forget a Pod. Requests under way then have 10 s more, so terminationGracePeriodSeconds must be this and 15 s.
    #[arg(long, env = "KUBEOP_DRAIN", default_value = "15s", value_parser = parse_duration)]
    pub drain: Duration,
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
    /// The two lives do not go together.
    #[error("--ca-life (KUBEOP_CA_LIFE) {ca:?} and --leaf-life (KUBEOP_LEAF_LIFE) {leaf:?}: {source}")]
    Lifetimes {
        /// Of a CA.
        ca: Duration,
        /// Of a leaf.
        leaf: Duration,
        /// Why.
        source: LifetimesError,
    },
    /// The supplied certificate cannot be used.
    #[error(transparent)]
    Supplied(#[from] SuppliedError),
    /// A certificate cannot be made.
    #[error("{0}; see --tls-names (KUBEOP_TLS_NAMES)")]
    Made(CertificateError),
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

    /// How long CAs and certificates live that the webhook makes.
    pub fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let (ca, leaf) = (self.ca_life, self.leaf_life);
        let long = |life: Duration| time::Duration::try_from(life).unwrap_or(time::Duration::MAX);
        Lifetimes::new(long(ca), long(leaf)).map_err(|source| ConfigError::Lifetimes { ca, leaf, source })
    }

    /// Names in a certificate that the webhook makes.
    pub fn server_names(&self) -> Vec<String> {
        if self.tls_names.is_empty() {
            let service = format!("kubeop-webhook.{}.svc", self.namespace);
            return vec![service, "localhost".to_owned(), "127.0.0.1".to_owned()];
        }
        self.tls_names.clone()
    }
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

    #[test]
    fn times_have_units() {
        assert_eq!(
            config(&["--leaf-life=90d"]).leaf_life,
            Duration::from_secs(7_776_000)
        );
        for text in ["", "90"] {
            let error =
                Config::try_parse_from(["kubeop-webhook", &format!("--leaf-life={text}")]).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("--leaf-life") && error.contains("90d, 24h"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn lives_that_do_not_go_together_are_named() {
        assert!(config(&[]).lifetimes().is_ok());
        let error = config(&["--ca-life=2d"]).lifetimes().unwrap_err().to_string();
        assert!(
            error.contains("--ca-life") && error.contains("four times"),
            "{error}"
        );
    }

    #[test]
    fn the_service_is_named_by_its_namespace() {
        let names = config(&["--namespace=here"]).server_names();
        assert_eq!(names, ["kubeop-webhook.here.svc", "localhost", "127.0.0.1"]);
        assert_eq!(config(&["--tls-names=a,b"]).server_names(), ["a", "b"]);
    }
}
