//! Which hosts the DNSRecords of a namespace may have.

use super::DnsRecords;
use super::settings::Provider;
use crate::world::NamespacedName;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::host::HostVerdict;

impl<C> DnsRecords<C> {
    /// Why a host is none of the project's, if so. Outside project namespaces they are the administrator's own.
    pub(super) fn bounds(&self, key: &NamespacedName, host: &str) -> Result<(), Standing> {
        let bounds = self.world.bounds_of(&key.namespace).map_err(|whose| {
            let message =
                format!("the hosts of {whose} are not known, so nobody says which hosts it may have");
            Standing::waits(Reason::ProjectNotFound, message)
        })?;
        let Some(of) = &bounds.of else {
            return Ok(());
        };
        let contact = of.contact.as_deref();
        let ask = contact.map_or_else(String::new, |contact| format!(", or ask {contact}"));
        match bounds.hosts().judge(host) {
            HostVerdict::Allowed => Ok(()),
            HostVerdict::Unbounded if matches!(self.settings.provider, Provider::Observe) => Ok(()),
            HostVerdict::Unbounded => Err(Standing::refused(
                Reason::HostNotAllowed,
                format!(
                    "neither project {} nor tenant {} says which hosts it may have, so {host} is not written. Add them to \
                     spec.hosts of one{ask}",
                    of.project, of.tenant
                ),
            )),
            HostVerdict::Refused(not_under) => Err(Standing::refused(
                Reason::HostNotAllowed,
                format!("spec.host: {host} {not_under}. Choose one that is{ask}"),
            )),
        }
    }
}
