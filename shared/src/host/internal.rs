//! Names that only mean something inside a cluster. Whoever holds a certificate for one of them could pass for a Service
//! of somebody else, so kubeOP's own CA signs none, whoever asks.

use super::normal_form;
use std::net::IpAddr;

/// Endings of the names of Services and Pods.
const INTERNAL: [&str; 2] = ["svc", "cluster.local"];

/// Why kubeOP's own CA signs nothing for this host; none if it does. Reads as a clause: `is an address`.
///
/// A wildcard is signed where two labels follow the star: `hosts[]` bounds it as it bounds the names below, and it is
/// taken by nobody but who trusts this CA. `*.com` would be for the names of everybody.
#[must_use]
pub fn why_internal(host: &str) -> Option<&'static str> {
    let host = normal_form(host);
    let (name, is_wildcard) = match host.strip_prefix("*.") {
        Some(below) => (below, true),
        None => (&*host, false),
    };
    let is_under = |ending: &&str| {
        name.strip_suffix(*ending)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if name.parse::<IpAddr>().is_ok() {
        return Some("is an address");
    }
    if INTERNAL.iter().any(is_under) {
        return Some("is a name inside the cluster");
    }
    match (name.contains('.'), is_wildcard) {
        (true, _) => None,
        (false, false) => Some("is a single label"),
        (false, true) => Some("is a wildcard with a single label below the star"),
    }
}

#[cfg(test)]
mod tests {
    use super::why_internal;

    #[test]
    fn names_inside_the_cluster_addresses_and_single_labels_are_told() {
        for (host, wanted) in [
            ("web.prod.example.com", None),
            ("Web.Prod.Example.com.", None),
            ("*.example.com", None),
            ("example.com", None),
            ("svc.example.com", None),
            ("mysvc.example", None),
            ("web.mysvc", None),
            ("web.notcluster.local", None),
            ("web.kubeop-web.svc", Some("is a name inside the cluster")),
            ("WEB.kubeop-web.SVC.", Some("is a name inside the cluster")),
            ("svc", Some("is a name inside the cluster")),
            ("*.svc", Some("is a name inside the cluster")),
            (
                "web.kubeop-web.svc.cluster.local",
                Some("is a name inside the cluster"),
            ),
            ("cluster.local", Some("is a name inside the cluster")),
            ("*.cluster.local", Some("is a name inside the cluster")),
            ("10.0.0.1", Some("is an address")),
            ("fd00::1", Some("is an address")),
            ("localhost", Some("is a single label")),
            ("kubernetes.", Some("is a single label")),
            ("*.com", Some("is a wildcard with a single label below the star")),
        ] {
            assert_eq!(why_internal(host), wanted, "{host}");
        }
    }
}
