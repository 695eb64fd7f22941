//! What can be configured about DNS, each by flag or environment.

use clap::{Args, ValueEnum};
use kubeop_shared::dns::Wish;
use kubeop_shared::host::normal_form;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Port of DNS.
const PORT: u16 = 53;
/// More resolvers than that are not asked: each answer stands in every status.
const MAX_RESOLVERS: usize = 8;
/// Where the resolvers of the system are listed (resolv.conf(5)).
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Who makes the records that DNSRecords wish.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderName {
    /// Somebody else. It is looked whether they resolve as wished, and nothing is written.
    Observe,
    /// The controller, by dynamic updates with a TSIG key.
    Rfc2136,
    /// external-dns, from a `DNSEndpoint` that the controller writes.
    ExternalDns,
}

/// The flags.
#[derive(Args, Clone, Debug)]
pub struct DnsFlags {
    /// Who makes the records that DNSRecords wish.
    #[arg(long, env = "KUBEOP_DNS_PROVIDER", value_enum, default_value_t = ProviderName::Observe)]
    pub dns_provider: ProviderName,

    /// Server that takes updates, for provider rfc2136: an address or a name, with or without a port, as in
    /// `192.0.2.53` or `knot.dns.svc:5353`.
    #[arg(long, env = "KUBEOP_DNS_SERVER")]
    pub dns_server: Option<Server>,

    /// Zones that may be updated, for provider rfc2136, separated by commas. A host outside all of them is not written.
    #[arg(long, env = "KUBEOP_DNS_ZONES", value_delimiter = ',', value_parser = zone)]
    pub dns_zones: Vec<String>,

    /// Secret in kubeOP's namespace with the TSIG key, for provider rfc2136: `name`, `algorithm` (hmac-sha256, -sha384 or
    /// -sha512) and `secret` (base64). Read at each update.
    #[arg(long, env = "KUBEOP_DNS_TSIG_SECRET", default_value = "kubeop-dns-tsig")]
    pub dns_tsig_secret: String,

    /// Resolvers that are asked whether hosts resolve as wished, separated by commas; at most 8. Default: those of
    /// /etc/resolv.conf.
    #[arg(long, env = "KUBEOP_DNS_RESOLVERS", value_delimiter = ',', value_parser = resolver)]
    pub dns_resolvers: Vec<SocketAddr>,
}

/// What holds for this process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who makes records.
    pub provider: Provider,
    /// Who is asked.
    pub resolvers: Vec<SocketAddr>,
}

/// Who makes records, with what that takes.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Somebody else.
    Observe,
    /// The controller.
    Rfc2136(Updates),
    /// external-dns.
    ExternalDns,
}

/// What dynamic updates take.
#[derive(Clone, Debug)]
pub struct Updates {
    /// Who takes them.
    pub server: Server,
    /// Zones, in normal form.
    pub zones: Vec<String>,
    /// Name of the Secret with the key.
    pub secret: String,
}

impl Settings {
    /// What the flags say together.
    pub fn of(flags: &DnsFlags) -> Result<Self, String> {
        let provider = match flags.dns_provider {
            ProviderName::Observe => Provider::Observe,
            ProviderName::ExternalDns => Provider::ExternalDns,
            ProviderName::Rfc2136 => {
                let needs = |flag: &str, what: &str| {
                    format!("--{flag}: is missing, and --dns-provider=rfc2136 needs it: {what}")
                };
                let server = flags.dns_server.clone();
                let server = server.ok_or_else(|| needs("dns-server", "the server that takes updates"))?;
                if flags.dns_zones.is_empty() {
                    return Err(needs("dns-zones", "the zones that may be updated"));
                }
                Provider::Rfc2136(Updates {
                    server,
                    zones: flags.dns_zones.clone(),
                    secret: flags.dns_tsig_secret.clone(),
                })
            }
        };
        let mut resolvers = flags.dns_resolvers.clone();
        if resolvers.len() > MAX_RESOLVERS {
            let count = resolvers.len();
            return Err(format!(
                "--dns-resolvers: {count} are given, and at most {MAX_RESOLVERS} are asked"
            ));
        }
        if resolvers.is_empty() {
            // Without that file no resolver is known, as a status will say.
            let text = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default();
            resolvers = of_resolv_conf(&text);
        }
        Ok(Self { provider, resolvers })
    }
}

impl Provider {
    /// The same as the rules know it.
    pub fn rule(&self) -> kubeop_shared::dns::Provider {
        match self {
            Self::Observe => kubeop_shared::dns::Provider::Observe,
            Self::Rfc2136(_) => kubeop_shared::dns::Provider::Rfc2136,
            Self::ExternalDns => kubeop_shared::dns::Provider::ExternalDns,
        }
    }
}

/// A server by address or name. Written with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
}

impl Server {
    /// Where it is now.
    pub async fn address(&self) -> std::io::Result<SocketAddr> {
        let mut found = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        found.next().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = resolver(text) {
            let host = address.ip().to_string();
            return Ok(Self {
                host,
                port: address.port(),
            });
        }
        let (host, port) = match text.split_once(':') {
            None => (text, PORT),
            Some((host, port)) => (host, port.parse().map_err(|_| format!("{port:?} is no port"))?),
        };
        Ok(Self {
            host: zone(host)?,
            port,
        })
    }
}

/// An address, with or without a port.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let alone = || text.parse().map(|address: IpAddr| SocketAddr::new(address, PORT));
    let read = text.parse().or_else(|_| alone());
    read.map_err(|_| format!("{text:?} is no address: 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"))
}

/// A name, in normal form.
fn zone(text: &str) -> Result<String, String> {
    let text = text.trim();
    // What may be the host of a record may be the name of a zone.
    let spec = kubeop_shared::api::DnsRecordSpec {
        host: text.to_owned(),
        target: "192.0.2.1".to_owned(),
        ttl: None,
    };
    match Wish::of(&spec) {
        Ok(wish) if !wish.host.starts_with("*.") => Ok(normal_form(&wish.host)),
        _ => Err(format!("{text:?} is no name of a zone, as example.com is one")),
    }
}

fn of_resolv_conf(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| line.strip_prefix("nameserver"));
    let addresses = servers.filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
    addresses
        .take(MAX_RESOLVERS)
        .map(|address| SocketAddr::new(address, PORT))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{DnsFlags, Provider, Server, Settings, of_resolv_conf};
    use clap::Parser;
    use rstest::rstest;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        dns: DnsFlags,
    }

    fn settings(args: &[&str]) -> Result<Settings, String> {
        let args = std::iter::once(&"kubeop-controller").chain(args);
        let line = Line::try_parse_from(args).map_err(|error| error.to_string())?;
        Settings::of(&line.dns)
    }

    #[test]
    fn nothing_is_written_unless_that_is_asked_for() {
        assert!(matches!(settings(&[]).unwrap().provider, Provider::Observe));
    }

    #[rstest]
    #[case(&["--dns-provider=bind"], &["--dns-provider", "bind"])]
    #[case(&["--dns-provider=rfc2136"], &["--dns-server", "rfc2136"])]
    #[case(&["--dns-provider=rfc2136", "--dns-server=192.0.2.53"], &["--dns-zones", "rfc2136"])]
    #[case(&["--dns-server=a b"], &["--dns-server", "a b"])]
    #[case(&["--dns-server=knot:dns"], &["--dns-server", "\"dns\" is no port"])]
    #[case(&["--dns-zones=example.com,exa mple.com"], &["--dns-zones", "\"exa mple.com\""])]
    #[case(&["--dns-zones=*.example.com"], &["--dns-zones", "\"*.example.com\""])]
    #[case(&["--dns-resolvers=dns.example"], &["--dns-resolvers", "\"dns.example\" is no address"])]
    #[case(&["--dns-resolvers=::1,::2,::3,::4,::5,::6,::7,::8,::9"], &["--dns-resolvers", "9 are given"])]
    fn what_cannot_be_used_is_refused_by_flag_and_value(#[case] args: &[&str], #[case] words: &[&str]) {
        let refused = settings(args).unwrap_err();
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
    }

    #[test]
    fn zones_are_read_in_normal_form() {
        let args = [
            "--dns-provider=rfc2136",
            "--dns-server=knot.dns.svc:5353",
            "--dns-zones=Example.com., b.example",
        ];
        let Provider::Rfc2136(updates) = settings(&args).unwrap().provider else {
            panic!("another provider")
        };
        assert_eq!(updates.zones, ["example.com", "b.example"]);
        assert_eq!(updates.server.to_string(), "knot.dns.svc:5353");
        assert_eq!("2001:db8::53".parse::<Server>().unwrap().port, 53);
    }

    #[test]
    fn the_resolvers_of_the_system_are_asked_by_default() {
        let text = "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 # second\n";
        let found: Vec<_> = of_resolv_conf(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.53:53", "[2001:db8::53]:53"]);
    }
}
