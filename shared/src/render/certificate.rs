//! The Certificate of a route.

use super::{Target, object, set};
use crate::api::app::IngressSpec;
use crate::api::names;
use crate::manifests::Object;
use serde_json::json;

pub(super) fn certificate(ingress: &IngressSpec, target: &Target<'_>) -> Object {
    let app = &target.ownership.app;
    let mut spec = json!({"host": ingress.host, "secretName": format!("{app}-tls")});
    set(&mut spec, "dnsRecordRef", ingress.dns.as_ref().map(|_| app));
    object(
        names::GROUP,
        names::VERSION,
        "Certificate",
        target,
        json!({"spec": spec}),
    )
}
