//! Schemas of the words that kubeOP's own fields hold: names, hosts, paths. Each is a type and a CEL rule
//! whose message says what is allowed.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A DNS-1123 label.
const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// A DNS-1123 subdomain.
const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// A host name in any case, with or without the trailing dot; the first label may be `*`.
const HOST: &str = r"^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.?$";
/// What a CNAME points at: a host name that may have underscores, but is not all digits and dots.
const CNAME_TARGET: &str =
    r"^([a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\.?$";

const LABEL_WORDS: &str = "lower-case letters, digits and dashes, no dash at either end";

/// The name of a Project.
pub(super) fn project_name(_: &mut SchemaGenerator) -> Schema {
    label(56)
}

/// The name of a Tenant, a namespace, or a hook.
pub(super) fn label_63(_: &mut SchemaGenerator) -> Schema {
    label(63)
}

/// The name of an object whose kind allows dots.
pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    word(
        253,
        SUBDOMAIN,
        "lower-case letters, digits, dashes and dots, no dash or dot at either end",
    )
}

/// The name of a port: core/v1's rule for ports of containers.
pub(super) fn port_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 15,
        "x-kubernetes-validations": [{
            "rule": format!("self.matches(r'{LABEL}') && self.matches('[a-z]') && !self.contains('--')"),
            "message": format!("must be at most 15 {LABEL_WORDS} and no two in a row, with at least one letter"),
        }],
    })
}

/// A host name.
pub(super) fn host(_: &mut SchemaGenerator) -> Schema {
    word(
        254,
        HOST,
        "a host name: labels of at most 63 letters, digits and dashes, separated by dots",
    )
}

/// An address or a name.
pub(super) fn target(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 254,
        "x-kubernetes-validations": [{
            "rule": format!("isIP(self) || self.matches(r'{CNAME_TARGET}')"),
            "message": "must be an IPv4 address, an IPv6 address, or a host name",
        }],
    })
}

/// Host suffixes.
pub(super) fn host_suffixes(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 64, "items": host(generator)})
}

/// Names that a certificate is for, as far as a status has room for them.
pub(super) fn certificate_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 16, "items": {"type": "string", "maxLength": 253}})
}

/// Entries of an image allowlist. Admission reads them; here only what no entry may hold.
pub(super) fn image_allowlist(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 256,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 512,
            "x-kubernetes-validations": [{
                "rule": "!self.contains('://') && !self.matches(r'[\\s@,]')",
                "message": "must be a registry host, with or without a path: no scheme, blank, comma or digest",
            }],
        },
    })
}

/// A path of a URL.
pub(super) fn path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 1024,
        "x-kubernetes-validations": [{
            "rule": "self.startsWith('/')",
            "message": "must begin with a slash",
        }],
    })
}

/// Manifests: YAML strings or embedded objects. Their items are of any type, so CEL does not see them.
pub(super) fn manifests(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 1000,
        "items": {"x-kubernetes-preserve-unknown-fields": true},
    })
}

fn label(max_length: u8) -> Schema {
    word(
        u16::from(max_length),
        LABEL,
        &format!("at most {max_length} {LABEL_WORDS}"),
    )
}

fn word(max_length: u16, pattern: &str, what: &str) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": max_length,
        "x-kubernetes-validations": [{
            "rule": format!("self.matches(r'{pattern}')"),
            "message": format!("must be {what}"),
        }],
    })
}
