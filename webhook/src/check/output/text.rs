//! For people: a place, and behind it what admission says.

use crate::check::report::Report;
use std::fmt::Write;

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    for judged in &report.judged {
        let place = format!("{}:{}", judged.file, judged.line);
        for warning in &judged.warnings {
            line(&mut page, &format!("{place}: Warning: {warning}"));
        }
        if let Some(message) = &judged.message {
            line(&mut page, &format!("{place}: {message}"));
        }
    }
    for unreadable in &report.unreadable {
        let at = unreadable.line.map(|line| format!(":{line}")).unwrap_or_default();
        line(
            &mut page,
            &format!("{}{at}: unreadable: {}", unreadable.file, unreadable.why),
        );
    }
    page
}

fn line(page: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}
