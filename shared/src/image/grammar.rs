//! The lexical rules of image references: host, path component, tag, digest. One function each.
//!
//! Source: `reference/regexp.go` and `reference/reference.go` of github.com/distribution/reference v0.6.0.

/// The longest path, `library/` included.
pub(super) const MAX_PATH: usize = 255;
/// The longest tag.
const MAX_TAG: usize = 128;

/// Digest algorithms that nodes know, with the length of their hexadecimal form.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// Whether `name` is the name of a digest algorithm that nodes know.
pub(super) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

/// Whether `text` is exactly the hexadecimal form of a SHA-256 digest.
pub(super) fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_lower_hex)
}

/// What is wrong with a host, its port included. `None`: nothing.
pub(super) fn host_fault(host: &str) -> Option<&'static str> {
    if let Some(literal) = host.strip_prefix('[') {
        return ipv6_fault(literal);
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    if name.is_empty() {
        return Some("has no name");
    }
    if name.contains('_') {
        return Some("has an underscore, which no host name may have");
    }
    if !name.split('.').all(is_host_label) {
        return Some("is no host name: letters, digits and dashes, in parts separated by dots");
    }
    port.and_then(port_fault)
}

fn ipv6_fault(literal: &str) -> Option<&'static str> {
    let Some((address, after)) = literal.split_once(']') else {
        return Some("begins with a bracket that nothing closes");
    };
    if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
        return Some("is no IPv6 address in brackets");
    }
    match after.strip_prefix(':') {
        Some(port) => port_fault(port),
        None if after.is_empty() => None,
        None => Some("goes on after the closing bracket"),
    }
}

fn port_fault(port: &str) -> Option<&'static str> {
    let is_number = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    (!is_number).then_some("has a port that is no number")
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether `text` is one component of a path: lower-case letters and digits, separated by one dot, one or
/// two underscores, or any number of dashes.
pub(super) fn is_path_component(text: &str) -> bool {
    let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut bytes = text.bytes().peekable();
    loop {
        let mut letters = 0_usize;
        while bytes.next_if(|b| is_alphanumeric(*b)).is_some() {
            letters += 1;
        }
        if letters == 0 {
            return false;
        }
        match bytes.next() {
            None => return true,
            Some(b'.') => {}
            Some(b'_') => {
                bytes.next_if_eq(&b'_');
            }
            Some(b'-') => while bytes.next_if_eq(&b'-').is_some() {},
            Some(_) => return false,
        }
    }
}

/// Whether `text` is a tag.
pub(super) fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// What is wrong with a digest, `algorithm:hex`. `None`: nothing.
pub(super) fn digest_fault(digest: &str) -> Option<String> {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Some("is no algorithm:hex".to_owned());
    };
    let Some((_, length)) = ALGORITHMS.iter().find(|(known, _)| *known == algorithm) else {
        return Some("is of no algorithm that nodes know (sha256, sha384, sha512)".to_owned());
    };
    if hex.len() != *length {
        return Some(format!(
            "has {} characters after {algorithm}:, where {length} belong",
            hex.len()
        ));
    }
    (!hex.bytes().all(is_lower_hex)).then(|| "has more than the digits 0-9 and a-f".to_owned())
}

fn is_lower_hex(b: u8) -> bool {
    b.is_ascii_digit() || matches!(b, b'a'..=b'f')
}
