//! What came out, before it is printed.

use kubeop_shared::admission::Violation;
use kubeop_shared::manifests::file::Written;
use serde_json::Value;

/// All that is to be told.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What admission would be asked about, in order.
    pub judged: Vec<Judged>,
    /// What cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// How many objects admission would not be asked about.
    pub passed_over: usize,
}

/// An object, and what admission says.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub file: String,
    /// Line on which its document starts, counted from 1.
    pub line: usize,
    pub kind: String,
    /// Empty for what belongs to no namespace.
    pub namespace: String,
    /// Empty where the API server is to make one.
    pub name: String,
    /// HTTP status of the refusal; none if it is allowed.
    pub status: Option<u16>,
    /// The refusal in words; none if it is allowed.
    pub message: Option<String>,
    /// Its faults.
    pub violations: Vec<Violation>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
}

impl Judged {
    /// An object of which nothing is said yet.
    pub(super) fn new(file: &str, object: &Written, namespace: &str) -> Self {
        let name = object.value.pointer("/metadata/name").and_then(Value::as_str);
        Self {
            file: file.to_owned(),
            line: object.line,
            kind: object.gvk.kind.clone(),
            namespace: namespace.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }
}

/// Something that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub file: String,
    /// Counted from 1; none where it is about the file as a whole.
    pub line: Option<usize>,
    pub why: String,
}

impl Report {
    pub(super) fn cannot_read(&mut self, file: &str, line: Option<usize>, why: String) {
        self.unreadable.push(Unreadable {
            file: file.to_owned(),
            line,
            why,
        });
    }

    pub(super) fn refused(&self) -> usize {
        self.judged
            .iter()
            .filter(|judged| judged.message.is_some())
            .count()
    }

    /// Exit status. What cannot be read may hide a refusal, so it wins.
    pub(super) fn status(&self) -> u8 {
        match (self.unreadable.is_empty(), self.refused()) {
            (false, _) => 2,
            (true, 0) => 0,
            (true, _) => 1,
        }
    }

    /// All of it in one line.
    pub(super) fn summary(&self) -> String {
        let warnings: usize = self.judged.iter().map(|judged| judged.warnings.len()).sum();
        format!(
            "{} checked: {} refused, {}; {} passed over, {} unreadable",
            count(self.judged.len(), "object"),
            self.refused(),
            count(warnings, "warning"),
            self.passed_over,
            self.unreadable.len(),
        )
    }
}

fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::{Judged, Report};

    #[test]
    fn what_cannot_be_read_wins_over_what_is_refused() {
        let mut report = Report::default();
        report.judged.push(Judged::default());
        assert_eq!(report.status(), 0);
        report.judged.push(Judged {
            message: Some("no".to_owned()),
            ..Judged::default()
        });
        assert_eq!(report.status(), 1);
        report.cannot_read("a.yaml", Some(3), "is no YAML".to_owned());
        assert_eq!(report.status(), 2);
        assert_eq!(
            report.summary(),
            "2 objects checked: 1 refused, 0 warnings; 0 passed over, 1 unreadable"
        );
    }
}
