//! The HTTPS server and its limits.

use crate::config::{Config, ConfigError};
use crate::connection::{TOO_SLOW, WHOLE, serve};
use crate::review;
use crate::world::World;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kubeop_shared::admission::{self, Facts, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Largest body.
pub const LARGEST: usize = 8 * 1024 * 1024;
/// Bodies above this size are read a few at a time.
const LARGE: usize = 256 * 1024;
/// How many of those at once.
const LARGE_AT_ONCE: usize = 4;

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No cluster to talk to.
    #[error("no cluster: {0}")]
    Cluster(#[from] kube::config::InferConfigError),
    /// The client could not be made.
    #[error("cannot talk to the cluster: {0}")]
    Client(#[from] kube::Error),
    /// The address cannot be listened on.
    #[error("--listen {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

struct Serving {
    world: World,
    large: Semaphore,
}

type Rules = fn(&Facts, &admission::Request<'_>) -> Verdict;

/// Serves until asked to end.
pub async fn run(config: Config) -> Result<(), ServerError> {
    let allowlist = config.allowlist()?;
    let pair = config.certificate(time::OffsetDateTime::now_utc())?;
    let tls = TlsAcceptor::from(Arc::new(pair.server_config().map_err(ConfigError::from)?));
    // Two providers may be compiled in; the client takes the one installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = kube::Client::try_from(kube::Config::infer().await?)?;
    let world = World::start(
        &client,
        allowlist,
        config.cluster_id.clone(),
        config.restorers.clone(),
    );
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServerError::Listen {
            address: config.listen,
            source,
        })?;
    tracing::info!(address = %config.listen, "serving");
    let router = router(world);
    tokio::select! {
        () = accept(listener, tls, router) => {}
        () = asked_to_end() => tracing::info!("asked to end"),
    }
    Ok(())
}

async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! { _ = terminated.recv() => {}, _ = interrupted => {} }
        }
        Err(_) => drop(interrupted.await),
    }
}

/// The pages of the server.
fn router(world: World) -> Router {
    // Cloned with each request.
    let serving = Arc::new(Serving {
        world,
        large: Semaphore::new(LARGE_AT_ONCE),
    });
    Router::new()
        .route(
            "/mutate",
            post(|state, request| review_with(state, request, admission::mutate)),
        )
        .route(
            "/validate",
            post(|state, request| review_with(state, request, admission::validate)),
        )
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/version", get(async || env!("CARGO_PKG_VERSION")))
        .with_state(serving)
}

async fn ready(State(serving): State<Arc<Serving>>) -> Response {
    if serving.world.is_synced() {
        "ok".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the caches are not synced yet").into_response()
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, tls.clone(), router.clone()))),
            Err(error) => {
                // Out of file descriptors, most likely: others must end first.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn review_with(State(serving): State<Arc<Serving>>, request: Request, rules: Rules) -> Response {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST) {
        return too_large();
    }
    let read = async {
        // A body of unknown length counts as a large one.
        let permit = match announced {
            Some(length) if length <= LARGE => None,
            _ => serving.large.acquire().await.ok(),
        };
        (Limited::new(request.into_body(), LARGEST).collect().await, permit)
    };
    let Ok((body, _permit)) = timeout(WHOLE, read).await else {
        let close = [(header::CONNECTION, "close")];
        return (StatusCode::REQUEST_TIMEOUT, close, TOO_SLOW).into_response();
    };
    match body {
        Ok(body) => answer(&serving.world, &body.to_bytes(), rules).await,
        Err(error) if error.is::<LengthLimitError>() => too_large(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("the body was cut off: {error}")).into_response(),
    }
}

fn too_large() -> Response {
    let why = format!("the body is larger than {LARGEST} bytes");
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        [(header::CONNECTION, "close")],
        why,
    )
        .into_response()
}

async fn answer(world: &World, body: &Bytes, rules: Rules) -> Response {
    let request = match review::read(body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let verdict = match review::too_deep(body) {
        Some(verdict) => verdict,
        None => world.decide(&request, rules).await,
    };
    match review::answer(&request, &verdict) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], Body::from(answer)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
