//! The floor: the webhook's stack and limits, reading the review's envelope and allowing everything.

use anyhow::Result;
use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use kubeop_certs::Pair;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const WHOLE: Duration = Duration::from_secs(10);

/// Serves for ever, on a free port that is the first line on stdout.
pub async fn serve(certificate: &Path, key: &Path) -> Result<()> {
    let pair = Pair {
        certificate: std::fs::read_to_string(certificate)?,
        key: std::fs::read_to_string(key)?,
    };
    let tls = TlsAcceptor::from(Arc::new(pair.server_config()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let router = Router::new()
        .route("/mutate", post(|request| allow(request, None)))
        .route("/label", post(|request| allow(request, Some(LABELS))))
        .route("/validate", post(|request| allow(request, None)));
    loop {
        let (stream, _) = listener.accept().await?;
        let (tls, router) = (tls.clone(), router.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(Ok(stream)) = timeout(WHOLE, tls.accept(stream)).await else {
                return;
            };
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(WHOLE)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
                .await;
        });
    }
}

/// The part of a review that nobody can do without.
#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Uid<'a>,
}

#[derive(Deserialize)]
struct Uid<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'a str,
    kind: &'a str,
    response: Allowed<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allowed<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'a str>,
}

/// As many labels as kubeOP adds to a Pod, as a JSON patch in base64.
const LABELS: &str = "W3sib3AiOiJhZGQiLCJwYXRoIjoiL21ldGFkYXRhL2xhYmVscy9hIiwidmFsdWUiOiJ4In0seyJvcCI6ImFkZCIsInBhdGgiOiIvbWV0YWRhdGEvbGFiZWxzL2IiLCJ2YWx1ZSI6IngifSx7Im9wIjoiYWRkIiwicGF0aCI6Ii9tZXRhZGF0YS9sYWJlbHMvYyIsInZhbHVlIjoieCJ9XQ==";

async fn allow(request: Request, patch: Option<&'static str>) -> Response {
    let body = Limited::new(request.into_body(), 8 * 1024 * 1024).collect();
    let Ok(Ok(body)) = timeout(WHOLE, body).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let body = body.to_bytes();
    let Ok(review) = serde_json::from_slice::<Review<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = serde_json::to_vec(&Answer {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Allowed {
            uid: &review.request.uid,
            allowed: true,
            patch,
            patch_type: patch.map(|_| "JSONPatch"),
        },
    });
    match answer {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
