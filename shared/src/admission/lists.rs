//! Allowlists of Tenants and Projects: what is written there must be readable.

use super::{Code, Violation};
use crate::image::Allowlist;

/// Every entry that cannot be read.
pub(super) fn check(entries: &[String], violations: &mut Vec<Violation>) {
    for (index, entry) in entries.iter().enumerate() {
        if let Err(error) = Allowlist::parse([entry.as_str()]) {
            violations.push(Violation {
                code: Code::AllowlistEntry,
                path: format!("spec.imageAllowlist[{index}]"),
                value: entry.clone(),
                why: error.why.to_owned(),
                remedy: "Write host, host/path or *.host.".to_owned(),
            });
        }
    }
}

/// The list that a Tenant's or Project's entries make; none where none are given. An entry that cannot be
/// read covers nothing, so a list of nothing else refuses everything: never wider than what was meant.
pub fn narrowing(entries: &[String]) -> Option<Allowlist> {
    if entries.is_empty() {
        return None;
    }
    let readable = entries
        .iter()
        .map(String::as_str)
        .filter(|entry| Allowlist::parse([*entry]).is_ok());
    Some(Allowlist::parse(readable).unwrap_or_default())
}
