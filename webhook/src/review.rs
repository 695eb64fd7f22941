//! From the bytes of an `AdmissionReview` (admission.k8s.io/v1) to a request, and from a verdict to an answer.

use crate::depth;
use k8s_openapi::ByteString;
use kubeop_shared::admission::{Code, Request, Status, Verdict, Violation, refusal};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a body is no review.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Nothing was sent.
    #[error("the body is empty; an AdmissionReview of admission.k8s.io/v1 is expected")]
    Empty,
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON, cut off, or of another form.
    #[error("the body is no AdmissionReview: {0}")]
    NotAReview(String),
    /// Another kind or version.
    #[error("{0} is not served; send AdmissionReview of admission.k8s.io/v1")]
    WrongVersion(String),
    /// No `request`.
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<Request<'a>>,
}

/// Reads a review. Borrows from the body; no tree of values is built.
pub fn read(body: &[u8]) -> Result<Request<'_>, ReviewError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ReviewError::Empty);
    }
    let text = std::str::from_utf8(body).map_err(|_| ReviewError::NotUtf8)?;
    let review: Review<'_> =
        serde_json::from_str(text).map_err(|error| ReviewError::NotAReview(error.to_string()))?;
    if review.api_version != "admission.k8s.io/v1" || review.kind != "AdmissionReview" {
        return Err(ReviewError::WrongVersion(format!(
            "{} {}",
            review.api_version, review.kind
        )));
    }
    review.request.ok_or(ReviewError::NoRequest)
}

/// The refusal of what is nested too deeply to be judged; none if it is not.
pub fn too_deep(body: &[u8]) -> Option<Verdict> {
    depth::is_too_deep(body).then(|| {
        Verdict::Deny(vec![Violation {
            code: Code::TooDeep,
            path: "object".to_owned(),
            value: String::new(),
            why: format!("is nested deeper than {} levels", depth::DEEPEST),
            remedy: "Make it flatter.".to_owned(),
        }])
    })
}

/// `AdmissionReview` (admission.k8s.io/v1), as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'a str,
    kind: &'a str,
    response: Response<'a>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<ByteString>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// The same for programs: the manager API tells each fault by itself. `kubectl` shows the message only.
#[derive(Serialize)]
struct Details<'a> {
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'static str,
    field: &'a str,
    message: String,
}

impl Failure<'_> {
    fn new(code: u16, reason: &'static str, message: String) -> Self {
        Self {
            status: "Failure",
            code,
            reason,
            message,
            details: None,
        }
    }
}

fn details(violations: &[Violation]) -> Details<'_> {
    let causes = violations.iter().map(|violation| Cause {
        reason: violation.code.name(),
        field: &violation.path,
        message: violation.message(),
    });
    Details {
        causes: causes.collect(),
    }
}

/// The answer to a request, with its uid.
pub fn answer(request: &Request<'_>, verdict: &Verdict) -> Result<Vec<u8>, serde_json::Error> {
    let mut response = Response {
        uid: &request.uid,
        ..Response::default()
    };
    match verdict {
        Verdict::Allow { patch, warnings } => {
            response.allowed = true;
            response.warnings = warnings;
            if !patch.is_empty() {
                response.patch_type = Some("JSONPatch");
                response.patch = Some(ByteString(serde_json::to_vec(patch)?));
            }
        }
        Verdict::Deny(violations) => {
            let status = Status::of(violations);
            let message = refusal(request, violations);
            response.status = Some(Failure {
                details: Some(details(violations)),
                ..Failure::new(status.code(), status.reason(), message)
            });
        }
        Verdict::Need(fact) => {
            let message = format!("kubeOP cannot decide: {fact:?} could not be read in time. Try again.");
            response.status = Some(Failure::new(503, "ServiceUnavailable", message));
        }
    }
    serde_json::to_vec(&Answer {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn review(object: &str) -> String {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u1","kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","name":"p","namespace":"n","object":{object}}}}}"#
        )
    }

    #[test]
    fn what_is_no_review_is_told_apart() {
        let cut = review("{}");
        for (body, wanted) in [
            (&b""[..], ReviewError::Empty),
            (b" \n", ReviewError::Empty),
            (b"\xff{}", ReviewError::NotUtf8),
            (
                br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
                ReviewError::NoRequest,
            ),
            (
                br#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#,
                ReviewError::WrongVersion("admission.k8s.io/v1beta1 AdmissionReview".to_owned()),
            ),
        ] {
            assert_eq!(read(body).unwrap_err(), wanted);
        }
        for body in ["nonsense", "1", &cut[..cut.len() - 1]] {
            assert!(
                matches!(read(body.as_bytes()), Err(ReviewError::NotAReview(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_refusal_tells_each_fault_for_programs_too() {
        let body = review("{}");
        let request = read(body.as_bytes()).unwrap();
        let violation = Violation {
            code: Code::ImageNotAllowed,
            path: "spec.containers[0].image".to_owned(),
            value: "x".to_owned(),
            why: "is not in the list".to_owned(),
            remedy: "Use another.".to_owned(),
        };
        let told = answer(&request, &Verdict::Deny(vec![violation.clone()])).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        let cause = &told["response"]["status"]["details"]["causes"][0];
        assert_eq!(cause["reason"], "ImageNotAllowed");
        assert_eq!(cause["field"], "spec.containers[0].image");
        assert_eq!(cause["message"], "\"x\" is not in the list. Use another.");
        let line = format!(
            "[ImageNotAllowed] spec.containers[0].image: {}",
            violation.message()
        );
        assert!(
            told["response"]["status"]["message"]
                .as_str()
                .unwrap()
                .ends_with(&line),
            "{told}"
        );
    }

    #[test]
    fn a_hundred_thousand_levels_are_refused_with_the_uid() {
        let body = review(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
        let request = read(body.as_bytes()).unwrap();
        let verdict = too_deep(body.as_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&answer(&request, &verdict).unwrap()).unwrap();
        assert_eq!(answer["response"]["uid"], "u1");
        assert_eq!(answer["response"]["allowed"], false);
        assert!(
            answer["response"]["status"]["message"]
                .as_str()
                .unwrap()
                .contains("[TooDeep]")
        );
    }
}
