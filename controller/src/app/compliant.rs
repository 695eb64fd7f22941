//! Whether what an App delivered would be admitted today.

use super::{Apps, Subject};
use crate::kube_io::Cluster;
use kubeop_shared::delivery::{RecordView, Rules, Stated, compliance};
use kubeop_shared::image::Registries;

impl<C: Cluster> Apps<C> {
    /// The condition `Compliant`, by the lists of today. None where the Project is not known.
    pub(super) fn compliant(&self, subject: &Subject, record: &RecordView) -> Option<Stated> {
        let name = &subject.ownership.as_ref()?.project;
        let project = self.world.projects.get(name)?;
        let tenant = self.world.tenants.get(&project.tenant);
        let of_tenant = tenant.as_ref().and_then(|tenant| tenant.allowlist.as_deref());
        let rules = Rules {
            registries: Registries {
                cluster: self.allowlist.as_ref(),
                tenant: of_tenant.map(|list| (project.tenant.as_str(), list)),
                project: project.allowlist.as_deref().map(|list| (name.as_str(), list)),
            },
            enforcement: project.enforcement,
            contact: tenant.as_ref().and_then(|tenant| tenant.contact.as_deref()),
        };
        compliance(record, &rules)
    }
}
