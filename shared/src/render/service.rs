//! The Service.

use super::{Target, object};
use crate::api::app::{ImageDelivery, Port};
use crate::manifests::Object;
use serde_json::json;

pub(super) fn service(image: &ImageDelivery, target: &Target<'_>) -> Object {
    let port = |port: &Port| {
        json!({
            "name": port.name,
            "port": port.service_port.unwrap_or(port.container_port),
            "targetPort": port.name,
            "protocol": port.protocol.unwrap_or_default(),
        })
    };
    let ports: Vec<_> = image.ports.iter().flatten().map(port).collect();
    let body = json!({"spec": {"selector": target.ownership.selector(), "ports": ports}});
    object("", "v1", "Service", target, body)
}
