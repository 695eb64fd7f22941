//! Which texts Kubernetes takes for names in DNS.
//!
//! Source: `pkg/util/validation` of k8s.io/apimachinery; every row of `tests/vectors/dns-names.tsv` agrees.

/// The longest label, in bytes (RFC 1123).
pub const MAX_LABEL: usize = 63;
/// The longest name, in bytes (RFC 1123).
pub const MAX_SUBDOMAIN: usize = 253;

/// Whether a text is a DNS-1123 label: the name of a Namespace, a Service, a container.
pub fn is_dns1123_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_label_of_any_length(text)
}

/// Whether a text is a DNS-1123 subdomain: the name of most objects. Its labels may have any length.
pub fn is_dns1123_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN && text.split('.').all(is_label_of_any_length)
}

/// Whether a text is a DNS-1123 subdomain below a wildcard: a host of an Ingress that begins with `*`.
pub fn is_wildcard_dns1123_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN
        && text
            .strip_prefix("*.")
            .is_some_and(|below| below.split('.').all(is_label_of_any_length))
}

/// Whether a text may be the value of a label.
pub fn is_label_value(text: &str) -> bool {
    text.len() <= MAX_LABEL
        && (text.is_empty()
            || (begins_and_ends_with_alphanumeric(text)
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))))
}

fn is_label_of_any_length(text: &str) -> bool {
    begins_and_ends_with_alphanumeric(text)
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn begins_and_ends_with_alphanumeric(text: &str) -> bool {
    let (first, last) = (text.bytes().next(), text.bytes().next_back());
    [first, last]
        .into_iter()
        .all(|b| b.is_some_and(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn every_name_is_what_apimachinery_says() {
        let mut bad = Vec::new();
        let mut total = 0;
        for row in vectors::rows(include_str!("../../../tests/vectors/dns-names.tsv")) {
            let [
                input,
                label,
                subdomain,
                _qualified_name,
                label_value,
                _dns1035,
                wildcard,
                _config_map_key,
                _group,
            ] = <[String; 9]>::try_from(row).expect("nine columns");
            total += 1;
            for (rule, wanted, got) in [
                ("label", label, is_dns1123_label(&input)),
                ("subdomain", subdomain, is_dns1123_subdomain(&input)),
                ("label value", label_value, is_label_value(&input)),
                (
                    "wildcard subdomain",
                    wildcard,
                    is_wildcard_dns1123_subdomain(&input),
                ),
            ] {
                if got != (wanted == "1") {
                    bad.push(format!("{rule} {input:?}: wanted {wanted}, got {got}"));
                }
            }
        }
        assert!(bad.is_empty(), "{} differ:\n{}", bad.len(), bad.join("\n"));
        assert_eq!(total, 255);
    }
}
