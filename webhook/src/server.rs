//! The HTTPS server and its limits.

use crate::config::{Config, ConfigError};
use crate::connection::{TOO_SLOW, WHOLE, serve};
use crate::drain::{Asked, Stage, Stages, UNDER_WAY};
use crate::metrics::{Metrics, Path};
use crate::review;
use crate::tls::{self, CertificateState};
use crate::world::World;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kubeop_shared::admission::{self, Facts, Verdict};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

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
    large: Semaphore,
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
    let door = Door {
        listener,
        tls: TlsAcceptor::from(Arc::new(config_of_tls)),
        router: router(Serving {
            world,
            certificate,
            stages: stages.clone(),
            large: Semaphore::new(LARGE_AT_ONCE),
            metrics: Metrics::default(),
        }),
        stages,
        connections: TaskTracker::new(),
    };
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

/// Where connections come in.
struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    stages: Stages,
    connections: TaskTracker,
}

impl Door {
    /// Takes connections for ever.
    async fn open(&self) -> Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.take(stream),
                Err(error) => {
                    // Out of file descriptors, most likely: others must end first.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream) {
        let (tls, router) = (self.tls.clone(), self.router.clone());
        self.connections
            .spawn(serve(stream, tls, router, self.stages.clone()));
    }

    /// Takes those that wait at the door, which would be reset, and no more. What it returns can be waited for.
    fn close(self) -> TaskTracker {
        while let Some(Ok((stream, _))) = self.listener.accept().now_or_never() {
            self.take(stream);
        }
        self.connections.close();
        self.connections
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
        Ok(body) => answer(serving, &body.to_bytes(), path).await,
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

async fn answer(serving: &Serving, body: &Bytes, path: Path) -> Response {
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
