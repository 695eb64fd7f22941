//! A report as it is printed.

mod github;
mod json;
mod sarif;
mod text;

use super::Output;
use super::report::Report;

/// The whole page.
pub(super) fn page(report: &Report, output: Output) -> String {
    match output {
        Output::Text => text::page(report),
        Output::Json => json::page(report),
        Output::Github => github::page(report),
        Output::Sarif => sarif::page(report),
    }
}
