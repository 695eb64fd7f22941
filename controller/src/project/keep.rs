//! Keeping what a Project keeps in its namespace.

use super::Projects;
use super::desired::{Act, Part, parts};
use crate::kube_io::{Applying, CallError, Cluster, Conflicts, Effect, Manager, Who};
use crate::world::LiveKey;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::{Project, Standing};

impl<C: Cluster> Projects<C> {
    /// Keeps the parts as they are to be. What is in the way, if anything is.
    pub(super) async fn keep(
        &self,
        name: &str,
        project: &Project,
        namespace: &str,
    ) -> Result<Option<Standing>, CallError> {
        let me = Who::Controller;
        for part in parts(name, namespace, &project.spec) {
            if part.wanted.is_none() && !self.is_there(&part, namespace) {
                continue;
            }
            let Part { at, wanted, .. } = &part;
            let live = self.cluster.get(&me, at).await?;
            let act = part.act(live.as_ref(), name);
            if let Act::Delete(only) | Act::Replace(only) = &act {
                self.cluster.delete(&me, at, only).await?;
            }
            match (act, wanted) {
                (Act::Apply | Act::Replace(_), Some(wanted)) => {
                    let how = Applying {
                        manager: Manager::Delivery,
                        conflicts: Conflicts::Force,
                        effect: Effect::Real,
                    };
                    self.cluster.apply(&me, at, wanted, how).await?;
                }
                (Act::Foreign, _) => {
                    let kind = at.resource.kind.to_ascii_lowercase();
                    return Ok(Some(Standing::refused(
                        Reason::Conflict,
                        format!(
                            "{at} is there already, and somebody else made it. Give it another name, or delete it:\n\
                             kubectl delete {kind} {} -n {namespace}",
                            at.name
                        ),
                    )));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether a part is there, as watches tell.
    fn is_there(&self, part: &Part, namespace: &str) -> bool {
        let of = &part.at.resource;
        let key = LiveKey::of(namespace, &of.group, &of.version, &of.kind, &part.at.name);
        self.world.parts.get(&key).is_some()
    }
}
