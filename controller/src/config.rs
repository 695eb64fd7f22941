//! What can be configured, each by flag or environment.

use crate::dns::settings::DnsFlags;
use crate::explain::parse_key;
use crate::world::NamespacedName;
use clap::{ArgAction, Parser, Subcommand};
use kubeop_certs::rotation::{Lifetimes, LifetimesError};
use kubeop_shared::api::names;
use kubeop_shared::duration::parse_duration;
use kubeop_shared::image::Allowlist;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Delivers Apps: runs their hooks, applies what they render to, keeps it so, and says how it stands.
///
/// Talks to the cluster that KUBECONFIG names, or to the one that it runs in. Delivers as the account
/// `kubeop-deployer` of each project namespace, so that RBAC confines what an App can do.
#[derive(Parser, Debug, Clone)]
#[command(name = "kubeop-controller", version)]
pub struct Config {
    /// What to do instead of delivering.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where `/healthz`, `/readyz` and `/version` are served.
    #[arg(long, env = "KUBEOP_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Registries that images may come from, as the webhook has them. Apps whose images are no longer among them are
    /// told so. Empty: any, where no Tenant or Project narrows.
    #[arg(long, env = "KUBEOP_IMAGE_ALLOWLIST", default_value = "", value_parser = Allowlist::parse_comma_separated)]
    pub image_allowlist: Allowlist,

    /// Value of the label `app.kubeop.io/cluster-id`. Default: the uid of the namespace kube-system.
    #[arg(long, env = "KUBEOP_CLUSTER_ID")]
    pub cluster_id: Option<String>,

    /// Whether one of several processes is elected to do the work, by the Lease `kubeop-controller`, while the others
    /// stand by. Without, there must be no second process.
    #[arg(long, env = "KUBEOP_LEADER_ELECT", default_value_t = true, action = ArgAction::Set)]
    pub leader_elect: bool,

    /// kubeOP's own namespace, where that Lease is.
    #[arg(long, env = "KUBEOP_NAMESPACE", default_value = names::SYSTEM_NAMESPACE)]
    pub namespace: String,

    /// How many Apps are worked on at the same time.
    #[arg(long, env = "KUBEOP_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,

    /// Where the manager API is served, over HTTPS. Default: nowhere.
    #[arg(long, env = "KUBEOP_API_LISTEN")]
    pub api_listen: Option<SocketAddr>,

    /// Folder with `tls.crt` and `tls.key` for it (and `ca.crt`, by which replicas trust each other), from cert-manager or
    /// another hand: used as they are, read again when they change. Default: signed by the CA of Certificates.
    #[arg(long, env = "KUBEOP_API_TLS_DIR")]
    pub api_tls_dir: Option<PathBuf>,

    /// Names in its certificate where kubeOP signs it, separated by commas; the first is that of every replica. Default:
    /// the Service `kubeop-manager-api.<namespace>.svc`, and this machine.
    #[arg(long, env = "KUBEOP_API_TLS_NAMES", value_delimiter = ',')]
    pub api_tls_names: Vec<String>,

    /// How long a CA lives that signs what Certificates ask for: `3650d`. Another one follows it when two thirds are
    /// over.
    #[arg(long, env = "KUBEOP_ISSUER_CA_LIFE", default_value = "3650d", value_parser = parse_duration)]
    pub issuer_ca_life: Duration,

    /// How long a certificate lives that it signs: `90d`. It is renewed when two thirds are over.
    #[arg(long, env = "KUBEOP_CERTIFICATE_LIFE", default_value = "90d", value_parser = parse_duration)]
    pub certificate_life: Duration,

    /// DNS.
    #[command(flatten)]
    pub dns: DnsFlags,

    /// Which log lines are written, as in `info` or `kubeop_controller=debug`.
    #[arg(long, env = "KUBEOP_LOG", default_value = "info")]
    pub log: String,
}

/// What can be done instead of delivering.
#[derive(Subcommand, Debug, Clone)]
pub enum Command {
    /// Stops the controllers and takes kubeOP's finalizers away, so that it can be uninstalled. What was delivered
    /// stays and runs on.
    Release {
        /// Everything of this cluster.
        #[arg(long, required = true)]
        all: bool,
    },
    /// Prints what is observed of an App, and what the controller would do next. Does nothing.
    Explain {
        /// The App, as in `kubeop-web/payments`.
        #[arg(value_parser = parse_key)]
        app: NamespacedName,
    },
}

/// Two lives that do not go together, with the flags that say them.
#[derive(Debug, thiserror::Error)]
#[error(
    "--issuer-ca-life (KUBEOP_ISSUER_CA_LIFE) {ca:?} and --certificate-life (KUBEOP_CERTIFICATE_LIFE) {leaf:?}: {source}"
)]
pub struct BadLives {
    /// Of a CA.
    pub ca: Duration,
    /// Of a certificate.
    pub leaf: Duration,
    /// Why.
    pub source: LifetimesError,
}

impl Config {
    /// Whether kubeOP's own CA signs the certificate of the manager API.
    pub fn signs_for_api(&self) -> bool {
        self.api_listen.is_some() && self.api_tls_dir.is_none()
    }

    /// Names in that certificate.
    pub fn api_names(&self) -> Vec<String> {
        if self.api_tls_names.is_empty() {
            let service = format!("{}.{}.svc", names::MANAGER_API, self.namespace);
            return vec![service, "localhost".to_owned(), "127.0.0.1".to_owned()];
        }
        self.api_tls_names.clone()
    }

    /// How long CAs and certificates live that kubeOP signs for Certificates.
    pub fn lifetimes(&self) -> Result<Lifetimes, BadLives> {
        let (ca, leaf) = (self.issuer_ca_life, self.certificate_life);
        let long = |life: Duration| time::Duration::try_from(life).unwrap_or(time::Duration::MAX);
        Lifetimes::new(long(ca), long(leaf)).map_err(|source| BadLives { ca, leaf, source })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_flags_are_sound() {
        Config::command().debug_assert();
    }

    #[test]
    fn a_list_that_cannot_be_read_is_refused_by_name() {
        let refused = Config::try_parse_from(["kubeop-controller", "--image-allowlist=ghcr.io,acme"]);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("--image-allowlist") && refused.contains("\"acme\""),
            "{refused}"
        );
    }

    #[test]
    fn a_release_says_that_it_is_of_everything() {
        assert!(Config::try_parse_from(["kubeop-controller", "release"]).is_err());
        assert!(Config::try_parse_from(["kubeop-controller", "release", "--all"]).is_ok());
    }

    #[test]
    fn lives_that_do_not_go_together_are_named() {
        let config = |args: &[&str]| Config::parse_from([&["kubeop-controller"], args].concat());
        assert!(config(&[]).lifetimes().is_ok());
        let refused = config(&["--issuer-ca-life=100d"])
            .lifetimes()
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("--issuer-ca-life") && refused.contains("four times"),
            "{refused}"
        );
    }

    #[test]
    fn the_manager_api_is_served_where_that_is_said_and_named_by_its_service() {
        let config =
            |args: &[&str]| Config::parse_from([&["kubeop-controller", "--namespace=here"], args].concat());
        assert!(config(&[]).api_listen.is_none() && !config(&[]).signs_for_api());
        let listens = config(&["--api-listen=[::]:8443"]);
        assert!(listens.signs_for_api());
        assert_eq!(
            listens.api_names(),
            ["kubeop-manager-api.here.svc", "localhost", "127.0.0.1"]
        );
        let supplied = config(&[
            "--api-listen=[::]:8443",
            "--api-tls-dir=/tls",
            "--api-tls-names=a,b",
        ]);
        assert!(!supplied.signs_for_api());
        assert_eq!(supplied.api_names(), ["a", "b"]);
    }

    #[test]
    fn no_worker_at_all_is_refused() {
        assert!(Config::try_parse_from(["kubeop-controller", "--concurrency=0"]).is_err());
    }
}
