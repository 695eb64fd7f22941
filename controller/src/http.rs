//! `/healthz`, `/readyz`, `/metrics` and `/version`.

use crate::metrics::metrics;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::future::Future;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What a process is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not connected, or not yet told who leads.
    #[default]
    Starting,
    /// Another one leads: this one would take over. A rollout goes on, since nothing better will come of it.
    StandingBy {
        /// Who leads.
        leader: String,
    },
    /// It leads, and does not know the cluster yet.
    Filling,
    /// It leads and works.
    Working,
}

impl Phase {
    fn answer(&self) -> (StatusCode, String) {
        match self {
            Self::Starting => (StatusCode::SERVICE_UNAVAILABLE, "not connected yet\n".to_owned()),
            Self::StandingBy { leader } => (StatusCode::OK, format!("standing by: {leader} leads\n")),
            Self::Filling => (
                StatusCode::SERVICE_UNAVAILABLE,
                "caches are not filled yet\n".to_owned(),
            ),
            Self::Working => (StatusCode::OK, "ok\n".to_owned()),
        }
    }
}

async fn page() -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], metrics().page())
}

/// Serves until `stop` ends. `/readyz` is 200 when the process works or stands by.
pub async fn serve(
    listener: TcpListener,
    phase: watch::Receiver<Phase>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let readyz = move || {
        let answer = phase.borrow().answer();
        async move { answer }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(page))
        .route(
            "/version",
            get(|| async { concat!(env!("CARGO_PKG_VERSION"), "\n") }),
        );
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
