//! Why a call failed, in the few words that the loops tell apart.

use kube::core::Status;
use kubeop_shared::api::conditions::Reason;

/// A call that failed, and during what.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {doing}: {message}")]
pub struct CallError {
    /// What was attempted, with the object: `apply Deployment payments`.
    pub doing: String,
    /// What kind of failure.
    pub kind: CallKind,
    /// The API server's words.
    pub message: String,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// The object, or its kind, is not there.
    NotFound,
    /// It is already there.
    AlreadyExists,
    /// It changed since it was read.
    Stale,
    /// Another manager owns a field.
    FieldConflict,
    /// RBAC says no.
    Forbidden,
    /// The object, or an admission rule, says no.
    Refused,
    /// The API server did not answer, or asks to try later.
    Unavailable,
}

impl CallError {
    /// From the client's error.
    pub fn new(doing: impl Into<String>, error: &kube::Error) -> Self {
        let (kind, message) = match error {
            kube::Error::Api(status) => (CallKind::of(status), status.message.clone()),
            other => (CallKind::Unavailable, chain(other)),
        };
        Self {
            doing: doing.into(),
            kind,
            message,
        }
    }

    /// The reason in a condition.
    pub fn reason(&self) -> Reason {
        match self.kind {
            CallKind::FieldConflict => Reason::Conflict,
            CallKind::Forbidden => Reason::Forbidden,
            CallKind::Refused | CallKind::NotFound => Reason::ApplyFailed,
            CallKind::AlreadyExists | CallKind::Stale | CallKind::Unavailable => Reason::Retrying,
        }
    }
}

impl CallKind {
    fn of(status: &Status) -> Self {
        let admission =
            status.message.contains("admission webhook") || status.message.contains("violates PodSecurity");
        match (status.code, status.reason.as_str()) {
            (404, _) => Self::NotFound,
            (409, "AlreadyExists") => Self::AlreadyExists,
            (409, _) => {
                let causes = status.details.iter().flat_map(|details| &details.causes);
                let fields = causes
                    .filter(|cause| cause.reason == "FieldManagerConflict")
                    .count();
                if fields > 0 {
                    Self::FieldConflict
                } else {
                    Self::Stale
                }
            }
            (401 | 403, _) if !admission => Self::Forbidden,
            (408 | 429 | 500.., _) => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
