//! What a client sends, read whole within limits of size, time and memory.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::connection::WHOLE;

/// Bodies above this size, in bytes, are read a few at a time.
const LARGE: usize = 256 * 1024;
/// How many of those at once.
const LARGE_AT_ONCE: usize = 4;

/// The bodies of one server.
#[derive(Debug)]
pub struct Bodies {
    /// The largest, in bytes.
    largest: usize,
    large: Semaphore,
}

/// Why a body is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than it may be.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// It did not come whole in time.
    #[error("{}", crate::connection::TOO_SLOW)]
    TooSlow,
    /// It ended before its end.
    #[error("the body was cut off: {0}")]
    CutOff(String),
}

/// A body, which holds its place among the large ones until it is dropped.
#[derive(Debug)]
pub struct Whole<'b> {
    bytes: Bytes,
    _place: Option<SemaphorePermit<'b>>,
}

impl std::ops::Deref for Whole<'_> {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

impl Bodies {
    /// Bodies of at most so many bytes.
    pub fn new(largest: usize) -> Self {
        Self {
            largest,
            large: Semaphore::new(LARGE_AT_ONCE),
        }
    }

    /// Reads one. What says that it is too large is refused before it is read.
    pub async fn read(&self, head: &HeaderMap, body: Body) -> Result<Whole<'_>, BodyError> {
        let announced = head
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.largest) {
            return Err(BodyError::TooLarge(self.largest));
        }
        let read = async {
            // A body of unknown length counts as a large one.
            let place = match announced {
                Some(length) if length <= LARGE => None,
                _ => self.large.acquire().await.ok(),
            };
            (Limited::new(body, self.largest).collect().await, place)
        };
        let (read, place) = timeout(WHOLE, read).await.map_err(|_| BodyError::TooSlow)?;
        match read {
            Ok(body) => Ok(Whole {
                bytes: body.to_bytes(),
                _place: place,
            }),
            Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(self.largest)),
            Err(error) => Err(BodyError::CutOff(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bodies, BodyError};
    use axum::body::{Body, Bytes};
    use axum::http::{HeaderMap, HeaderValue, header};
    use futures::stream;
    use std::convert::Infallible;

    fn announced(length: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static(length))])
    }

    fn never() -> Body {
        Body::from_stream(stream::pending::<Result<Bytes, Infallible>>())
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_by_what_it_says_and_by_what_it_is() {
        let bodies = Bodies::new(4);
        let error = bodies.read(&announced("5"), never()).await.unwrap_err();
        assert_eq!(error, BodyError::TooLarge(4));
        let unknown = HeaderMap::new();
        let error = bodies.read(&unknown, Body::from("12345")).await.unwrap_err();
        assert_eq!(error, BodyError::TooLarge(4));
        assert_eq!(
            bodies.read(&unknown, Body::from("1234")).await.unwrap()[..],
            *b"1234"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_given_up_and_so_is_its_place() {
        let bodies = Bodies::new(1 << 20);
        let unknown = HeaderMap::new();
        let slow = (0..5).map(|_| bodies.read(&unknown, never()));
        for read in futures::future::join_all(slow).await {
            assert_eq!(read.unwrap_err(), BodyError::TooSlow);
        }
        assert!(bodies.read(&unknown, Body::from("1")).await.is_ok());
    }
}
