//! Which of several DNSRecords owns a host.

use k8s_openapi::jiff::Timestamp;

/// A `DNSRecord` that names a host. Of all that name it, in whatever namespace, the least owns it: the oldest, and of
/// those of one second the first by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// When it was created.
    pub created: Timestamp,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::Claim;
    use k8s_openapi::jiff::Timestamp;

    #[test]
    fn the_oldest_owns_a_host_and_then_the_first_by_name() {
        let claim = |second, namespace: &str, name: &str| Claim {
            created: Timestamp::from_second(second).expect("in range"),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let mut claims = [
            claim(2, "a", "a"),
            claim(1, "b", "a"),
            claim(1, "a", "b"),
            claim(1, "a", "a"),
        ];
        claims.sort();
        let order = claims.map(|claim| format!("{}/{}", claim.namespace, claim.name));
        assert_eq!(order, ["a/a", "a/b", "b/a", "a/a"]);
    }
}
