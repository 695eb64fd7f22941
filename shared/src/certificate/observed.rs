//! What is known of a Certificate when it is decided upon: digests, and nothing secret.

use crate::api::certificate::IssuerKind;
use crate::host::HostVerdict;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// What a Certificate asks for, and who else does.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where it is.
    pub namespace: &'a str,
    /// kubeOP's own namespace.
    pub system_namespace: &'a str,
    /// The host, in normal form.
    pub host: &'a str,
    /// The Secret.
    pub secret: &'a str,
    /// Who is to sign.
    pub issuer: IssuerKind,
    /// What the lists of its place say of the host.
    pub verdict: HostVerdict<'a>,
    /// Another Certificate that has the Secret.
    pub rival: Option<&'a str>,
}

/// What decides upon a Certificate that may have what it asks for.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// The host, in normal form.
    pub host: &'a str,
    /// The Secret's name.
    pub secret_name: &'a str,
    /// Who is to sign.
    pub issuer: IssuerKind,
    /// The `DNSRecord` that it names.
    pub record: Option<Record<'a>>,
    /// The Secret.
    pub secret: SecretState,
    /// What was asked of cert-manager.
    pub external: ExternalState,
    /// kubeOP's own CA; none: there is none yet.
    pub trust: Option<Trust>,
    /// Now.
    pub now: Timestamp,
}

/// A `DNSRecord` that is named.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Its name.
    pub name: &'a str,
    /// None: there is none.
    pub state: Option<RecordState>,
}

/// How a `DNSRecord` stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// It resolves.
    Ready,
    /// It does not; what its own condition says.
    NotReady(String),
}

/// A Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// There is none.
    Absent,
    /// Somebody else's. Reads as a clause: `is of type Opaque`.
    Foreign(String),
    /// One that kubeOP or, for kubeOP, cert-manager wrote.
    Ours(Holding),
}

/// What a Secret of ours holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The certificate; none: it cannot be read.
    pub issued: Option<Issued>,
    /// Why a client would not take it, whatever the time. Reads as a clause.
    pub fault: Option<String>,
    /// Digest of the CAs that it tells clients to trust.
    pub bundle: u64,
    /// Whether it carries our label, and goes with its Certificate.
    pub marked: bool,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Names that it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// When another one takes its place.
    pub renewal: Timestamp,
    /// SHA-256 of it, in hex.
    pub fingerprint: String,
}

/// What was asked of cert-manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalState {
    /// It is not installed.
    NotInstalled,
    /// Nothing.
    Absent,
    /// Somebody else asks it for a certificate under this name.
    Foreign,
    /// Ours.
    Ours(External),
}

/// A Certificate of cert-manager's that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Whether it asks for what is to be asked for.
    pub is_as_wanted: bool,
    /// Whether it says that it is ready.
    pub ready: bool,
    /// Whether it says that it failed.
    pub failed: bool,
    /// What it says.
    pub message: String,
}

/// kubeOP's own CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Digest of the CAs that clients are to trust.
    pub bundle: u64,
    /// When the one that signs ends.
    pub until: Timestamp,
    /// How long what it signs lives.
    pub life: SignedDuration,
}
