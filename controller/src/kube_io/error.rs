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
    /// Who holds which fields, if that is why.
    pub conflicts: Vec<FieldConflict>,
}

/// A field that another manager holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The manager.
    pub manager: String,
    /// The field, as in `.spec.replicas`.
    pub field: String,
}

impl std::fmt::Display for FieldConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} holds {}", self.manager, self.field)
    }
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// The object is not there.
    NotFound,
    /// Its kind is not there.
    UnknownKind,
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
        let (kind, message, conflicts) = match error {
            kube::Error::Api(status) => (CallKind::of(status), one_line(&status.message), conflicts(status)),
            other => (CallKind::Unavailable, chain(other), Vec::new()),
        };
        Self {
            doing: doing.into(),
            kind,
            message,
            conflicts,
        }
    }

    /// One that no answer of the API server told.
    pub fn own(doing: impl Into<String>, kind: CallKind, message: impl Into<String>) -> Self {
        Self {
            doing: doing.into(),
            kind,
            message: message.into(),
            conflicts: Vec::new(),
        }
    }

    /// The reason in a condition.
    pub fn reason(&self) -> Reason {
        match self.kind {
            CallKind::FieldConflict => Reason::Conflict,
            CallKind::Forbidden => Reason::Forbidden,
            CallKind::UnknownKind => Reason::UnknownKind,
            CallKind::Refused | CallKind::NotFound => Reason::ApplyFailed,
            CallKind::AlreadyExists | CallKind::Stale | CallKind::Unavailable => Reason::Retrying,
        }
    }
}

impl CallKind {
    /// One word for it, as metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::UnknownKind => "unknown_kind",
            Self::AlreadyExists => "already_exists",
            Self::Stale => "stale",
            Self::FieldConflict => "field_conflict",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    fn of(status: &Status) -> Self {
        match (status.code, status.reason.as_str()) {
            (404, _) => Self::NotFound,
            (409, "AlreadyExists") => Self::AlreadyExists,
            (409, _) => {
                if conflicts(status).is_empty() {
                    Self::Stale
                } else {
                    Self::FieldConflict
                }
            }
            // Quota, pod security and other admission rules answer with 403, too.
            (403, _) if is_of_rbac(&status.message) => Self::Forbidden,
            (500, _) if is_of_the_schema(status) => Self::Refused,
            (401 | 408 | 429 | 500.., _) => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

/// Whether an object was refused because it cannot be read as its kind. Server-side apply answers so with 500, and no later
/// try changes that.
pub fn is_of_the_schema(status: &Status) -> bool {
    status.message.contains("failed to create typed patch object")
}

/// A table shows the first line of a message only.
fn one_line(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    lines.join(" | ")
}

/// Whether a refusal has the words of RBAC, for a call or for what a Role would grant.
fn is_of_rbac(message: &str) -> bool {
    (message.contains(" cannot ") && message.contains(" in API group "))
        || message.contains("is attempting to grant RBAC permissions not currently held")
}

/// The causes say `conflict with "kubectl-edit" using apps/v1`.
fn conflicts(status: &Status) -> Vec<FieldConflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts
        .map(|cause| FieldConflict {
            manager: cause
                .message
                .split('"')
                .nth(1)
                .unwrap_or(&cause.message)
                .to_owned(),
            field: cause.field.clone(),
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::CallKind;
    use kube::core::Status;

    /// Answers of a v1.36 API server.
    #[test]
    fn who_says_no_is_told_apart() {
        for (code, message, kind) in [
            (
                403,
                "configmaps \"c\" is forbidden: User \"u\" cannot patch resource \"configmaps\" in API group \"\" in the \
                 namespace \"n\"",
                CallKind::Forbidden,
            ),
            (
                403,
                "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"u\" (groups=[]) is attempting to grant RBAC \
                 permissions not currently held:\n{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}",
                CallKind::Forbidden,
            ),
            (
                403,
                "services \"s\" is forbidden: exceeded quota: kubeop, requested: services=1",
                CallKind::Refused,
            ),
            (
                403,
                "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\"",
                CallKind::Refused,
            ),
            (
                403,
                "admission webhook \"x\" denied the request: no",
                CallKind::Refused,
            ),
            (401, "Unauthorized", CallKind::Unavailable),
            (
                500,
                "failed to create typed patch object (n/d; apps/v1, Kind=Deployment): .spec.template.spec.containers: \
                 duplicate entries for key [name=\"a\"]",
                CallKind::Refused,
            ),
            (500, "etcdserver: request timed out", CallKind::Unavailable),
            (422, "Deployment.apps \"d\" is invalid", CallKind::Refused),
        ] {
            let mut status = Status::failure(message, "");
            status.code = code;
            assert_eq!(CallKind::of(&status), kind, "{message}");
        }
    }
}
