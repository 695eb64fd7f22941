//! Host names in their normal form, and the lists that the hosts of a project must lie in.

pub mod hosts;
pub mod internal;
pub mod suffixes;

pub use hosts::{HostVerdict, Hosts, NotUnder};
pub use internal::why_internal;
pub use suffixes::HostSuffixes;

/// The form in which host names are compared: lower case, without the trailing dot. DNS knows no case (RFC 4343), and
/// the dot says only that nothing is to be appended (RFC 1034, 3.1).
#[must_use]
pub fn normal_form(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::normal_form;

    #[test]
    fn s46_case_and_one_trailing_dot_do_not_count() {
        for (host, normal) in [
            ("pay.acme.example", "pay.acme.example"),
            ("Pay.ACME.Example.", "pay.acme.example"),
            ("*.Acme.example.", "*.acme.example"),
            ("pay..", "pay."),
            (".", ""),
        ] {
            assert_eq!(normal_form(host), normal, "{host}");
        }
    }
}
