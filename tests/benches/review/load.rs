//! Load on a server: a few connections that are kept alive, each asking as fast as it is answered.

use crate::reviews::Review;
use crate::server::Server;
use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kubeop_tests::https::Connection;
use std::time::Instant;

/// Requests in a round.
pub const REQUESTS: usize = 20_000;
/// Requests before anything is measured.
const WARM_UP: usize = 2_000;
const CONNECTIONS: usize = 8;

/// What a request has cost on average.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU time of the server, in microseconds.
    pub cpu_us: f64,
    /// Requests that were answered in a second.
    pub per_second: f64,
}

/// Connections to one server, all asking for the same review.
pub struct Load<'a> {
    server: &'a Server,
    review: &'a Review,
    connections: Vec<Connection>,
}

impl<'a> Load<'a> {
    /// Connects.
    pub async fn new(server: &'a Server, review: &'a Review) -> Result<Self> {
        let connect = || Connection::open(&server.url, &server.ca_file);
        Ok(Load {
            server,
            review,
            connections: try_join_all(std::iter::repeat_with(connect).take(CONNECTIONS)).await?,
        })
    }

    /// Asks without measuring, and looks at an answer.
    pub async fn warm_up(mut self) -> Result<()> {
        let [connection, ..] = self.connections.as_mut_slice() else {
            return Ok(());
        };
        connection.send(&self.review.request).await?;
        let text = connection.answer().await?.text();
        ensure!(text.contains(r#""allowed":true"#), "{}: {text}", self.review.name);
        self.ask(WARM_UP).await
    }

    /// One round.
    pub async fn run(mut self) -> Result<Cost> {
        let (start, before) = (Instant::now(), self.server.cpu_us()?);
        self.ask(REQUESTS).await?;
        let (took, after) = (start.elapsed(), self.server.cpu_us()?);
        let requests = f64::from(u32::try_from(REQUESTS)?);
        Ok(Cost {
            cpu_us: (after - before) / requests,
            per_second: requests / took.as_secs_f64(),
        })
    }

    async fn ask(&mut self, requests: usize) -> Result<()> {
        let request = &self.review.request;
        let each = self.connections.iter_mut().map(async |connection| {
            for _ in 0..requests / CONNECTIONS {
                connection.send(request).await?;
                let status = connection.answer().await?.status;
                ensure!(status == 200, "answered with {status}");
            }
            Ok(())
        });
        try_join_all(each).await.map(drop)
    }
}
