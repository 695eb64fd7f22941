//! One request: counted, passed on or not, answered or not.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Error, Result, anyhow};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};

use super::fault::{WriteFault, status_of};
use super::switch::{Life, Switch};
use super::{call, news};
use crate::audit::Entry;

/// What goes back to the program. Watches are long: it is never gathered.
pub(super) type Body = UnsyncBoxBody<Bytes, Error>;

/// Answers one request. An error closes the connection without an answer.
pub(super) async fn answer(
    switch: Arc<Switch>,
    life: Life,
    request: Request<Incoming>,
) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if !switch.acts(life) {
        return nothing().await;
    }
    let call = call::read(&switch.user, &parts, &body);
    match switch.meet(&call) {
        None => pass_on(&switch, &call, parts, body).await,
        Some(WriteFault::Answer(code)) => Ok(refusal(code)),
        Some(WriteFault::DropAnswer) => {
            pass_on(&switch, &call, parts, body).await?;
            Err(anyhow!("the answer is dropped"))
        }
        Some(WriteFault::Hold) => {
            switch.hold().await;
            let answer = pass_on(&switch, &call, parts, body).await;
            switch.late(answer.as_ref().map_or(0, |answer| answer.status().as_u16()));
            answer
        }
        Some(WriteFault::KillBefore) => {
            switch.kill();
            nothing().await
        }
        Some(WriteFault::KillAfter) => {
            pass_on(&switch, &call, parts, body).await?;
            switch.kill();
            nothing().await
        }
    }
}

/// Waits until the connection is gone.
async fn nothing<T>() -> Result<T> {
    std::future::pending().await
}

async fn pass_on(
    switch: &Arc<Switch>,
    call: &Entry,
    parts: http::request::Parts,
    body: Bytes,
) -> Result<Response<Body>> {
    let uri = switch.view.uri_of(&switch.upstream, &switch.scopes, call).await?;
    let mut request = Request::builder()
        .method(parts.method)
        .uri(uri)
        .body(kube::client::Body::from(body))?;
    *request.headers_mut() = without(parts.headers, &[HOST, AUTHORIZATION, CONTENT_LENGTH]);
    let (mut parts, body) = switch.upstream.send(request).await?.into_parts();
    parts.headers = without(parts.headers, &[]);
    parts.version = http::Version::HTTP_11;
    let body = if call.verb == "watch" && parts.status.is_success() {
        news::pass_on(switch.clone(), call.resource.clone(), body)
    } else {
        body.map_err(|error| anyhow!(error)).boxed_unsync()
    };
    Ok(Response::from_parts(parts, body))
}

/// The fields that are not about the connection, and not these.
fn without(mut headers: HeaderMap, more: &[HeaderName]) -> HeaderMap {
    for name in [CONNECTION, TRANSFER_ENCODING].iter().chain(more) {
        headers.remove(name);
    }
    headers
}

fn refusal(code: StatusCode) -> Response<Body> {
    let never = |error: Infallible| match error {};
    let body = Full::from(status_of(code).to_string())
        .map_err(never)
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if code == StatusCode::TOO_MANY_REQUESTS {
        fields.insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}
