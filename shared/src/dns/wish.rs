//! What a `DNSRecord` wishes, with its names in normal form.

use crate::api::DnsRecordSpec;
use crate::api::dns::{MAX_LABEL, MAX_SUBDOMAIN};
use crate::host::normal_form;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Time to live where none is given, in seconds.
const DEFAULT_TTL: u32 = 300;
/// The longest time to live that may be asked for, in seconds.
const MAX_TTL: u32 = 86_400;

/// Types of records that a `DNSRecord` may wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An IPv4 address (RFC 1035).
    A,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// Another name (RFC 1035).
    Cname,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::A, Self::Aaaa, Self::Cname];
}

/// As zone files write it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
        })
    }
}

/// Type and value of a record. Written as `A 192.0.2.1` or `CNAME web.example`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A name, in normal form.
    Cname(String),
}

impl Data {
    /// What a target asks for: an address is one, everything else a name.
    pub fn of_target(target: &str) -> Self {
        if let Ok(address) = target.parse() {
            return Self::A(address);
        }
        target
            .parse()
            .map_or_else(|_| Self::Cname(normal_form(target)), Self::Aaaa)
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::A(_) => Kind::A,
            Self::Aaaa(_) => Kind::Aaaa,
            Self::Cname(_) => Kind::Cname,
        }
    }

    /// Its value alone, as `DNSEndpoint` has it.
    pub fn value(&self) -> String {
        match self {
            Self::A(address) => address.to_string(),
            Self::Aaaa(address) => address.to_string(),
            Self::Cname(name) => name.clone(),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.value())
    }
}

/// What a `DNSRecord` wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Name of the record, in normal form; it may begin with `*.`.
    pub host: String,
    /// What it is to hold.
    pub data: Data,
    /// Time to live, in seconds.
    pub ttl: u32,
}

/// Why a spec cannot be wished. The schema refuses most of it; a restore may bring it all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWish {
    /// A name that DNS does not take.
    #[error("spec.{field}: {name:?} {why}")]
    Name {
        /// `host` or `target`.
        field: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// It points at itself.
    #[error("spec.target: {0:?} is the host itself. Name what it is to point at")]
    Itself(String),
    /// No time to live that may be asked for.
    #[error("spec.ttl: {0} is not within 1 and {MAX_TTL} seconds. Leave it out for {DEFAULT_TTL}")]
    Ttl(i32),
}

impl Wish {
    /// Reads a spec.
    pub fn of(spec: &DnsRecordSpec) -> Result<Self, BadWish> {
        let host = normal_form(&spec.host);
        check("host", &spec.host, host.strip_prefix("*.").unwrap_or(&host))?;
        let data = Data::of_target(&spec.target);
        if let Data::Cname(name) = &data {
            check("target", &spec.target, name)?;
            if *name == host {
                return Err(BadWish::Itself(spec.target.clone()));
            }
        }
        let ttl = match spec.ttl {
            None => DEFAULT_TTL,
            Some(said) => u32::try_from(said)
                .ok()
                .filter(|ttl| (1..=MAX_TTL).contains(ttl))
                .ok_or(BadWish::Ttl(said))?,
        };
        Ok(Self { host, data, ttl })
    }
}

/// Whether DNS takes a name (RFC 1035, 2.3.4).
fn check(field: &'static str, said: &str, name: &str) -> Result<(), BadWish> {
    let bad = |why: String| {
        Err(BadWish::Name {
            field,
            name: said.to_owned(),
            why,
        })
    };
    if name.len() > MAX_SUBDOMAIN {
        return bad(format!(
            "has {} characters, and DNS takes at most {MAX_SUBDOMAIN}",
            name.len()
        ));
    }
    for label in name.split('.') {
        if label.len() > MAX_LABEL {
            let length = label.len();
            return bad(format!(
                "has a label of {length} characters, and DNS takes at most {MAX_LABEL}. Shorten {label:?}"
            ));
        }
        if label.is_empty() {
            return bad("has an empty label: two dots in a row, or nothing at all".to_owned());
        }
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !label.bytes().all(known) {
            return bad(format!(
                "is no host name: {label:?} holds more than letters, digits and dashes"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Data, Wish};
    use crate::api::DnsRecordSpec;
    use rstest::rstest;

    fn spec(host: &str, target: &str) -> DnsRecordSpec {
        DnsRecordSpec {
            host: host.to_owned(),
            target: target.to_owned(),
            ttl: None,
        }
    }

    fn refused(spec: &DnsRecordSpec) -> String {
        Wish::of(spec).expect_err("it is read").to_string()
    }

    #[rstest]
    #[case("192.0.2.1", "A 192.0.2.1")]
    #[case("2001:DB8:0::1", "AAAA 2001:db8::1")]
    #[case("Web.Example.", "CNAME web.example")]
    #[case("web.kubeop-web.svc.cluster.local", "CNAME web.kubeop-web.svc.cluster.local")]
    #[case("192.0.2.example", "CNAME 192.0.2.example")]
    fn s46_the_target_decides_the_type(#[case] target: &str, #[case] wanted: &str) {
        assert_eq!(Data::of_target(target).to_string(), wanted);
    }

    #[test]
    fn s46_case_and_trailing_dots_make_no_other_wish() {
        let written = Wish::of(&spec("Web.Example.com.", "LB.example.NET."));
        assert_eq!(written, Wish::of(&spec("web.example.com", "lb.example.net")));
        assert_eq!(written.expect("it is read").ttl, 300);
    }

    #[test]
    fn s46_a_wildcard_is_a_host() {
        let wish = Wish::of(&spec("*.Example.com", "192.0.2.1"));
        assert_eq!(wish.expect("it is read").host, "*.example.com");
    }

    #[test]
    fn s46_a_label_of_64_characters_is_refused_by_name() {
        let long = "a".repeat(64);
        let host = refused(&spec(&format!("{long}.example"), "192.0.2.1"));
        assert!(
            host.starts_with("spec.host: ") && host.contains("64 characters"),
            "{host}"
        );
        let target = refused(&spec("web.example", &format!("{long}.example")));
        assert!(target.starts_with("spec.target: "), "{target}");
    }

    #[rstest]
    #[case(0)]
    #[case(-1)]
    #[case(86_401)]
    fn s46_a_ttl_that_nobody_may_ask_for_is_refused(#[case] ttl: i32) {
        let spec = DnsRecordSpec {
            ttl: Some(ttl),
            ..spec("web.example", "192.0.2.1")
        };
        assert!(refused(&spec).contains(&format!("spec.ttl: {ttl} is not")));
    }

    #[rstest]
    #[case("a..example", "empty label")]
    #[case("", "empty label")]
    #[case("a b.example", "no host name")]
    #[case("a.*.example", "no host name")]
    fn what_is_no_name_is_refused(#[case] host: &str, #[case] words: &str) {
        let refused = refused(&spec(host, "192.0.2.1"));
        assert!(refused.contains(words), "{refused}");
    }

    #[test]
    fn a_dot_does_not_hide_that_it_points_at_itself() {
        assert!(refused(&spec("web.example.", "WEB.example")).contains("the host itself"));
    }
}
