//! Conditions as the Kubernetes API conventions want them, written one way.

/// Types of conditions that kubeOP writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}
