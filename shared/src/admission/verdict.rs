//! What admission answers, as data, and the one place that turns it into words.

use super::{Code, Fact, Request};
use std::fmt;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It may pass.
    Allow {
        /// JSON patch (RFC 6902) operations; empty where nothing is missing.
        patch: Vec<serde_json::Value>,
        /// What the user should know all the same.
        warnings: Vec<String>,
    },
    /// It may not, for all these reasons.
    Deny(Vec<Violation>),
    /// Not decided: this fact is needed first.
    Need(Fact),
}

/// One reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub code: Code,
    /// Where: the path of the field.
    pub path: String,
    /// What stands there; empty where nothing does.
    pub value: String,
    /// Why it is refused, as a clause after the value: `is not in the list of project web (ghcr.io/acme)`.
    pub why: String,
    /// What to do, as a sentence.
    pub remedy: String,
}

impl Violation {
    /// What stands after code and path: value, reason and remedy.
    pub fn message(&self) -> String {
        let quoted = if self.value.is_empty() {
            String::new()
        } else {
            format!("{:?} ", Shortened(&self.value))
        };
        format!("{quoted}{}. {}", self.why, self.remedy)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}: {}", self.code, self.path, self.message())
    }
}

/// A value as it is quoted: control characters escaped, and never longer than a person reads.
pub(super) struct Shortened<'a>(pub &'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 256;
        match self.0.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(f, "{:?}…", self.0.get(..end).unwrap_or_default()),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// HTTP status of a refusal, as `kubectl` and clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 400: the object must change.
    BadRequest,
    /// 403: it is not the user's to write, or protected.
    Forbidden,
}

impl Status {
    /// 403 where every fault is about what is not the user's to write, or protected; else 400.
    pub fn of(violations: &[Violation]) -> Self {
        if violations
            .iter()
            .all(|violation| matches!(violation.code, Code::ForeignLabel | Code::Protected))
        {
            Self::Forbidden
        } else {
            Self::BadRequest
        }
    }

    /// The number.
    pub fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden => 403,
        }
    }

    /// The reason, as the API conventions name it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::Forbidden => "Forbidden",
        }
    }
}

/// The refusal in words: a head line, then one line a fault.
pub fn refusal(request: &Request<'_>, violations: &[Violation]) -> String {
    let kind = request.kind.kind.to_ascii_lowercase();
    let name = request.name_of_object();
    let name = name.as_deref().unwrap_or("(unnamed)");
    let faults = if violations.len() == 1 { "fault" } else { "faults" };
    let mut text = format!("{kind} {name} refused: {} {faults}", violations.len());
    for violation in violations {
        text.push('\n');
        text.push_str(&violation.to_string());
    }
    text
}
