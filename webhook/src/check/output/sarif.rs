//! SARIF 2.1.0 (OASIS), for code scanning. Rules are the codes of refusals, and two more for what has no code.

use super::json::printed;
use crate::check::report::Report;
use kubeop_shared::admission::Code;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

const WARNING: (&str, &str) = ("Warning", "Admission allows it, and says this.");
const UNREADABLE: (&str, &str) = ("Unreadable", "Something cannot be read as kubectl reads it.");

/// What a path of a URI takes as it is (RFC 3986, 3.3).
const IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    results: Vec<Finding>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: &'static str,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
}

pub(super) fn page(report: &Report) -> String {
    let mut results = Vec::new();
    for judged in &report.judged {
        let line = Some(judged.line);
        for warning in &judged.warnings {
            results.push(finding(
                (WARNING.0, "warning"),
                warning.clone(),
                &judged.file,
                line,
                None,
            ));
        }
        let who = format!("{} {}", judged.kind.to_ascii_lowercase(), judged.name);
        for violation in &judged.violations {
            let rule = (violation.code.name(), "error");
            let (text, path) = (format!("{who}: {violation}"), Some(violation.path.clone()));
            results.push(finding(rule, text, &judged.file, line, path));
        }
    }
    for unreadable in &report.unreadable {
        let rule = (UNREADABLE.0, "error");
        results.push(finding(
            rule,
            unreadable.why.clone(),
            &unreadable.file,
            unreadable.line,
            None,
        ));
    }
    printed(&Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "kubeop-webhook check",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: rules(),
                },
            },
            results,
            column_kind: "unicodeCodePoints",
        }],
    })
}

fn rules() -> Vec<Rule> {
    let codes = Code::ALL.iter().map(|code| (code.name(), code.meaning()));
    codes
        .chain([WARNING, UNREADABLE])
        .map(|(id, meaning)| Rule {
            id,
            short_description: Text {
                text: meaning.to_owned(),
            },
        })
        .collect()
}

fn finding(
    (rule_id, level): (&'static str, &'static str),
    text: String,
    file: &str,
    line: Option<usize>,
    path: Option<String>,
) -> Finding {
    let path = path.map(|fully_qualified_name| Logical { fully_qualified_name });
    Finding {
        rule_id,
        level,
        message: Text { text },
        locations: [Location {
            physical_location: Physical {
                artifact_location: Artifact {
                    uri: utf8_percent_encode(file, IN_A_PATH).to_string(),
                },
                region: line.map(|start_line| Region { start_line }),
            },
            logical_locations: path.into_iter().collect(),
        }],
    }
}
