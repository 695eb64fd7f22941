//! Why a delivered object is not ready, in the words of its Pods: its own status mostly counts them only.

use super::{Apps, Subject};
use crate::kube_io::Cluster;
use crate::world::{Binding, Now};
use kubeop_shared::api::names;
use kubeop_shared::delivery::Live;
use kubeop_shared::health::cause::{Cause, CauseKind, Workload};
use kubeop_shared::health::{BOUND_AT_FIRST_USE, Health};
use kubeop_shared::revision::ObjectKey;
use std::collections::BTreeMap;

impl<C: Cluster> Apps<C> {
    /// Puts the cause into the health of each object that is not ready.
    pub(super) fn explain(&self, subject: &Subject, live: &mut BTreeMap<ObjectKey, Live>) {
        let now = Now::read();
        let namespace = &subject.key.namespace;
        for (key, live) in live {
            let workload = Workload::new(&key.group, &key.kind, &key.name);
            let troubles = &self.world.troubles;
            let words = |cause: Cause| words(subject, cause);
            match &live.health {
                Health::Ready => match troubles.crash(namespace, &workload, now) {
                    Some(cause) => {
                        live.health = Health::Progressing { why: words(cause) };
                        live.crashes = true;
                    }
                    None => troubles.settled(namespace, &workload, now),
                },
                Health::Progressing { .. } if self.binds_at_first_use(namespace, key) => {
                    live.health = Health::Ready;
                    live.note = Some(BOUND_AT_FIRST_USE.to_owned());
                }
                Health::Progressing { .. } => {
                    if let Some(cause) = troubles.cause(namespace, &workload, now) {
                        live.health = Health::Progressing { why: words(cause) };
                    }
                }
                Health::Failed { why } => {
                    if let Some(cause) = troubles.cause(namespace, &workload, now) {
                        let why = words(besides(cause, why));
                        live.health = Health::Failed { why };
                    }
                }
            }
        }
    }

    /// Whether a claim is pending because no Pod uses it yet.
    fn binds_at_first_use(&self, namespace: &str, key: &ObjectKey) -> bool {
        if key.kind != "PersistentVolumeClaim" {
            return false;
        }
        let claim = self.world.live_of(namespace, key);
        let class = claim.and_then(|claim| claim.pending_class);
        let binding = class.and_then(|class| self.world.storage_classes.get(&class));
        binding == Some(Binding::AtFirstUse)
    }
}

/// A cause, and what the object itself says about its failure.
fn besides(cause: Cause, why: &str) -> Cause {
    let said = why.lines().next().unwrap_or_default();
    if said.is_empty() || said == cause.text {
        return cause;
    }
    Cause {
        text: format!("{} ({said})", cause.text),
        ..cause
    }
}

/// The cause in words. An image that nobody has is best replaced where the user wrote it.
fn words(subject: &Subject, cause: Cause) -> String {
    let image = subject.ask().is_ok_and(|ask| ask.spec.image().is_some());
    let image = image && names_another_image(&cause);
    let remedy = if image {
        Some(format!(
            "kubectl patch apps.{}/{} -n {} --type=merge -p '{{\"spec\":{{\"delivery\":{{\"image\":{{\"ref\":\"<image>\"}}}}}}}}'",
            names::GROUP,
            subject.key.name,
            subject.key.namespace
        ))
    } else {
        cause.remedy.clone()
    };
    Cause { remedy, ..cause }.to_string()
}

fn names_another_image(cause: &Cause) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| cause.text.contains(word));
    match cause.kind {
        // Not where it is a matter of rights or of the network.
        CauseKind::Image => says(&[
            "not found",
            "manifest unknown",
            "no such host",
            "invalid reference",
            "cannot be used",
        ]),
        CauseKind::Refused => says(&["[ImageNotAllowed]", "[ImageUnreadable]", "[ImageId]"]),
        _ => false,
    }
}
