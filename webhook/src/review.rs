//! From the bytes of an `AdmissionReview` (admission.k8s.io/v1) to a request, and from a verdict to an answer.

use crate::depth;
use kubeop_shared::admission::{Code, Request, Status, Verdict, Violation, refusal};
use serde::Deserialize;
use serde_json::{Value, json};
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

/// The answer to a request, with its uid.
pub fn answer(request: &Request<'_>, verdict: &Verdict) -> Vec<u8> {
    let mut response = json!({"uid": request.uid});
    match verdict {
        Verdict::Allow { patch, warnings } => {
            set(&mut response, "allowed", json!(true));
            if !patch.is_empty() {
                set(&mut response, "patchType", json!("JSONPatch"));
                let patch = Value::Array(patch.clone()).to_string().into_bytes();
                set(&mut response, "patch", json!(k8s_openapi::ByteString(patch)));
            }
            if !warnings.is_empty() {
                set(&mut response, "warnings", json!(warnings));
            }
        }
        Verdict::Deny(violations) => {
            let status = Status::of(violations);
            set(&mut response, "allowed", json!(false));
            set(
                &mut response,
                "status",
                json!({
                    "status": "Failure", "code": status.code(), "reason": status.reason(),
                    "message": refusal(request, violations),
                }),
            );
        }
        Verdict::Need(fact) => {
            let message = format!("kubeOP cannot decide: {fact:?} could not be read in time. Try again.");
            set(&mut response, "allowed", json!(false));
            set(
                &mut response,
                "status",
                json!({"status": "Failure", "code": 503, "reason": "ServiceUnavailable", "message": message}),
            );
        }
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        .to_string()
        .into_bytes()
}

fn set(response: &mut Value, name: &str, value: Value) {
    if let Some(fields) = response.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_hundred_thousand_levels_are_refused_with_the_uid() {
        let body = review(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
        let request = read(body.as_bytes()).unwrap();
        let verdict = too_deep(body.as_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&answer(&request, &verdict)).unwrap();
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
