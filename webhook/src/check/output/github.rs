//! Workflow commands of GitHub Actions: each fault and warning stands beside its line in the pull request.

use crate::check::report::Report;
use std::fmt::Write;

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    for judged in &report.judged {
        let line = Some(judged.line);
        for warning in &judged.warnings {
            command(&mut page, "warning", &judged.file, line, "Warning", warning);
        }
        let who = format!("{} {}", judged.kind.to_ascii_lowercase(), judged.name);
        for violation in &judged.violations {
            let text = format!("{who}: {violation}");
            command(
                &mut page,
                "error",
                &judged.file,
                line,
                violation.code.name(),
                &text,
            );
        }
    }
    for unreadable in &report.unreadable {
        let line = unreadable.line;
        command(
            &mut page,
            "error",
            &unreadable.file,
            line,
            "Unreadable",
            &unreadable.why,
        );
    }
    page
}

fn command(page: &mut String, level: &str, file: &str, line: Option<usize>, title: &str, text: &str) {
    let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
    let (file, title, text) = (property(file), property(title), data(text));
    // Writing to a String cannot fail.
    let _ = writeln!(page, "::{level} file={file}{line},title={title}::{text}");
}

/// A text as a command carries it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a command carries it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::check::report::{Judged, Report};
    use kubeop_shared::admission::{Code, Violation};

    #[test]
    fn what_ends_a_command_is_escaped() {
        let mut report = Report::default();
        report.judged.push(Judged {
            file: "a,b:c.yaml".to_owned(),
            line: 7,
            kind: "App".to_owned(),
            name: "pay".to_owned(),
            warnings: vec!["100%\n::error::x".to_owned()],
            violations: vec![Violation {
                code: Code::ImageNotAllowed,
                path: "spec.delivery.image.ref".to_owned(),
                value: "evil.example/x:1".to_owned(),
                why: "is not in the list".to_owned(),
                remedy: "Use another.".to_owned(),
            }],
            ..Judged::default()
        });
        report.cannot_read("x.yaml", None, "is missing".to_owned());
        assert_eq!(
            page(&report),
            "::warning file=a%2Cb%3Ac.yaml,line=7,title=Warning::100%25%0A::error::x\n\
             ::error file=a%2Cb%3Ac.yaml,line=7,title=ImageNotAllowed::app pay: [ImageNotAllowed] \
             spec.delivery.image.ref: \"evil.example/x:1\" is not in the list. Use another.\n\
             ::error file=x.yaml,title=Unreadable::is missing\n"
        );
    }
}
