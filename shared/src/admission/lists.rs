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
