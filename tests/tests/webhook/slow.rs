//! Clients that never finish sending: 10 s, then an answer and a close.

use crate::support::{assert_lives_on, connect, head, post, response, review};
use kubeop_tests::KubeOp;
use kubeop_tests::https::Answer;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Sends half of something, waits for the answer and for the end of the connection.
async fn half(bytes: &[u8]) -> Answer {
    let mut connection = connect().await;
    connection.send(bytes).await.unwrap();
    let answer = connection.answer().await.unwrap();
    connection.closed().await.unwrap();
    answer
}

/// Connects and never says a word of TLS: there is nobody yet to answer to, so it is closed.
async fn without_handshake() {
    let url = KubeOp::shared().await.webhook_url();
    let address = url.strip_prefix("https://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_never_finishes_is_told_and_cut_off_after_10_s() {
    drop(connect().await);
    let whole = review("{}");
    let cut = whole.len() / 2;
    let announced = [&head(&format!("content-length: {}", whole.len())), &whole[..cut]].concat();
    let chunked = [&head("transfer-encoding: chunked"), &b"10\r\n{\"apiVer"[..]].concat();
    let start = Instant::now();
    let (in_head, in_body, in_chunk, ()) = tokio::join!(
        half(b"POST /validate HTTP/1.1\r\nhost: web"),
        half(&announced),
        half(&chunked),
        without_handshake(),
    );
    let took = start.elapsed();
    for answer in [in_head, in_body, in_chunk] {
        assert_eq!(answer.status, 408, "{}", answer.text());
        assert_eq!(answer.field("connection"), Some("close"));
        assert_eq!(answer.text(), "no whole request within 10 s");
    }
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(14)).contains(&took),
        "{took:?}"
    );
    assert_lives_on().await;
}

/// The API server keeps its connections: one that is closed just as it asks again is a refused request.
#[tokio::test]
async fn a_connection_is_kept_while_nothing_is_asked() {
    let mut connection = connect().await;
    for _ in 0..2 {
        connection.send(&post(&review("{}"))).await.unwrap();
        assert_eq!(response(&connection.answer().await.unwrap())["allowed"], true);
        tokio::time::sleep(Duration::from_secs(12)).await;
    }
    connection.send(&post(&review("{}"))).await.unwrap();
    assert_eq!(response(&connection.answer().await.unwrap())["allowed"], true);
    // A head that does not end has its 10 s again.
    let start = Instant::now();
    connection.send(b"POST /validate HTTP/1.1\r\n").await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 408);
    assert!(
        (9..14).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}
