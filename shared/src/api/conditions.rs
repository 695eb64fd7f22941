//! Conditions as the Kubernetes API conventions want them, written one way.
//!
//! Source: «Typical status properties» of
//! <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use std::fmt;

/// The longest message that the schema of a condition takes, in characters.
const MAX_MESSAGE: usize = 32_768;

/// Types of conditions that kubeOP writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConditionType {
    /// What was asked for is delivered and healthy.
    Ready,
    /// Work is under way.
    Reconciling,
    /// Work cannot go on by itself. Never True together with `Reconciling`.
    Stalled,
    /// All pre hooks of the wanted revision succeeded.
    PreHooksSucceeded,
    /// All objects of the wanted revision are applied.
    Applied,
    /// All objects of the wanted revision are healthy.
    Healthy,
    /// All post hooks of the wanted revision succeeded.
    PostHooksSucceeded,
    /// What runs complies with the rules of today.
    Compliant,
    /// The registry credentials that a Project names are in its namespace.
    CredentialsMirrored,
}

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows yet.
    Unknown,
}

/// Why a condition says what it says: every reason that kubeOP writes, in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Everything that was asked for is there.
    Succeeded,
    /// A kept revision is there, as a person asked, instead of what the spec says.
    Pinned,
    /// A kept revision is there, since what the spec says failed.
    RolledBackAutomatically,
    /// What a revision says is no longer stored.
    RevisionLost,
    /// Work goes on by itself.
    Progressing,
    /// Something else has to happen first; the message says what.
    Waiting,
    /// Nothing is asked for here, so nothing can be missing.
    NothingToDo,
    /// The App asks for no writes.
    Suspended,
    /// A hook runs.
    HookRunning,
    /// A hook ended with a failure.
    HookFailed,
    /// The API server refused what was applied.
    ApplyFailed,
    /// The API server knows no such kind.
    UnknownKind,
    /// Something that is no longer asked for cannot be deleted.
    PruneBlocked,
    /// Another manager holds a field, or another owner the object.
    Conflict,
    /// A rollout missed its deadline.
    ProgressDeadlineExceeded,
    /// Something that was delivered does not work.
    Unhealthy,
    /// The Project that is named does not exist.
    ProjectNotFound,
    /// The Project is there, but its namespace is not ready yet.
    ProjectNotReady,
    /// The App lives in another namespace than its Project's.
    WrongNamespace,
    /// The account that delivers lacks a right.
    Forbidden,
    /// A request of kubeOP failed; it is tried again.
    Retrying,
    /// The Tenant that is named does not exist.
    TenantNotFound,
    /// The namespace exists and has not agreed to be adopted, or is none that may be a project's.
    NamespaceRefused,
    /// The object says something that delivery cannot do; admission would have refused it.
    Invalid,
    /// The record of revisions was written by a newer kubeOP.
    NewerRecord,
    /// The record of revisions cannot be read.
    UnreadableRecord,
    /// The webhook does not refuse a foreign image in the namespace.
    GateOpen,
    /// Every image is in the lists of today.
    ImagesAllowed,
    /// An image is not in a list of today, although it was when it was delivered.
    ImageNotAllowed,
    /// The object is being deleted.
    Deleting,
    /// Objects that must go first are still there.
    StillInUse,
    /// A Secret that is named may not be mirrored: its owner did not agree, or it is no registry credential.
    CredentialRefused,
    /// A Secret that is named does not exist.
    SecretNotFound,
    /// The host is none that may be had here.
    HostNotAllowed,
    /// Whoever signs certificates cannot.
    IssuingFailed,
    /// A host does not resolve.
    NotResolved,
    /// A host resolves to something else.
    AnswerDiffers,
    /// Another `DNSRecord` owns the host.
    HostTaken,
    /// The host lies in no zone that may be written.
    ZoneNotServed,
    /// Somebody else made what is in the zone.
    ForeignRecord,
    /// A server outside the cluster does not answer.
    Unreachable,
    /// A server outside the cluster says no.
    ServerRefused,
    /// A key that kubeOP was given is missing, cannot be read, or is not the one that the other side knows.
    KeyUnusable,
}

/// Sets one condition. `lastTransitionTime` moves only when the status does, and a condition that says
/// the same as before is left as it is, so that an unchanged status writes nothing.
pub fn set(
    conditions: &mut Vec<Condition>,
    r#type: ConditionType,
    status: ConditionStatus,
    reason: Reason,
    message: impl Into<String>,
    observed_generation: i64,
    now: Timestamp,
) {
    let said = Condition {
        type_: r#type.as_str().to_owned(),
        status: status.as_str().to_owned(),
        reason: reason.as_str().to_owned(),
        message: shortened(message.into()),
        observed_generation: Some(observed_generation),
        last_transition_time: Time(now),
    };
    match conditions.iter_mut().find(|c| c.type_ == said.type_) {
        None => conditions.push(said),
        Some(before) if before.status == said.status => {
            *before = Condition {
                last_transition_time: before.last_transition_time.clone(),
                ..said
            };
        }
        Some(before) => *before = said,
    }
}

/// The condition of a type, where there is one.
pub fn get(conditions: &[Condition], r#type: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|c| c.type_ == r#type.as_str())
}

/// Whether the condition of a type is there and True.
pub fn is_true(conditions: &[Condition], r#type: ConditionType) -> bool {
    get(conditions, r#type).is_some_and(|c| c.status == ConditionStatus::True.as_str())
}

/// Removes the condition of a type: for what no longer applies (a hook phase without hooks).
pub fn remove(conditions: &mut Vec<Condition>, r#type: ConditionType) {
    conditions.retain(|c| c.type_ != r#type.as_str());
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
    }
    message
}

impl ConditionType {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::PreHooksSucceeded => "PreHooksSucceeded",
            Self::Applied => "Applied",
            Self::Healthy => "Healthy",
            Self::PostHooksSucceeded => "PostHooksSucceeded",
            Self::Compliant => "Compliant",
            Self::CredentialsMirrored => "CredentialsMirrored",
        }
    }
}

impl ConditionStatus {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl Reason {
    const ALL: [Self; 43] = [
        Self::Pinned,
        Self::RolledBackAutomatically,
        Self::RevisionLost,
        Self::UnknownKind,
        Self::PruneBlocked,
        Self::Succeeded,
        Self::Progressing,
        Self::Waiting,
        Self::NothingToDo,
        Self::Suspended,
        Self::HookRunning,
        Self::HookFailed,
        Self::ApplyFailed,
        Self::Conflict,
        Self::ProgressDeadlineExceeded,
        Self::Unhealthy,
        Self::ProjectNotFound,
        Self::ProjectNotReady,
        Self::WrongNamespace,
        Self::Forbidden,
        Self::Retrying,
        Self::TenantNotFound,
        Self::NamespaceRefused,
        Self::Invalid,
        Self::NewerRecord,
        Self::UnreadableRecord,
        Self::GateOpen,
        Self::ImagesAllowed,
        Self::ImageNotAllowed,
        Self::Deleting,
        Self::StillInUse,
        Self::CredentialRefused,
        Self::SecretNotFound,
        Self::HostNotAllowed,
        Self::IssuingFailed,
        Self::NotResolved,
        Self::AnswerDiffers,
        Self::HostTaken,
        Self::ZoneNotServed,
        Self::ForeignRecord,
        Self::Unreachable,
        Self::ServerRefused,
        Self::KeyUnusable,
    ];

    /// Reads back the word in the API.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Pinned => "Pinned",
            Self::RolledBackAutomatically => "RolledBackAutomatically",
            Self::RevisionLost => "RevisionLost",
            Self::Progressing => "Progressing",
            Self::Waiting => "Waiting",
            Self::NothingToDo => "NothingToDo",
            Self::Suspended => "Suspended",
            Self::HookRunning => "HookRunning",
            Self::HookFailed => "HookFailed",
            Self::ApplyFailed => "ApplyFailed",
            Self::UnknownKind => "UnknownKind",
            Self::PruneBlocked => "PruneBlocked",
            Self::Conflict => "Conflict",
            Self::ProgressDeadlineExceeded => "ProgressDeadlineExceeded",
            Self::Unhealthy => "Unhealthy",
            Self::ProjectNotFound => "ProjectNotFound",
            Self::ProjectNotReady => "ProjectNotReady",
            Self::WrongNamespace => "WrongNamespace",
            Self::Forbidden => "Forbidden",
            Self::Retrying => "Retrying",
            Self::TenantNotFound => "TenantNotFound",
            Self::NamespaceRefused => "NamespaceRefused",
            Self::Invalid => "Invalid",
            Self::NewerRecord => "NewerRecord",
            Self::UnreadableRecord => "UnreadableRecord",
            Self::GateOpen => "GateOpen",
            Self::ImagesAllowed => "ImagesAllowed",
            Self::ImageNotAllowed => "ImageNotAllowed",
            Self::Deleting => "Deleting",
            Self::StillInUse => "StillInUse",
            Self::CredentialRefused => "CredentialRefused",
            Self::SecretNotFound => "SecretNotFound",
            Self::HostNotAllowed => "HostNotAllowed",
            Self::IssuingFailed => "IssuingFailed",
            Self::NotResolved => "NotResolved",
            Self::AnswerDiffers => "AnswerDiffers",
            Self::HostTaken => "HostTaken",
            Self::ZoneNotServed => "ZoneNotServed",
            Self::ForeignRecord => "ForeignRecord",
            Self::Unreachable => "Unreachable",
            Self::ServerRefused => "ServerRefused",
            Self::KeyUnusable => "KeyUnusable",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn ready(conditions: &mut Vec<Condition>, status: ConditionStatus, message: &str, now: i64) {
        set(
            conditions,
            ConditionType::Ready,
            status,
            Reason::Progressing,
            message,
            7,
            at(now),
        );
    }

    #[test]
    fn a_new_condition_says_everything() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::False, "waits", 1);
        assert_eq!(
            conditions,
            [Condition {
                type_: "Ready".to_owned(),
                status: "False".to_owned(),
                reason: "Progressing".to_owned(),
                message: "waits".to_owned(),
                observed_generation: Some(7),
                last_transition_time: Time(at(1)),
            }]
        );
    }

    #[test]
    fn the_transition_time_stands_still_while_the_status_does() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::False, "waits", 1);
        ready(&mut conditions, ConditionStatus::False, "waits still", 2);
        let condition = get(&conditions, ConditionType::Ready).expect("set");
        assert_eq!(condition.message, "waits still");
        assert_eq!(condition.last_transition_time, Time(at(1)));
    }

    #[test]
    fn saying_the_same_again_changes_nothing() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::True, "is there", 1);
        let before = conditions.clone();
        ready(&mut conditions, ConditionStatus::True, "is there", 2);
        assert_eq!(conditions, before);
    }

    #[test]
    fn the_transition_time_moves_with_the_status() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::False, "waits", 1);
        ready(&mut conditions, ConditionStatus::True, "is there", 2);
        assert!(is_true(&conditions, ConditionType::Ready));
        assert_eq!(conditions[0].last_transition_time, Time(at(2)));
    }

    #[test]
    fn a_condition_keeps_its_place_and_leaves_the_others_alone() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::False, "waits", 1);
        set(
            &mut conditions,
            ConditionType::Stalled,
            ConditionStatus::True,
            Reason::HookFailed,
            "migrate ended with 3",
            7,
            at(1),
        );
        ready(&mut conditions, ConditionStatus::True, "is there", 2);
        let types: Vec<_> = conditions.iter().map(|c| c.type_.as_str()).collect();
        assert_eq!(types, ["Ready", "Stalled"]);
        remove(&mut conditions, ConditionType::Stalled);
        assert!(get(&conditions, ConditionType::Stalled).is_none());
    }

    #[test]
    fn a_message_that_the_schema_would_refuse_is_cut() {
        let mut conditions = Vec::new();
        ready(&mut conditions, ConditionStatus::False, &"ä".repeat(40_000), 1);
        assert_eq!(conditions[0].message.chars().count(), 32_768);
    }
}
