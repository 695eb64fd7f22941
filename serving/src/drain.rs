//! The way out: no request that was sent here is refused because the server ends.
//!
//! The API server keeps connections, and sends new reviews for a while after the Pod has left the Service. So the
//! server first stays open and asks each client to come back no more (`Connection: close`); then it closes what stands
//! idle, finishes what is under way, and ends.

use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long requests under way may take once the server takes no new ones: longer than the API server waits.
pub const UNDER_WAY: Duration = Duration::from_secs(10);

/// How far the server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It serves.
    Serving,
    /// It serves, is not ready, and every answer closes its connection.
    Draining,
    /// It takes nothing new.
    Closing,
}

/// Where the server stands on its way out; shared by all connections.
pub type Stages = watch::Receiver<Stage>;

/// Ends when this stage has come.
pub async fn comes(stages: &mut Stages, wanted: Stage) {
    if stages.wait_for(|stage| *stage >= wanted).await.is_err() {
        // Who could tell is gone, and so will this connection be.
        std::future::pending::<()>().await;
    }
}

/// SIGTERM or Ctrl-C, each time it comes.
#[derive(Debug)]
pub struct Asked {
    terminate: Signal,
    interrupt: Signal,
}

impl Asked {
    /// From now on these signals do not end the program by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Ends when the program is asked to end.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
