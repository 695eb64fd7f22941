//! Who asks, and about which App: what stands in the head of a request.

use super::manifest::is_name;
use super::problem::Refusal;
use crate::world::NamespacedName;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

/// Whoever asks: a bearer token. Who that is, and what may be done, the API server decides.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// `Bearer <token>`. Shown to nobody but the API server and the replica that leads.
    authorization: HeaderValue,
}

/// What stands for a caller where a token must not be kept.
pub(super) type Fingerprint = [u8; 32];

impl Caller {
    /// Reads who asks.
    pub(super) fn read(head: &HeaderMap) -> Result<Self, Refusal> {
        let refused = |error: &str| Err(Refusal::new(StatusCode::UNAUTHORIZED, error));
        let mut fields = head.get_all(header::AUTHORIZATION).iter();
        let (first, second) = (fields.next(), fields.next());
        let token = match (first, second) {
            (None, _) => {
                return refused(
                    "no token. Send the header Authorization: Bearer <token>, with a token of the cluster: \
                     kubectl create token <service account> makes one.",
                );
            }
            (Some(_), Some(_)) => return refused("more than one Authorization header. Send one."),
            (Some(field), None) => field.to_str().ok().and_then(bearer),
        };
        // To act as somebody else would be to act with more than was asked for, if it went unnoticed.
        if let Some(name) = head.keys().find(|name| name.as_str().starts_with("impersonate-")) {
            let error =
                format!("header {name}: nobody is impersonated here. Ask the API server, or leave it out.");
            return Err(Refusal::bad_request(error));
        }
        let authorization = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        let Some(mut authorization) = authorization else {
            return refused("the Authorization header is none of the form Bearer <token>.");
        };
        authorization.set_sensitive(true);
        Ok(Self { authorization })
    }

    /// The header that says who asks.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// What stands for this caller.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Sha256::digest(self.authorization.as_bytes()).into()
    }
}

/// The token of a header's text (RFC 6750, 2.1).
fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte);
    let is_one = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(may_stand);
    is_one.then_some(token)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::read(&parts.headers)
    }
}

/// The App that a path names.
pub(super) struct At(pub NamespacedName);

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let said = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Ok(Path((namespace, name))) = said else {
            return Err(Refusal::bad_request("the path is no text."));
        };
        if !is_name(&namespace) || !is_name(&name) {
            let error = format!("there is no App {namespace:?}/{name:?}: no such names are given.");
            return Err(Refusal::new(StatusCode::NOT_FOUND, error));
        }
        Ok(Self(NamespacedName { namespace, name }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, bearer};
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut head = HeaderMap::new();
        for (name, value) in fields {
            head.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        head
    }

    #[test]
    fn a_token_is_read_and_never_shown() {
        let caller = Caller::read(&head(&[("authorization", "bearer  abc.def-1=")])).unwrap();
        assert_eq!(caller.authorization(), "Bearer abc.def-1=");
        assert!(!format!("{caller:?}").contains("abc"), "{caller:?}");
        let other = Caller::read(&head(&[("authorization", "Bearer abc.def-2=")])).unwrap();
        assert_ne!(caller.fingerprint(), other.fingerprint());
    }

    #[test]
    fn who_sends_no_token_or_another_s_name_is_refused() {
        let good = ("authorization", "Bearer a");
        for (fields, status) in [
            (vec![], 401),
            (vec![("authorization", "Basic YTpi")], 401),
            (vec![("authorization", "Bearer ")], 401),
            (vec![good, ("authorization", "Bearer b")], 401),
            (vec![good, ("impersonate-user", "admin")], 400),
        ] {
            let refusal = Caller::read(&head(&fields)).unwrap_err();
            assert_eq!(refusal.status().as_u16(), status, "{fields:?}");
        }
        assert_eq!(bearer("Bearer a b"), None);
    }
}
