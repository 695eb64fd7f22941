//! The `DNSRecord` of a route.

use super::{Target, object};
use crate::api::app::{IngressDns, IngressSpec};
use crate::api::names;
use crate::manifests::Object;
use serde_json::json;

pub(super) fn dns_record(ingress: &IngressSpec, dns: &IngressDns, target: &Target<'_>) -> Object {
    let body = json!({"spec": {"host": ingress.host, "target": dns.target}});
    object(names::GROUP, names::VERSION, "DNSRecord", target, body)
}
