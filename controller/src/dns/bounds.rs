//! Which hosts the DNSRecords of a namespace may have.

use super::DnsRecords;
use super::settings::Provider;
use crate::world::NamespacedName;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::host::{HostVerdict, Hosts};

impl<C> DnsRecords<C> {
    /// Why a host is none of the project's, if so. Outside project namespaces they are the administrator's own.
    pub(super) fn bounds(&self, key: &NamespacedName, host: &str) -> Result<(), Standing> {
        let namespace = &key.namespace;
        let Some(name) = self
            .world
            .namespaces
            .get(namespace)
            .and_then(|known| known.project)
        else {
            return Ok(());
        };
        let project = self.world.projects.get(&name);
        let Some(project) = project.filter(|project| project.namespace == *namespace) else {
            let message = format!(
                "namespace {namespace} is that of project {name}, which is not there, so nobody says which hosts it may have"
            );
            return Err(Standing::waits(Reason::ProjectNotFound, message));
        };
        let tenant = self.world.tenants.get(&project.tenant);
        let hosts = Hosts {
            tenant: tenant
                .as_ref()
                .and_then(|tenant| Some((project.tenant.as_str(), tenant.hosts.as_deref()?))),
            project: project.hosts.as_deref().map(|hosts| (name.as_str(), hosts)),
        };
        let contact = tenant.as_ref().and_then(|tenant| tenant.contact.as_deref());
        let ask = contact.map_or_else(String::new, |contact| format!(", or ask {contact}"));
        match hosts.judge(host) {
            HostVerdict::Allowed => Ok(()),
            HostVerdict::Unbounded if matches!(self.settings.provider, Provider::Observe) => Ok(()),
            HostVerdict::Unbounded => Err(Standing::refused(
                Reason::HostNotAllowed,
                format!(
                    "neither project {name} nor tenant {} says which hosts it may have, so {host} is not written. Add them to \
                     spec.hosts of one{ask}",
                    project.tenant
                ),
            )),
            HostVerdict::Refused(not_under) => Err(Standing::refused(
                Reason::HostNotAllowed,
                format!("spec.host: {host} {not_under}. Choose one that is{ask}"),
            )),
        }
    }
}
