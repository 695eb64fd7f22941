//! Why the Pods of a workload do not run: from a Pod, from the Events of whoever should create it, in words that
//! stay the same while the cause does. Which workload that is, and which of many causes is told.

mod container;
mod event;
mod missing;
mod pod;
#[cfg(test)]
mod pod_tests;
#[cfg(test)]
mod recorded_tests;
mod told;
mod words;
mod workload;

pub use event::{PodEvent, pod_event, refusal};
pub use pod::{PodStanding, pod_standing};
pub use told::{Trouble, most_telling};
pub use words::{LONGEST, last_lines};
pub use workload::{Origin, Workload, deployment_of, origin};

use std::fmt;

/// Why a Pod does not run, is not ready, or does not even exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// What kind of cause.
    pub kind: CauseKind,
    /// What is wrong, as a clause that names Pod and container where there are any.
    pub text: String,
    /// A command that helps: one line that starts with `kubectl`. What only the user knows stands in `<…>`.
    pub remedy: Option<String>,
}

/// Kinds of causes, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CauseKind {
    /// Pods cannot be created: a `ResourceQuota` is used up.
    Quota,
    /// Pods cannot be created: they are outside of a `LimitRange`.
    LimitRange,
    /// Pods cannot be created: their ServiceAccount does not exist.
    ServiceAccount,
    /// Pods cannot be created: an admission webhook does not answer.
    WebhookDown,
    /// Pods cannot be created: a webhook or a policy says no.
    Refused,
    /// Pods cannot be created, for another reason.
    NotCreated,
    /// An image cannot be had.
    Image,
    /// A container ends with an error, again and again.
    Crash,
    /// A container cannot be started.
    Start,
    /// A ConfigMap, a Secret or a key of one is missing.
    Configuration,
    /// A volume cannot be mounted.
    Volume,
    /// No node can take the Pod.
    Unschedulable,
    /// A container runs and says that it is not ready.
    NotReady,
    /// The Pod ended for a reason of the node or the cluster: evicted, shut down, out of time.
    Ended,
}

impl CauseKind {
    /// Whether there is no Pod because none can be created.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self <= Self::NotCreated
    }
}

impl Cause {
    fn new(kind: CauseKind, text: impl Into<String>, remedy: Option<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            remedy,
        }
    }
}

/// The cause in words; the command stands on a line of its own.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

/// The command that shows everything about a Pod.
fn describe(namespace: &str, pod: &str) -> String {
    format!("kubectl describe pod {pod} -n {namespace}")
}
