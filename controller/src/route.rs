//! Whom news concern, as keys for the loop of each kind.

use crate::certificate;
use crate::dns::endpoint;
use crate::project::Owner;
use crate::watches::Concerns;
use crate::world::{Cache, NamespacedName, World};
use kubeop_shared::api::Certificate;
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
    /// Of Certificates, and of the CA that signs them.
    pub certificates: mpsc::UnboundedReceiver<certificate::Key>,
}

/// News from the watches, as keys for the loops, for as long as there are news.
pub fn split(mut woken: mpsc::UnboundedReceiver<Concerns>, world: Arc<World>) -> Keys {
    let (wake_app, apps) = mpsc::unbounded_channel();
    let (wake_owner, owners) = mpsc::unbounded_channel();
    let (wake_dns_record, dns_records) = mpsc::unbounded_channel();
    let (wake_certificate, certificates) = mpsc::unbounded_channel();
    let router = Router {
        apps: wake_app,
        owners: wake_owner,
        dns_records: wake_dns_record,
        certificates: wake_certificate,
        world,
    };
    tokio::spawn(async move {
        while let Some(concerned) = woken.recv().await {
            router.wake(concerned);
        }
    });
    Keys {
        apps,
        owners,
        dns_records,
        certificates,
    }
}

struct Router {
    apps: mpsc::UnboundedSender<NamespacedName>,
    owners: mpsc::UnboundedSender<Owner>,
    dns_records: mpsc::UnboundedSender<NamespacedName>,
    certificates: mpsc::UnboundedSender<certificate::Key>,
    world: Arc<World>,
}

impl Router {
    fn wake(&self, concerned: Concerns) {
        let world = &self.world;
        match concerned {
            Concerns::Project(name) => send(&self.owners, [Owner::Project(name)]),
            Concerns::Tenant(name) => send(&self.owners, [Owner::Tenant(name)]),
            Concerns::App(key) => {
                if world.apps.get(&key).is_none() {
                    send(&self.owners, waiting_for(&key, world));
                }
                send(&self.apps, [key]);
            }
            Concerns::DnsRecord(key) => {
                self.wake_certificates_of(&key);
                send(&self.dns_records, [key]);
            }
            Concerns::OfDnsRecord(key) => self.wake_certificates_of(&key),
            Concerns::Certificate(key) => self.wake_certificates([key]),
            Concerns::Secret(secret) => {
                let names_it = |certificate: &Certificate| certificate.secret_name() == secret.name;
                self.wake_certificates(world.certificates_in(&secret.namespace, names_it));
            }
            Concerns::Authority => send(&self.certificates, [certificate::Key::Authority]),
            Concerns::OfTenant(tenant) => {
                let of_tenant = world.projects.filter(|name, project| {
                    (project.tenant == tenant).then(|| (name.clone(), project.namespace.clone()))
                });
                let (projects, namespaces): (Vec<_>, Vec<_>) = of_tenant.into_iter().unzip();
                send(&self.owners, projects.into_iter().map(Owner::Project));
                for namespace in namespaces {
                    self.wake_all_of(&namespace);
                }
            }
            Concerns::Source(source) => {
                let names_it = world
                    .projects
                    .filter(|name, project| project.credentials.contains(&source).then(|| name.clone()));
                send(&self.owners, names_it.into_iter().map(Owner::Project));
            }
            Concerns::Accounts(namespace) => {
                let name = world.namespaces.get(&namespace).and_then(|known| known.project);
                let mirrors = |name: &String| {
                    let project = world.projects.get(name);
                    project.is_some_and(|project| !project.credentials.is_empty())
                };
                send(&self.owners, name.filter(mirrors).map(Owner::Project));
            }
            Concerns::Kinds(group) => {
                if group == certificate::REQUESTS.0 {
                    self.wake_certificates(world.certificates.filter(|key, _| Some(key.clone())));
                }
                if group == endpoint::GROUP {
                    send(
                        &self.dns_records,
                        world.dns_records.filter(|key, _| Some(key.clone())),
                    );
                }
                send(&self.apps, world.kinds.changed(&group));
            }
            Concerns::Namespace(namespace) => self.wake_all_of(&namespace),
        }
    }

    fn wake_all_of(&self, namespace: &str) {
        send(&self.apps, within(&self.world.apps, namespace));
        send(&self.dns_records, within(&self.world.dns_records, namespace));
        self.wake_certificates(within(&self.world.certificates, namespace));
    }

    /// Wakes the Certificates that name a record.
    fn wake_certificates_of(&self, record: &NamespacedName) {
        let names_it = |certificate: &Certificate| {
            certificate.spec.dns_record_ref.as_deref() == Some(record.name.as_str())
        };
        self.wake_certificates(self.world.certificates_in(&record.namespace, names_it));
    }

    fn wake_certificates(&self, keys: impl IntoIterator<Item = NamespacedName>) {
        let keys = keys.into_iter().map(certificate::Key::Certificate);
        send(&self.certificates, keys);
    }
}

/// Everything of a namespace.
fn within<V: Clone>(cache: &Cache<NamespacedName, V>, namespace: &str) -> Vec<NamespacedName> {
    cache.filter_within(NamespacedName::all_of(namespace), |key, _| Some(key.clone()))
}

fn send<K>(to: &mpsc::UnboundedSender<K>, keys: impl IntoIterator<Item = K>) {
    for key in keys {
        // Sending fails when the loops have ended: then nobody cares.
        let _ = to.send(key);
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
