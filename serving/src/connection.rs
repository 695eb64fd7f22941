//! One connection: how long its client may take, and how it ends.
//!
//! hyper has one limit for a head that does not arrive and for a client that keeps its connection without
//! asking. They must differ: the API server keeps connections for 90 s, and one that is closed just as it sends
//! its next review is a refused request.

use crate::drain::{self, Stage, Stages};
use axum::Router;
use axum::http::{HeaderValue, header};
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A whole request arrives within this time: handshake, head and body each.
pub const WHOLE: Duration = Duration::from_secs(10);
/// What stands in an answer to a client that is too slow.
pub const TOO_SLOW: &str = "no whole request within 10 s";
/// How long a client that still sends may take to read its answer.
const LINGER: Duration = Duration::from_secs(5);

/// What a server bears of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a connection is kept without a request, and how long an answer may take to be read.
    pub idle: Duration,
    /// How many connections there may be at once.
    pub connections: usize,
}

impl Patience {
    /// For the API server, which keeps its connections for 90 s and opens as many as it needs.
    pub const API_SERVER: Self = Self {
        idle: Duration::from_secs(120),
        connections: tokio::sync::Semaphore::MAX_PERMITS,
    };
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A head is awaited or on its way, since then.
    Head(Instant),
    /// A request is being answered, and its body read: that has a limit of its own.
    Request,
    /// Nothing is asked, since then.
    Idle(Instant),
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    stream: TcpStream,
    tls: TlsAcceptor,
    router: Router,
    stages: Stages,
    idle: Duration,
) {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(mut stream)) = timeout(WHOLE, tls.accept(stream)).await else {
        return;
    };
    // The API server may open a connection, use another one, and keep both.
    let (phase, phases) = watch::channel(Phase::Idle(Instant::now()));
    let router = TowerToHyperService::new(router);
    let (asked, stage) = (phase.clone(), stages.clone());
    let service = hyper::service::service_fn(move |request| {
        let _ = asked.send(Phase::Request);
        let (answer, answered, stage) = (router.call(request), asked.clone(), stage.clone());
        async move {
            let mut answer = answer.await;
            if let Ok(answer) = &mut answer
                && *stage.borrow() >= Stage::Draining
            {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            let _ = answered.send(Phase::Idle(Instant::now()));
            answer
        }
    });
    let io = Watched {
        stream: &mut stream,
        phase,
    };
    let slow = {
        let http = hyper::server::conn::http1::Builder::new();
        let mut served = pin!(http.serve_connection(TokioIo::new(io), service));
        tokio::select! {
            // What has been received is begun before anything is closed.
            biased;
            served = &mut served => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended");
                }
                false
            }
            ended = patience(phases, stages, idle) => {
                let slow = matches!(ended, Phase::Head(_));
                if !slow {
                    // Its last answer may not be written whole yet.
                    served.as_mut().graceful_shutdown();
                    let _ = timeout(LINGER, served).await;
                }
                slow
            }
        }
    };
    let _ = timeout(LINGER, part(stream, slow)).await;
}

/// Ends when the client has had its time, or asks nothing while the server closes; says what it was waited for.
async fn patience(mut phases: watch::Receiver<Phase>, mut stages: Stages, idle: Duration) -> Phase {
    loop {
        let phase = *phases.borrow_and_update();
        let changed = match phase {
            Phase::Head(since) => timeout_at(since + WHOLE, phases.changed()).await,
            Phase::Idle(since) => tokio::select! {
                biased;
                changed = timeout_at(since + idle, phases.changed()) => changed,
                () = drain::comes(&mut stages, Stage::Closing) => return phase,
            },
            Phase::Request => Ok(phases.changed().await),
        };
        match changed {
            Err(_) => return phase,
            Ok(Ok(())) => {}
            // The connection is served to its end, and says so itself.
            Ok(Err(_)) => std::future::pending().await,
        }
    }
}

/// Ends a connection so that the client can read its answer. A socket that is closed while bytes are unread
/// resets the connection, and the answer is lost (RFC 9112, 9.6).
async fn part(mut stream: TlsStream<TcpStream>, slow: bool) -> io::Result<()> {
    if slow {
        let head = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{TOO_SLOW}", TOO_SLOW.len());
        stream.write_all(answer.as_bytes()).await?;
    }
    stream.shutdown().await?;
    let (mut stream, _) = stream.into_inner();
    let mut unread = [0; 4096];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

/// A stream that tells when a head begins to arrive.
struct Watched<'s> {
    stream: &'s mut TlsStream<TcpStream>,
    phase: watch::Sender<Phase>,
}

impl AsyncRead for Watched<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *self.stream).poll_read(cx, buffer))?;
        self.phase.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Idle(_));
            if begins {
                *phase = Phase::Head(Instant::now());
            }
            begins
        });
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Patience::API_SERVER.idle;

    fn serving() -> (watch::Sender<Stage>, Stages) {
        watch::channel(Stage::Serving)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_nothing_is_kept_longer_than_one_that_does_not_finish() {
        let (_stage, stages) = serving();
        let start = Instant::now();
        let (_phase, phases) = watch::channel(Phase::Head(start));
        assert!(matches!(
            patience(phases, stages.clone(), IDLE).await,
            Phase::Head(_)
        ));
        assert_eq!(start.elapsed(), WHOLE);

        let start = Instant::now();
        let (_phase, phases) = watch::channel(Phase::Idle(start));
        assert!(matches!(patience(phases, stages, IDLE).await, Phase::Idle(_)));
        assert_eq!(start.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_begins_late_has_its_whole_time() {
        let (_stage, stages) = serving();
        let start = Instant::now();
        let (phase, phases) = watch::channel(Phase::Idle(start));
        let late = Duration::from_secs(60);
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            let _ = phase.send(Phase::Head(Instant::now()));
            tokio::time::sleep(Duration::from_secs(3600)).await;
        });
        patience(phases, stages, IDLE).await;
        assert_eq!(start.elapsed(), late + WHOLE);
    }

    #[tokio::test(start_paused = true)]
    async fn s14_what_is_asked_while_the_server_closes_is_finished_and_what_is_idle_is_closed() {
        let (stage, stages) = serving();
        let start = Instant::now();
        let (phase, phases) = watch::channel(Phase::Request);
        let second = Duration::from_secs(1);
        tokio::spawn(async move {
            tokio::time::sleep(second).await;
            let _ = stage.send(Stage::Closing);
            tokio::time::sleep(second * 3).await;
            let _ = phase.send(Phase::Idle(Instant::now()));
            tokio::time::sleep(IDLE).await;
        });
        assert!(matches!(patience(phases, stages, IDLE).await, Phase::Idle(_)));
        assert_eq!(start.elapsed(), second * 4);
    }
}
