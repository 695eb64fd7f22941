//! What harm a proxy does, as data.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

/// What harm a proxy does. The default does none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fault {
    /// One strike at one point.
    pub strike: Option<Strike>,
    /// All news of watches come that much later; lists and answers do not.
    pub news_late: Duration,
}

/// Harm at one point. Positions count from 1, in the order in which the proxy saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// At the n-th write: see [`crate::audit::Entry::is_write`], Events and Leases not counted.
    AtWrite(usize, WriteFault),
    /// At the n-th piece of news that any watch brings.
    AtNews(usize, NewsFault),
}

/// Harm at a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// The program is killed before it is carried out.
    KillBefore,
    /// The program is killed once it is carried out, and does not see the answer.
    KillAfter,
    /// It is carried out, and the connection is closed instead of an answer.
    DropAnswer,
    /// It is not carried out, and this is the answer.
    Answer(StatusCode),
    /// It is carried out when the test says so: [`super::Proxy::let_through`].
    Hold,
}

/// Harm at news of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsFault {
    /// The connection is closed instead.
    Cut,
    /// The watch ends with `410 Gone` instead: it asks for what is too old.
    Gone,
}

impl WriteFault {
    /// Each of them that ends by itself.
    pub const ALL: [WriteFault; 7] = [
        WriteFault::KillBefore,
        WriteFault::KillAfter,
        WriteFault::DropAnswer,
        WriteFault::Answer(StatusCode::CONFLICT),
        WriteFault::Answer(StatusCode::TOO_MANY_REQUESTS),
        WriteFault::Answer(StatusCode::INTERNAL_SERVER_ERROR),
        WriteFault::Answer(StatusCode::SERVICE_UNAVAILABLE),
    ];
}

impl NewsFault {
    /// Each of them.
    pub const ALL: [NewsFault; 2] = [NewsFault::Cut, NewsFault::Gone];
}

impl Fault {
    /// Harm at the n-th write.
    pub fn at_write(nth: usize, what: WriteFault) -> Self {
        Fault {
            strike: Some(Strike::AtWrite(nth, what)),
            ..Fault::default()
        }
    }

    /// Harm at the n-th piece of news.
    pub fn at_news(nth: usize, what: NewsFault) -> Self {
        Fault {
            strike: Some(Strike::AtNews(nth, what)),
            ..Fault::default()
        }
    }

    /// The same, and all news come that much later.
    pub fn and_news_late(self, news_late: Duration) -> Self {
        Fault { news_late, ..self }
    }

    /// What it is, wherever it strikes.
    pub fn kind(&self) -> String {
        let strike = self.strike.map(|strike| match strike {
            Strike::AtWrite(_, what) => what.to_string(),
            Strike::AtNews(_, what) => what.to_string(),
        });
        let late = (!self.news_late.is_zero()).then(|| format!("news {:?} late", self.news_late));
        let parts: Vec<String> = strike.into_iter().chain(late).collect();
        parts.join(", ")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind())?;
        match self.strike {
            Some(Strike::AtWrite(nth, _)) => write!(f, " at write {nth}"),
            Some(Strike::AtNews(nth, _)) => write!(f, " at news {nth}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for WriteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteFault::KillBefore => f.write_str("kill before"),
            WriteFault::KillAfter => f.write_str("kill after"),
            WriteFault::DropAnswer => f.write_str("drop the answer"),
            WriteFault::Answer(status) => write!(f, "answer {}", status.as_u16()),
            WriteFault::Hold => f.write_str("hold"),
        }
    }
}

impl fmt::Display for NewsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NewsFault::Cut => "cut the watch",
            NewsFault::Gone => "answer 410",
        })
    }
}

/// The body of a refusal, in the words of the API server.
pub(super) fn status_of(code: StatusCode) -> Value {
    let (reason, message) = match code {
        StatusCode::CONFLICT => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the \
             latest version and try again",
        ),
        StatusCode::GONE => ("Expired", "too old resource version"),
        StatusCode::TOO_MANY_REQUESTS => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        _ => ("InternalError", "an internal error occurred"),
    };
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code.as_u16(),
    })
}
