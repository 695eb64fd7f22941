//! Where connections come in, and where they stop to.

use crate::connection::{Patience, serve};
use crate::drain::Stages;
use axum::Router;
use futures::FutureExt;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

/// Where connections come in.
pub struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    stages: Stages,
    patience: Patience,
    places: Arc<Semaphore>,
    connections: TaskTracker,
}

impl Door {
    /// A door that nobody has come through. The router is cloned with each connection.
    pub fn new(
        listener: TcpListener,
        tls: ServerConfig,
        router: Router,
        stages: Stages,
        patience: Patience,
    ) -> Self {
        Self {
            listener,
            tls: TlsAcceptor::from(Arc::new(tls)),
            router,
            stages,
            places: Arc::new(Semaphore::new(patience.connections)),
            patience,
            connections: TaskTracker::new(),
        }
    }

    /// Takes connections for ever. While there is no place for another one, it waits outside.
    pub async fn open(&self) -> Infallible {
        loop {
            let place = self.places.clone().acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, _)) => self.take(stream, place.ok()),
                Err(error) => {
                    // Out of file descriptors, most likely: others must end first.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, place: Option<OwnedSemaphorePermit>) {
        let (tls, router) = (self.tls.clone(), self.router.clone());
        let served = serve(stream, tls, router, self.stages.clone(), self.patience.idle);
        self.connections.spawn(async move {
            served.await;
            drop(place);
        });
    }

    /// Takes those that wait at the door, which would be reset, and no more. What it returns can be waited for.
    pub fn close(self) -> TaskTracker {
        while let Some(Ok((stream, _))) = self.listener.accept().now_or_never() {
            self.take(stream, None);
        }
        self.connections.close();
        self.connections
    }
}
