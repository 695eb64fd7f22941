//! Waiting for something to become true, with a deadline.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks every 50 ms until the answer is `Ok`; past the deadline, an error with the last answer.
pub async fn until<T, E, F>(what: &str, deadline: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let start = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(last) if start.elapsed() > deadline => {
                bail!("{what}: not within {deadline:?}; last: {last:#}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
