//! What harm a proxy does, as data.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

/// One harm. Positions count from 1, in the order in which the proxy saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// At the n-th write: see [`crate::audit::Entry::is_write`], Events and Leases not counted.
    AtWrite(usize, WriteFault),
    /// At the n-th piece of news that any watch brings.
    AtNews(usize, NewsFault),
    /// All news of watches come that much later; lists and answers do not.
    DelayNews(Duration),
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
    /// Each of them.
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::AtWrite(nth, what) => write!(f, "{what} at write {nth}"),
            Fault::AtNews(nth, what) => write!(f, "{what} at news {nth}"),
            Fault::DelayNews(time) => write!(f, "news {time:?} late"),
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
