//! `/healthz`, `/readyz` and `/version`.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::future::Future;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves until `stop` ends. `/readyz` is 200 once `ready` holds true.
pub async fn serve(
    listener: TcpListener,
    ready: watch::Receiver<bool>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let readyz = move || {
        let ready = *ready.borrow();
        async move {
            if ready {
                (StatusCode::OK, "ok\n")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "caches are not filled yet\n")
            }
        }
    };
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route(
            "/version",
            get(|| async { concat!(env!("CARGO_PKG_VERSION"), "\n") }),
        );
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
