//! DNSRecords against real name servers, which each test starts on loopback: Knot, and BIND for dynamic updates.

mod bind;
mod external_dns;
mod knot;
mod observe;
mod rfc2136;
mod server;
mod support;
