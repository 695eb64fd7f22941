//! The Ingress.

use super::{Target, object, set};
use crate::api::app::{ImageDelivery, IngressSpec};
use crate::manifests::Object;
use serde_json::{Value, json};

pub(super) fn ingress(image: &ImageDelivery, ingress: &IngressSpec, target: &Target<'_>) -> Object {
    let first = image
        .ports
        .as_ref()
        .and_then(|ports| ports.first())
        .map(|port| &port.name);
    let port = ingress.port.as_ref().or(first);
    let path = json!({
        "path": ingress.path.as_deref().unwrap_or("/"),
        "pathType": ingress.path_type.as_deref().unwrap_or("Prefix"),
        "backend": {"service": {"name": target.ownership.app, "port": {"name": port}}},
    });
    let mut spec = json!({"rules": [{"host": ingress.host, "http": {"paths": [path]}}]});
    set(&mut spec, "ingressClassName", ingress.ingress_class_name.as_ref());
    if ingress.tls == Some(true) {
        let tls = json!([{"hosts": [ingress.host], "secretName": format!("{}-tls", target.ownership.app)}]);
        set(&mut spec, "tls", Some(tls));
    }
    let mut metadata = Value::Object(serde_json::Map::new());
    set(&mut metadata, "annotations", ingress.annotations.as_ref());
    object(
        "networking.k8s.io",
        "v1",
        "Ingress",
        target,
        json!({"metadata": metadata, "spec": spec}),
    )
}
