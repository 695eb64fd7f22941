//! Which DNSRecords name which host, of all namespaces.

use crate::world::NamespacedName;
use kubeop_shared::dns::Claim;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// All claims.
#[derive(Debug, Default)]
pub struct Claims {
    by_host: BTreeMap<String, BTreeSet<Claim>>,
    of: HashMap<NamespacedName, (String, Claim)>,
}

impl Claims {
    /// Learns what a `DNSRecord` claims by now, if anything. Whom that concerns: the others of a host that it gave up or
    /// took.
    pub fn learn(&mut self, key: &NamespacedName, now: Option<(String, Claim)>) -> Vec<NamespacedName> {
        if self.of.get(key) == now.as_ref() {
            return Vec::new();
        }
        let mut concerned = Vec::new();
        if let Some((host, claim)) = self.of.remove(key)
            && let Entry::Occupied(mut claims) = self.by_host.entry(host)
        {
            claims.get_mut().remove(&claim);
            concerned.extend(claims.get().iter().map(key_of));
            if claims.get().is_empty() {
                claims.remove();
            }
        }
        if let Some((host, claim)) = now {
            let claims = self.by_host.entry(host.clone()).or_default();
            concerned.extend(claims.iter().map(key_of));
            claims.insert(claim.clone());
            self.of.insert(key.clone(), (host, claim));
        }
        concerned
    }

    /// Who owns a host.
    pub fn owner(&self, host: &str) -> Option<NamespacedName> {
        self.by_host.get(host)?.first().map(key_of)
    }
}

fn key_of(claim: &Claim) -> NamespacedName {
    NamespacedName {
        namespace: claim.namespace.clone(),
        name: claim.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::Claims;
    use crate::world::NamespacedName;
    use jiff::Timestamp;
    use kubeop_shared::dns::Claim;

    fn key(name: &str) -> NamespacedName {
        NamespacedName {
            namespace: "web".to_owned(),
            name: name.to_owned(),
        }
    }

    fn claim(host: &str, name: &str, second: i64) -> (String, Claim) {
        let NamespacedName { namespace, name } = key(name);
        let created = Timestamp::from_second(second).unwrap();
        let claim = Claim {
            created,
            namespace,
            name,
        };
        (host.to_owned(), claim)
    }

    #[test]
    fn who_waits_for_a_host_is_told_when_it_is_given_up() {
        let mut claims = Claims::default();
        assert_eq!(claims.learn(&key("a"), Some(claim("x.example", "a", 1))), []);
        assert_eq!(
            claims.learn(&key("b"), Some(claim("x.example", "b", 2))),
            [key("a")]
        );
        assert_eq!(claims.owner("x.example"), Some(key("a")));
        assert_eq!(
            claims.learn(&key("b"), Some(claim("x.example", "b", 2))),
            [],
            "no news"
        );

        assert_eq!(
            claims.learn(&key("a"), Some(claim("y.example", "a", 1))),
            [key("b")]
        );
        assert_eq!(claims.owner("x.example"), Some(key("b")));
        assert_eq!(claims.learn(&key("b"), None), []);
        assert_eq!(claims.owner("x.example"), None);
    }
}
