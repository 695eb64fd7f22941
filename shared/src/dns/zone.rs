//! How a zone is changed by one update (RFC 2136) so that nothing of others is touched.
//!
//! What is ours is marked by a TXT record below the host, which says cluster and `DNSRecord`. It stands in the zone, so it
//! is there after a restore of the cluster, or when a status is lost; and as a prerequisite of each update it is judged
//! by the server at the moment of writing. It stands below the host, since nothing may stand beside a CNAME.

use super::{Data, Wish};
use crate::api::dns::MAX_SUBDOMAIN;
use std::fmt;

/// Who wrote the records of a host. Its text is `heritage=kubeop,cluster=<id>,record=<namespace>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Id of the cluster.
    pub cluster: String,
    /// Namespace and name of the `DNSRecord`, with a slash between.
    pub record: String,
}

impl Marker {
    /// Name of the marker of a host; none: that would be longer than DNS takes.
    pub fn name_of(host: &str) -> Option<String> {
        let name = match host.strip_prefix("*.") {
            // A star means anything at the left end only.
            Some(below) => format!("_kubeop-wildcard.{below}"),
            None => format!("_kubeop.{host}"),
        };
        (name.len() <= MAX_SUBDOMAIN).then_some(name)
    }

    /// Reads its text; none: it is somebody else's.
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("heritage=kubeop,cluster=")?;
        let (cluster, record) = rest.split_once(",record=")?;
        Some(Self {
            cluster: cluster.to_owned(),
            record: record.to_owned(),
        })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, record } = self;
        write!(f, "heritage=kubeop,cluster={cluster},record={record}")
    }
}

/// What the server of the zone answers about a host. Where a wildcard covers the host, that is the wildcard's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtHost {
    /// Addresses and names.
    pub records: Vec<Data>,
    /// Their time to live, in seconds.
    pub ttl: Option<u32>,
    /// Texts of its marker.
    pub markers: Vec<String>,
}

/// What must be so at the moment of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// The host holds no address and no name, and has no marker.
    Free,
    /// Its marker is exactly this text.
    Marked(String),
}

/// What is to be done about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is as it is to be.
    Nothing,
    /// Nothing: another cluster of kubeOP holds it, by this text.
    Foreign(String),
    /// To replace what it holds, if it is as it was.
    Replace(Before),
}

impl Step {
    /// What is to be done so that a host holds what is wished.
    pub fn towards(wish: &Wish, me: &Marker, seen: &AtHost) -> Self {
        let Some((text, marker)) = known(seen) else {
            return Self::Replace(Before::Free);
        };
        if marker.cluster != me.cluster {
            return Self::Foreign(text.to_owned());
        }
        let there = seen.records.as_slice() == std::slice::from_ref(&wish.data);
        if there && seen.ttl == Some(wish.ttl) && marker == *me {
            return Self::Nothing;
        }
        Self::Replace(Before::Marked(text.to_owned()))
    }
}

/// What must be so when a host is given up: it is marked as this very record's. None: it is not, and stays.
pub fn removal(me: &Marker, seen: &AtHost) -> Option<Before> {
    let (text, marker) = known(seen)?;
    (marker == *me).then(|| Before::Marked(text.to_owned()))
}

fn known(seen: &AtHost) -> Option<(&str, Marker)> {
    let [text] = seen.markers.as_slice() else {
        return None;
    };
    Some((text, Marker::read(text)?))
}

/// The zone that a host lies in: of several the longest. All in normal form.
pub fn zone_of<'z>(host: &str, zones: &'z [String]) -> Option<&'z str> {
    let covering = zones.iter().filter(|zone| {
        host.strip_suffix(zone.as_str())
            .is_some_and(|leading| leading.is_empty() || leading.ends_with('.'))
    });
    covering.max_by_key(|zone| zone.len()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::{Data, Wish};
    use super::{AtHost, Before, Marker, Step, removal, zone_of};
    use rstest::rstest;

    fn marker(cluster: &str, record: &str) -> Marker {
        Marker {
            cluster: cluster.to_owned(),
            record: record.to_owned(),
        }
    }

    fn seen(target: &str, ttl: u32, text: &str) -> AtHost {
        AtHost {
            records: vec![Data::of_target(target)],
            ttl: Some(ttl),
            markers: vec![text.to_owned()],
        }
    }

    const OURS: &str = "heritage=kubeop,cluster=c1,record=web/a";
    const OF_A_SIBLING: &str = "heritage=kubeop,cluster=c1,record=web/b";
    const OF_ANOTHER_CLUSTER: &str = "heritage=kubeop,cluster=c2,record=web/a";
    const OF_ANOTHER_PROGRAM: &str = "heritage=external-dns,external-dns/owner=default";

    fn replaces(text: &str) -> Step {
        Step::Replace(Before::Marked(text.to_owned()))
    }

    #[rstest]
    #[case::as_wished(seen("192.0.2.1", 300, OURS), Step::Nothing)]
    #[case::another_target(seen("192.0.2.9", 300, OURS), replaces(OURS))]
    #[case::another_type(seen("lb.example", 300, OURS), replaces(OURS))]
    #[case::another_ttl(seen("192.0.2.1", 60, OURS), replaces(OURS))]
    #[case::taken_over_within_the_cluster(seen("192.0.2.1", 300, OF_A_SIBLING), replaces(OF_A_SIBLING))]
    #[case::of_another_cluster(seen("192.0.2.1", 300, OF_ANOTHER_CLUSTER), Step::Foreign(OF_ANOTHER_CLUSTER.to_owned()))]
    // The server judges whether it is free: a wildcard may stand in for what is not there.
    #[case::unmarked(AtHost { markers: vec![], ..seen("192.0.2.9", 300, "") }, Step::Replace(Before::Free))]
    #[case::of_another_program(seen("192.0.2.9", 300, OF_ANOTHER_PROGRAM), Step::Replace(Before::Free))]
    #[case::nothing_there(AtHost::default(), Step::Replace(Before::Free))]
    #[case::only_the_marker(AtHost { records: vec![], ttl: None, ..seen("192.0.2.1", 0, OURS) }, replaces(OURS))]
    fn nothing_of_others_is_replaced(#[case] seen: AtHost, #[case] wanted: Step) {
        let wish = Wish {
            host: "web.example".to_owned(),
            data: Data::of_target("192.0.2.1"),
            ttl: 300,
        };
        assert_eq!(Step::towards(&wish, &marker("c1", "web/a"), &seen), wanted);
    }

    #[rstest]
    #[case(OURS, true)]
    #[case(OF_A_SIBLING, false)]
    #[case(OF_ANOTHER_CLUSTER, false)]
    #[case(OF_ANOTHER_PROGRAM, false)]
    fn only_what_is_marked_as_this_records_is_removed(#[case] text: &str, #[case] removed: bool) {
        let found = removal(&marker("c1", "web/a"), &seen("192.0.2.1", 300, text));
        assert_eq!(found.is_some(), removed);
    }

    #[test]
    fn a_marker_is_read_back() {
        let marker = marker("a6a2e2b1-7a0c-4a4e-9a52-0d7d6f3b2c11", "kubeop-web/web-external");
        assert_eq!(Marker::read(&marker.to_string()), Some(marker));
    }

    #[test]
    fn a_marker_stands_below_its_host() {
        assert_eq!(
            Marker::name_of("web.example").as_deref(),
            Some("_kubeop.web.example")
        );
        let wildcard = Marker::name_of("*.example");
        assert_eq!(wildcard.as_deref(), Some("_kubeop-wildcard.example"));
        assert_eq!(Marker::name_of(&"a.".repeat(123)), None);
    }

    #[rstest]
    #[case("web.prod.example.com", Some("prod.example.com"))]
    #[case("prod.example.com", Some("prod.example.com"))]
    #[case("*.prod.example.com", Some("prod.example.com"))]
    #[case("web.example.com", Some("example.com"))]
    #[case("badexample.com", None)]
    #[case("example.org", None)]
    fn the_longest_zone_holds_a_host(#[case] host: &str, #[case] wanted: Option<&str>) {
        let zones = ["example.com".to_owned(), "prod.example.com".to_owned()];
        assert_eq!(zone_of(host, &zones), wanted);
    }
}
