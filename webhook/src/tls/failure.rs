//! Why a turn of the certificates could not be finished, in words for who reads the log.

use super::place::NAME as REGISTRATION;
use super::secret;
use kube::Error;
use kubeop_certs::CertificateError;

/// Why a turn could not be finished.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot {doing}: {source}{}", remedy(source))]
    Request { doing: String, source: Box<Error> },
    #[error("cannot {doing}: no answer within 5 s")]
    Late { doing: String },
    #[error(
        "Secret {namespace}/{} is of type {of_type:?}, so kubeOP did not write it, and leaves it alone. If nobody needs \
         it, delete it, and a new CA is made at once: kubectl delete secret -n {namespace} {}",
        secret::NAME,
        secret::NAME
    )]
    Foreign { namespace: String, of_type: String },
    #[error(
        "caBundle of {kind} {REGISTRATION} is overwritten again and again, and reviews fail meanwhile; its last \
         field manager besides the webhook is {manager:?}. Let it leave that field alone (of cert-manager: remove the annotation cert-manager.io/inject-ca-from \
         and the like), or supply its certificate with --tls-dir (KUBEOP_TLS_DIR)"
    )]
    Overwritten { kind: String, manager: String },
    #[error("others write Secret {} all the time", secret::NAME)]
    Contended,
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

fn remedy(error: &Error) -> &'static str {
    match error {
        Error::Api(status) if status.is_forbidden() => {
            ". The rights of the webhook are in manifests/rbac: kubectl apply -k manifests/rbac"
        }
        _ => "",
    }
}

impl Failure {
    pub(super) fn reading_secret(source: Error) -> Self {
        Self::request(format!("read Secret {}", secret::NAME), source)
    }

    pub(super) fn writing_secret(source: Error) -> Self {
        Self::request(format!("write Secret {}", secret::NAME), source)
    }

    pub(super) fn request(doing: String, source: Error) -> Self {
        let source = Box::new(source);
        Self::Request { doing, source }
    }

    /// Whether somebody else has changed the object meanwhile, or removed it: its watch brings it.
    pub(super) fn is_overtaken(&self) -> bool {
        match self {
            Self::Request { source, .. } => match &**source {
                Error::Api(status) => status.is_conflict() || status.is_invalid() || status.is_not_found(),
                _ => false,
            },
            _ => false,
        }
    }
}
