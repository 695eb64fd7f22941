//! For programs: everything, in one JSON object.

use crate::check::report::{Judged, Report};
use kubeop_shared::admission::Violation;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'r> {
    refused: usize,
    passed_over: usize,
    objects: Vec<Object<'r>>,
    unreadable: Vec<Unreadable<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'r> {
    file: &'r str,
    line: usize,
    kind: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'r str,
    name: &'r str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Fault<'r>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'r [String],
}

#[derive(Serialize)]
struct Fault<'r> {
    code: &'static str,
    path: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'r str,
    why: &'r str,
    remedy: &'r str,
}

#[derive(Serialize)]
struct Unreadable<'r> {
    file: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    why: &'r str,
}

pub(super) fn page(report: &Report) -> String {
    let unreadable = report.unreadable.iter().map(|unreadable| Unreadable {
        file: &unreadable.file,
        line: unreadable.line,
        why: &unreadable.why,
    });
    printed(&Page {
        refused: report.refused(),
        passed_over: report.passed_over,
        objects: report.judged.iter().map(object).collect(),
        unreadable: unreadable.collect(),
    })
}

fn object(judged: &Judged) -> Object<'_> {
    Object {
        file: &judged.file,
        line: judged.line,
        kind: &judged.kind,
        namespace: &judged.namespace,
        name: &judged.name,
        allowed: judged.message.is_none(),
        status: judged.status,
        message: judged.message.as_deref(),
        violations: judged.violations.iter().map(fault).collect(),
        warnings: &judged.warnings,
    }
}

fn fault(violation: &Violation) -> Fault<'_> {
    Fault {
        code: violation.code.name(),
        path: &violation.path,
        value: &violation.value,
        why: &violation.why,
        remedy: &violation.remedy,
    }
}

/// JSON as people read it, too.
pub(super) fn printed(page: &impl Serialize) -> String {
    // Texts, numbers and lists of them can always be written.
    let mut text = serde_json::to_string_pretty(page).unwrap_or_default();
    text.push('\n');
    text
}
