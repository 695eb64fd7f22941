//! What is answered when something cannot be done: one shape, whoever refused.

use crate::kube_io::is_of_the_schema;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kube::core::Status;
use kubeop_serving::BodyError;
use schemars::JsonSchema;
use serde::Serialize;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// What, where, why, and what to do. Of a refusal by a rule, the words of admission.
    pub error: String,
    /// Each fault by itself; empty where no rule was asked.
    pub violations: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Fault {
    /// Which rule: a code of kubeOP's, or a reason of the API server's.
    pub code: String,
    /// Where: the path of the field.
    pub path: String,
    /// Why, and what to do.
    pub message: String,
}

/// A problem, and how HTTP says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    problem: Problem,
    /// Seconds after which it may go better.
    retry_after: Option<u32>,
    connection: Connection,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Stays,
    /// What the client still sends is not read.
    Closes,
}

/// What the API server puts before the words of a webhook, and after its name.
const DENIED: (&str, &str) = ("admission webhook \"", "\" denied the request: ");

impl Refusal {
    /// A refusal of our own.
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            problem: Problem {
                error: error.into(),
                violations: Vec::new(),
            },
            retry_after: None,
            connection: Connection::Stays,
        }
    }

    /// 400.
    pub(super) fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 503: it may go better in a second.
    pub(super) fn not_now(error: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
        }
    }

    /// The API server's refusal, passed on.
    pub(super) fn of(code: StatusCode, status: &Status) -> Self {
        let details = status.details.as_ref();
        let causes = details.into_iter().flat_map(|details| &details.causes);
        let violations = causes.map(|cause| Fault {
            code: cause.reason.clone(),
            path: cause.field.trim_start_matches('.').to_owned(),
            message: cause.message.clone(),
        });
        let code = if is_of_the_schema(status) {
            StatusCode::BAD_REQUEST
        } else {
            code
        };
        let retry_after = details.map(|details| details.retry_after_seconds);
        Self {
            problem: Problem {
                error: own_words(&status.message).to_owned(),
                violations: violations.collect(),
            },
            retry_after: retry_after.filter(|seconds| *seconds > 0),
            ..Self::new(code, "")
        }
    }

    /// Its HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether one of its faults has this code.
    pub(super) fn is_about(&self, code: &str) -> bool {
        self.problem.violations.iter().any(|fault| fault.code == code)
    }

    /// The same with what to do.
    #[must_use]
    pub(super) fn and(mut self, remedy: &str) -> Self {
        self.problem.error.push_str(". ");
        self.problem.error.push_str(remedy);
        self
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (status, connection) = match error {
            BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, Connection::Closes),
            BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, Connection::Closes),
            BodyError::CutOff(_) => (StatusCode::BAD_REQUEST, Connection::Stays),
        };
        Self {
            connection,
            ..Self::new(status, error.to_string())
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.connection == Connection::Closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The words of a webhook, without what the API server puts before them.
fn own_words(message: &str) -> &str {
    let own = message
        .strip_prefix(DENIED.0)
        .and_then(|rest| rest.split_once(DENIED.1));
    own.map_or(message, |(_, own)| own)
}

#[cfg(test)]
mod tests {
    use super::{Fault, Refusal};
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use kube::core::Status;
    use kubeop_serving::BodyError;
    use serde_json::json;

    fn refused(code: u16, status: serde_json::Value) -> Refusal {
        let status: Status = serde_json::from_value(status).unwrap();
        Refusal::of(StatusCode::from_u16(code).unwrap(), &status)
    }

    #[test]
    fn a_refusal_of_admission_is_told_in_its_own_words_with_each_fault() {
        let words = "app pay refused: 1 fault\n[ImageNotAllowed] spec.delivery.image.ref: \"evil.example/x:1\" is not ...";
        let refusal = refused(
            400,
            json!({"status": "Failure", "code": 400, "reason": "BadRequest",
                "message": format!("admission webhook \"kubeop.validate.kubeop.io\" denied the request: {words}"),
                "details": {"causes": [{"reason": "ImageNotAllowed", "field": "spec.delivery.image.ref", "message": "x"}]}}),
        );
        assert_eq!(refusal.problem.error, words);
        assert_eq!(
            refusal.problem.violations,
            [Fault {
                code: "ImageNotAllowed".to_owned(),
                path: "spec.delivery.image.ref".to_owned(),
                message: "x".to_owned(),
            }]
        );
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn what_the_api_server_says_itself_is_passed_on() {
        let conflict = refused(
            409,
            json!({"status": "Failure", "code": 409, "reason": "Conflict",
                "message": "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.suspend",
                "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.suspend",
                    "message": "conflict with \"kubectl\""}]}}),
        );
        let fault = &conflict.problem.violations[0];
        assert_eq!(
            (fault.code.as_str(), fault.path.as_str()),
            ("FieldManagerConflict", "spec.suspend")
        );
        let busy = refused(
            429,
            json!({"message": "too many requests", "details": {"retryAfterSeconds": 3}}),
        );
        let response = busy.into_response();
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn what_cannot_be_read_as_an_app_is_a_fault_of_the_request() {
        let message = "failed to create typed patch object (ns/pay; platform.kubeop.io/v1alpha1, Kind=App): .spec.replica: \
                       field not declared in schema";
        let refusal = refused(500, json!({"status": "Failure", "code": 500, "message": message}));
        assert_eq!(refusal.status(), StatusCode::BAD_REQUEST);
        assert_eq!(refusal.problem.error, message);
    }

    #[test]
    fn who_says_not_who_he_is_is_told_how_to() {
        let response = Refusal::new(StatusCode::UNAUTHORIZED, "x").into_response();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn a_body_that_is_not_read_ends_its_connection() {
        for (error, status) in [(BodyError::TooLarge(1), 413), (BodyError::TooSlow, 408)] {
            let response = Refusal::from(error).into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()["connection"], "close");
        }
        let response = Refusal::from(BodyError::CutOff("x".to_owned())).into_response();
        assert_eq!(response.status().as_u16(), 400);
        assert!(!response.headers().contains_key("connection"));
    }
}
