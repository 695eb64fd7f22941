//! Whom news concern, as keys for the loop of each kind.

use crate::project::Owner;
use crate::watches::Concerns;
use crate::world::{NamespacedName, World};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Keys for the loops.
pub struct Keys {
    /// Of Apps.
    pub apps: mpsc::UnboundedReceiver<NamespacedName>,
    /// Of Projects and Tenants.
    pub owners: mpsc::UnboundedReceiver<Owner>,
    /// Of DNSRecords.
    pub dns_records: mpsc::UnboundedReceiver<NamespacedName>,
    /// Of Certificates.
    pub certificates: mpsc::UnboundedReceiver<NamespacedName>,
}

/// News from the watches, as keys for the loops, for as long as there are news.
pub fn split(mut woken: mpsc::UnboundedReceiver<Concerns>, world: Arc<World>) -> Keys {
    let (wake_app, apps) = mpsc::unbounded_channel();
    let (wake_owner, owners) = mpsc::unbounded_channel();
    let (wake_dns_record, dns_records) = mpsc::unbounded_channel();
    let (wake_certificate, certificates) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Sending fails when the loops have ended: then nobody cares.
        let wake_all = |keys: Vec<NamespacedName>| {
            for key in keys {
                let _ = wake_app.send(key);
            }
        };
        let wake_owner = |owner: Owner| drop(wake_owner.send(owner));
        let within = |namespaces: &[String]| {
            let ranges = namespaces
                .iter()
                .map(|namespace| NamespacedName::all_of(namespace));
            ranges
                .flat_map(|all| world.apps.filter_within(all, |key, _| Some(key.clone())))
                .collect()
        };
        while let Some(concerned) = woken.recv().await {
            match concerned {
                Concerns::Project(name) => wake_owner(Owner::Project(name)),
                Concerns::Tenant(name) => wake_owner(Owner::Tenant(name)),
                Concerns::App(key) => {
                    if world.apps.get(&key).is_none() {
                        waiting_for(&key, &world).into_iter().for_each(wake_owner);
                    }
                    wake_all(vec![key]);
                }
                Concerns::DnsRecord(key) => drop(wake_dns_record.send(key)),
                Concerns::Certificate(key) => drop(wake_certificate.send(key)),
                Concerns::OfTenant(tenant) => {
                    let of_tenant = world.projects.filter(|name, project| {
                        (project.tenant == tenant).then(|| (name.clone(), project.namespace.clone()))
                    });
                    let (projects, namespaces): (Vec<_>, Vec<_>) = of_tenant.into_iter().unzip();
                    projects.into_iter().map(Owner::Project).for_each(wake_owner);
                    wake_all(within(&namespaces));
                }
                Concerns::Source(source) => {
                    let names_it = world
                        .projects
                        .filter(|name, project| project.credentials.contains(&source).then(|| name.clone()));
                    names_it.into_iter().map(Owner::Project).for_each(wake_owner);
                }
                Concerns::Accounts(namespace) => {
                    let of_namespace = world.projects.filter(|name, project| {
                        let mirrors = project.namespace == namespace && !project.credentials.is_empty();
                        mirrors.then(|| name.clone())
                    });
                    of_namespace.into_iter().map(Owner::Project).for_each(wake_owner);
                }
                Concerns::Kinds(group) => wake_all(world.kinds.changed(&group).into_iter().collect()),
                Concerns::Namespace(namespace) => wake_all(within(&[namespace])),
            }
        }
    });
    Keys {
        apps,
        owners,
        dns_records,
        certificates,
    }
}

/// Projects that are being deleted and may have waited for an App that is gone. While many are left, that is no news: each
/// look reads all of them.
fn waiting_for(key: &NamespacedName, world: &World) -> Vec<Owner> {
    const FEW: usize = 5;
    let waiting = world.projects.filter(|name, project| {
        (project.deleting && project.namespace == key.namespace).then(|| Owner::Project(name.clone()))
    });
    let left = || {
        world
            .apps
            .filter_within(NamespacedName::all_of(&key.namespace), |_, _| Some(()))
    };
    if waiting.is_empty() || left().len() > FEW {
        return Vec::new();
    }
    waiting
}
