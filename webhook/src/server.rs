//! The HTTPS server and its limits.

use crate::config::{Config, ConfigError};
use crate::metrics::{Metrics, Path};
use crate::review;
use crate::tls::{self, CertificateState};
use crate::world::World;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kubeop_serving::{Asked, Bodies, BodyError, Door, Patience, Stage, Stages, UNDER_WAY};
use kubeop_shared::admission::{self, Facts, Verdict};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Largest body.
pub const LARGEST: usize = 8 * 1024 * 1024;

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
    /// Signals cannot be listened for.
    #[error("cannot listen for SIGTERM: {0}")]
    Signals(std::io::Error),
    /// It was asked to end, and then asked again.
    #[error("asked a second time to end: what was under way is cut off")]
    AskedTwice,
}

struct Serving {
    world: World,
    certificate: watch::Receiver<CertificateState>,
    stages: Stages,
    bodies: Bodies,
    metrics: Metrics,
}

type Rules = fn(&Facts, &admission::Request<'_>) -> Verdict;

/// Serves until asked to end, and then until nothing is under way.
pub async fn run(config: Config) -> Result<(), ServerError> {
    let mut asked = Asked::listen().map_err(ServerError::Signals)?;
    let allowlist = config.allowlist()?;
    // Two providers may be compiled in; the client takes the one installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = kube::Client::try_from(kube::Config::infer().await?)?;
    let (config_of_tls, certificate) = tls::start(&config, &client)?;
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
    let (stage, stages) = watch::channel(Stage::Serving);
    let router = router(Serving {
        world,
        certificate,
        stages: stages.clone(),
        bodies: Bodies::new(LARGEST),
        metrics: Metrics::default(),
    });
    let door = Door::new(listener, config_of_tls, router, stages, Patience::API_SERVER);
    tokio::select! {
        never = door.open() => match never {},
        () = asked.wait() => {}
    }
    tracing::info!(drain = ?config.drain, "asked to end: not ready any more, and serving what still comes");
    stage.send_replace(Stage::Draining);
    tokio::select! {
        never = door.open() => match never {},
        () = tokio::time::sleep(config.drain) => {}
        () = asked.wait() => return Err(ServerError::AskedTwice),
    }
    let connections = door.close();
    stage.send_replace(Stage::Closing);
    tokio::select! {
        () = connections.wait() => tracing::info!("nothing is under way: the end"),
        () = tokio::time::sleep(UNDER_WAY) => {
            tracing::warn!(left = connections.len(), "connections did not end in time and are cut off");
        }
        () = asked.wait() => return Err(ServerError::AskedTwice),
    }
    Ok(())
}

/// The pages of the server.
fn router(serving: Serving) -> Router {
    Router::new()
        .route(
            "/mutate",
            post(|state, request| review_with(state, request, Path::Mutate)),
        )
        .route(
            "/validate",
            post(|state, request| review_with(state, request, Path::Validate)),
        )
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/version", get(async || env!("CARGO_PKG_VERSION")))
        // Cloned with each request.
        .with_state(Arc::new(serving))
}

async fn metrics(State(serving): State<Arc<Serving>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let page = serving.metrics.page(&serving.certificate.borrow());
    ([(header::CONTENT_TYPE, kind)], page).into_response()
}

async fn ready(State(serving): State<Arc<Serving>>) -> Response {
    let trouble = if *serving.stages.borrow() >= Stage::Draining {
        Some("it was asked to end".to_owned())
    } else if !serving.world.is_synced() {
        Some("the caches are not synced yet".to_owned())
    } else {
        serving.certificate.borrow().trouble.clone()
    };
    match trouble {
        None => "ok".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

async fn review_with(State(serving): State<Arc<Serving>>, request: Request, path: Path) -> Response {
    let answer = read_and_answer(&serving, request, path).await;
    if answer.status().is_client_error() {
        serving.metrics.unreadable();
    }
    answer
}

async fn read_and_answer(serving: &Serving, request: Request, path: Path) -> Response {
    let (head, body) = request.into_parts();
    match serving.bodies.read(&head.headers, body).await {
        Ok(body) => answer(serving, &body, path).await,
        Err(error) => unread(&error),
    }
}

fn unread(error: &BodyError) -> Response {
    let close = [(header::CONNECTION, "close")];
    match error {
        BodyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, close, error.to_string()).into_response(),
        BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, close, error.to_string()).into_response(),
        BodyError::CutOff(_) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn answer(serving: &Serving, body: &[u8], path: Path) -> Response {
    let start = Instant::now();
    let rules: Rules = match path {
        Path::Mutate => admission::mutate,
        Path::Validate => admission::validate,
    };
    let request = match review::read(body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let verdict = match review::too_deep(body) {
        Some(verdict) => verdict,
        None => serving.world.decide(&request, rules).await,
    };
    serving.metrics.review(path, &verdict, start.elapsed());
    match review::answer(&request, &verdict) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], Body::from(answer)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
