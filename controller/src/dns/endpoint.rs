//! Provider `external-dns`: a `DNSEndpoint` for each `DNSRecord`, of the same name, which external-dns brings about.

use super::DnsRecords;
use super::failed::Failed;
use crate::kube_io::{
    Address, Applying, CallError, CallKind, Cluster, Conflicts, Effect, Manager, Preconditions, Who, address,
};
use crate::world::{NamespacedName, Packed};
use kube::api::DynamicObject;
use kubeop_shared::api::conditions::Reason;
use kubeop_shared::api::standing::Standing;
use kubeop_shared::api::{DnsRecord, names};
use kubeop_shared::dns::Wish;
use serde_json::{Value, json};

/// Group of external-dns's kinds.
pub const GROUP: &str = "externaldns.k8s.io";
/// Its version.
pub const VERSION: &str = "v1alpha1";
/// Its kind.
pub const KIND: &str = "DNSEndpoint";

fn at(key: &NamespacedName) -> Address {
    address(GROUP, VERSION, KIND, Some(&key.namespace), &key.name)
}

/// The object. A wildcard is a name to external-dns like any other.
fn endpoint(key: &NamespacedName, uid: &str, wish: &Wish) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": KIND,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "ownerReferences": [{
                "apiVersion": names::API_VERSION, "kind": "DNSRecord", "name": key.name, "uid": uid,
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {"endpoints": [{
            "dnsName": wish.host,
            "recordType": wish.data.kind().to_string(),
            "recordTTL": wish.ttl,
            "targets": [wish.data.value()],
        }]},
    })
}

/// Whose a `DNSEndpoint` is.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    Others,
}

fn whose(live: &DynamicObject, uid: &str) -> Whose {
    let owners = live.metadata.owner_references.iter().flatten();
    if owners.into_iter().any(|owner| owner.uid == uid) {
        Whose::Ours
    } else {
        Whose::Others
    }
}

impl<C: Cluster> DnsRecords<C> {
    /// Sees to it that the `DNSEndpoint` says what is wished.
    pub(super) async fn endpoint(
        &self,
        key: &NamespacedName,
        record: &DnsRecord,
        wish: &Wish,
    ) -> Result<(), Failed> {
        let uid = record.metadata.uid.clone().unwrap_or_default();
        let wanted = endpoint(key, &uid, wish);
        let live = if let Some(known) = self.known_endpoint(key) {
            Some(known)
        } else {
            let read = self.cluster.get(&Who::Controller, &at(key)).await;
            read.map_err(|error| told_of(&error))?
        };
        if let Some(live) = &live {
            if whose(live, &uid) == Whose::Others {
                let message = format!(
                    "DNSEndpoint {key} is there already, and somebody else made it. Give the DNSRecord another name, or \
                     delete it:\nkubectl delete dnsendpoints.{GROUP} {} -n {}",
                    key.name, key.namespace
                );
                return Err(Failed::Stuck(Standing::refused(Reason::Conflict, message)));
            }
            if live.data.pointer("/spec/endpoints") == wanted.pointer("/spec/endpoints") {
                self.learn_endpoint(key, live);
                return Ok(());
            }
        }
        let how = Applying {
            manager: Manager::Delivery,
            conflicts: Conflicts::Force,
            effect: Effect::Real,
        };
        let applied = self.cluster.apply(&Who::Controller, &at(key), &wanted, how).await;
        match applied {
            Ok(object) => self.learn_endpoint(key, &object),
            // Read as gone, it may be the kind that is not there.
            Err(error) => return Err(told_of(&error)),
        }
        Ok(())
    }

    /// Deletes the `DNSEndpoint` of a `DNSRecord` that does not own its host (any more).
    pub(super) async fn no_endpoint(
        &self,
        key: &NamespacedName,
        record: &DnsRecord,
    ) -> Result<(), CallError> {
        let uid = record.metadata.uid.as_deref().unwrap_or_default();
        let Some(live) = self.known_endpoint(key) else {
            return Ok(());
        };
        if whose(&live, uid) == Whose::Ours {
            let only = Preconditions {
                uid: live.metadata.uid,
                resource_version: live.metadata.resource_version,
            };
            self.cluster.delete(&Who::Controller, &at(key), &only).await?;
        }
        Ok(())
    }

    /// Whether the `DNSEndpoint` says something else by now, or is gone.
    pub(super) fn is_other_endpoint(&self, key: &NamespacedName, wish: &Wish) -> bool {
        let known = self.known_endpoint(key);
        let wanted = endpoint(key, "", wish);
        known.is_none_or(|known| known.data.pointer("/spec/endpoints") != wanted.pointer("/spec/endpoints"))
    }

    fn known_endpoint(&self, key: &NamespacedName) -> Option<DynamicObject> {
        self.world.dns_endpoints.get(key)?.read()
    }

    fn learn_endpoint(&self, key: &NamespacedName, object: &DynamicObject) {
        let version = object.metadata.resource_version.as_deref();
        let cache = &self.world.dns_endpoints;
        cache.put(key.clone(), version, Packed::of_object(object));
    }
}

/// What an error of the API server says about external-dns.
fn told_of(error: &CallError) -> Failed {
    match error.kind {
        CallKind::NotFound | CallKind::UnknownKind => Failed::Stuck(Standing::refused(
            Reason::UnknownKind,
            format!(
                "the cluster has no kind {KIND} of {GROUP}/{VERSION}. Install external-dns with its CRD source, or \
                 choose another KUBEOP_DNS_PROVIDER"
            ),
        )),
        CallKind::Forbidden => Failed::Stuck(Standing::refused(
            Reason::Forbidden,
            format!("{error}. Apply manifests/dns/external-dns.yaml"),
        )),
        _ => Failed::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;
    use crate::world::NamespacedName;
    use kubeop_shared::dns::{Data, Wish};
    use serde_json::json;

    #[test]
    fn external_dns_is_told_what_is_wished() {
        let key = NamespacedName {
            namespace: "kubeop-web".to_owned(),
            name: "web".to_owned(),
        };
        let wish = Wish {
            host: "web.example.com".to_owned(),
            data: Data::of_target("lb.example.net."),
            ttl: 60,
        };
        let endpoint = endpoint(&key, "u1", &wish);
        let wanted = json!([{"dnsName": "web.example.com", "recordType": "CNAME", "recordTTL": 60, "targets": ["lb.example.net"]}]);
        assert_eq!(endpoint["spec"]["endpoints"], wanted);
        assert_eq!(endpoint["metadata"]["ownerReferences"][0]["uid"], "u1");
    }
}
