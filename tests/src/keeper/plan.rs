//! The names, ports and files of a cluster, and the command line of each of its programs.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::control_plane::FAKE_NODE;
use super::ledger::Ledger;
use super::{ClusterInfo, real_node};
use crate::fake;
use crate::identity::{self, Identity};
use crate::options::{Audit, Options};
use crate::pki::{Authority, CertificateFiles, TokenKeys};
use crate::programs::{Level, Programs};

/// The names that the API server is called by: from the host, and by `kubernetes.default.svc` from Pods.
const SERVING_NAMES: [&str; 5] = [
    "kubernetes.default.svc",
    "localhost",
    "127.0.0.1",
    "10.96.0.1",
    real_node::HOST,
];

/// Names, ports and files of a cluster, all known before anything starts.
pub(super) struct Plan<'a> {
    options: &'a Options,
    programs: &'a Programs,
    folder: PathBuf,
    etcd: String,
    etcd_peer: String,
    /// Where the API server listens.
    api_host: &'static str,
    api_port: u16,
    node_ports: [u16; 3],
    authority: Authority,
    serving: CertificateFiles,
    token_keys: TokenKeys,
    /// The administrator's kubeconfig.
    pub admin: PathBuf,
    kubeconfigs: PathBuf,
}

impl<'a> Plan<'a> {
    pub fn new(options: &'a Options, programs: &'a Programs, ledger: &Ledger) -> Result<Self> {
        let folder = ledger.folder();
        let kubeconfigs = folder.join("kubeconfigs");
        fs::create_dir_all(&kubeconfigs)?;
        let [etcd, etcd_peer, api_port, kubelet, proxy_health, proxy_metrics] = free_ports()?;
        let api_host = match options.level() {
            Level::ControlPlane => "127.0.0.1",
            Level::RealNode => real_node::HOST,
        };
        let authority = Authority::new(folder)?;
        let mut identities = Identity::standard();
        identities.extend(PARTS.iter().map(|&(user, groups)| Identity::user(user, groups)));
        identities.extend(options.identities.iter().cloned());
        let server = format!("https://{api_host}:{api_port}");
        let paths =
            identity::write_kubeconfigs(&kubeconfigs, &server, &authority.certificate_file(), &identities)?;
        let policy = match options.audit {
            Audit::On | Audit::Off => AUDIT_POLICY,
            Audit::Bodies => AUDIT_POLICY_WITH_BODIES,
        };
        fs::write(folder.join("audit-policy.yaml"), policy)?;
        fs::write(
            folder.join("kwok.yaml"),
            [programs.stages()?.as_str(), fake::STAGES].join("\n---\n"),
        )?;
        Ok(Plan {
            options,
            programs,
            folder: folder.to_owned(),
            etcd: format!("http://127.0.0.1:{etcd}"),
            etcd_peer: format!("http://127.0.0.1:{etcd_peer}"),
            api_host,
            api_port,
            node_ports: [kubelet, proxy_health, proxy_metrics],
            serving: authority.server("kube-apiserver", &SERVING_NAMES)?,
            token_keys: TokenKeys::new(folder)?,
            authority,
            admin: paths.into_iter().next().context("no identity")?,
            kubeconfigs,
        })
    }

    pub fn etcd(&self) -> Command {
        let mut command = Command::new(self.programs.path("server"));
        command
            .arg("--unsafe-no-fsync")
            .args(["--logger=zap", "--log-level=warn"])
            .arg(flag("data-dir", self.folder.join("etcd").display()))
            .arg(flag("listen-client-urls", &self.etcd))
            .arg(flag("advertise-client-urls", &self.etcd))
            .arg(flag("listen-peer-urls", &self.etcd_peer))
            .arg(flag("initial-advertise-peer-urls", &self.etcd_peer))
            .arg(flag("initial-cluster", format!("default={}", self.etcd_peer)));
        command
    }

    pub fn api_server(&self) -> Result<Command> {
        let mut command = Command::new(self.programs.path("kube-apiserver"));
        command
            .arg(flag("etcd-servers", &self.etcd))
            .arg(flag("bind-address", self.api_host))
            .arg(flag("secure-port", self.api_port))
            .arg(flag("tls-cert-file", self.serving.certificate.display()))
            .arg(flag("tls-private-key-file", self.serving.key.display()))
            .args([
                "--service-cluster-ip-range=10.96.0.0/16",
                "--authorization-mode=RBAC,Node",
            ])
            .arg(flag(
                "token-auth-file",
                identity::token_file(&self.kubeconfigs).display(),
            ))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-key-file", self.token_keys.public.display()))
            .arg(flag(
                "service-account-signing-key-file",
                self.token_keys.private.display(),
            ))
            .args([
                "--allow-privileged=true",
                "--enable-aggregator-routing=true",
                "--profiling=false",
            ]);
        if self.options.audit != Audit::Off {
            command
                .arg(flag(
                    "audit-policy-file",
                    self.folder.join("audit-policy.yaml").display(),
                ))
                .arg(flag("audit-log-path", self.audit_log().display()))
                // In megabytes. Rotation would lose what a test counts.
                .arg("--audit-log-maxsize=4000");
        }
        match self.options.level() {
            // Nobody reaches a Service here.
            Level::ControlPlane => command.arg("--endpoint-reconciler-type=none"),
            Level::RealNode => {
                let client = self
                    .authority
                    .client("kube-apiserver-kubelet-client", "system:masters")?;
                command
                    .arg(flag("advertise-address", self.api_host))
                    .arg("--kubelet-preferred-address-types=InternalIP")
                    .arg(flag("kubelet-client-certificate", client.certificate.display()))
                    .arg(flag("kubelet-client-key", client.key.display()))
            }
        };
        command.args(&self.options.api_server_args);
        Ok(command)
    }

    pub fn controller_manager(&self) -> Command {
        let mut command = Command::new(self.programs.path("kube-controller-manager"));
        command
            .arg(flag(
                "kubeconfig",
                self.kubeconfig("system:kube-controller-manager").display(),
            ))
            .arg(flag(
                "service-account-private-key-file",
                self.token_keys.private.display(),
            ))
            .arg(flag("root-ca-file", self.authority.certificate_file().display()))
            .arg(flag(
                "cluster-signing-cert-file",
                self.authority.certificate_file().display(),
            ))
            .arg(flag(
                "cluster-signing-key-file",
                self.authority.key_file().display(),
            ))
            .args([
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
            ])
            .args(RATES);
        command
    }

    pub fn scheduler(&self) -> Command {
        let mut command = Command::new(self.programs.path("kube-scheduler"));
        command
            .arg(flag(
                "kubeconfig",
                self.kubeconfig("system:kube-scheduler").display(),
            ))
            .args(["--leader-elect=false", "--secure-port=0"])
            .args(RATES);
        command
    }

    pub fn kwok(&self) -> Command {
        let mut command = Command::new(self.programs.path("kwok"));
        command
            .arg(flag("kubeconfig", self.kubeconfig("kwok").display()))
            .arg("--manage-all-nodes=false")
            .arg(flag(
                "manage-nodes-with-annotation-selector",
                format!("{FAKE_NODE}=fake"),
            ))
            .arg("--node-lease-duration-seconds=40")
            .arg(flag("config", self.folder.join("kwok.yaml").display()))
            // Else it also reads the configuration of the user's own kwok.
            .env("HOME", &self.folder);
        command
    }

    pub fn real_node(&self) -> real_node::Node<'_> {
        real_node::Node {
            programs: self.programs,
            ca_file: self.authority.certificate_file(),
            kubelet_kubeconfig: self.kubeconfig(KUBELET),
            proxy_kubeconfig: self.kubeconfig("system:kube-proxy"),
            ports: self.node_ports,
        }
    }

    fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    fn kubeconfig(&self, user: &str) -> PathBuf {
        self.kubeconfigs
            .join(format!("{}.kubeconfig", Identity::user(user, &[]).file_stem()))
    }

    pub fn info(&self, ledger: &mut Ledger) -> ClusterInfo {
        ClusterInfo {
            server: format!("https://{}:{}", self.api_host, self.api_port),
            ca_file: self.authority.certificate_file(),
            admin_kubeconfig: self.admin.clone(),
            audit_log: (self.options.audit != Audit::Off).then(|| self.audit_log()),
            pids: ledger.processes().iter().map(|process| process.id.pid).collect(),
        }
    }
}

/// The real node's name to the Node authorizer.
const KUBELET: &str = "system:node:real-0";

/// The cluster's own programs, as users.
const PARTS: [(&str, &[&str]); 5] = [
    ("system:kube-controller-manager", &[]),
    ("system:kube-scheduler", &[]),
    ("kwok", &["system:masters"]),
    (KUBELET, &["system:nodes"]),
    ("system:kube-proxy", &[]),
];

/// With the 20 requests a second that they ship with, the controller manager alone takes 4 s to start and a minute
/// for 300 Deployments.
const RATES: [&str; 2] = ["--kube-api-qps=500", "--kube-api-burst=1000"];

const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
";

const AUDIT_POLICY_WITH_BODIES: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
  verbs: [create, update, patch]
  resources:
  - {group: apps, resources: [deployments]}
  - {group: batch, resources: [jobs, jobs/status]}
- level: Metadata
";

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// Ports that were free a moment ago, all different.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<TcpListener> = (0..N)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<_>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
