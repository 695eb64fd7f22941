//! Clients that are slow, send too much, or vanish: they are told, and hold nothing.

use crate::support::Stage;
use kubeop_tests::https::{Answer, Connection};
use kubeop_tests::wait;
use std::time::{Duration, Instant};

async fn connect(stage: &Stage) -> Connection {
    Connection::open_trusting(&stage.url(), stage.ca.as_bytes())
        .await
        .unwrap()
}

fn head(length: &str) -> Vec<u8> {
    format!("POST /v1/apps HTTP/1.1\r\nhost: api\r\nauthorization: Bearer x\r\n{length}\r\n\r\n").into_bytes()
}

/// Sends half of something, waits for the answer and for the end of the connection.
async fn half(stage: &Stage, bytes: &[u8]) -> Answer {
    let mut connection = connect(stage).await;
    connection.send(bytes).await.unwrap();
    let answer = connection.answer().await.unwrap();
    connection.closed().await.unwrap();
    answer
}

#[tokio::test]
async fn a_client_that_never_finishes_is_told_and_cut_off_after_10_s() {
    let stage = Stage::shared().await;
    let announced = [&head("content-length: 100"), &b"apiVersion: "[..]].concat();
    let chunked = [&head("transfer-encoding: chunked"), &b"10\r\napiVer"[..]].concat();
    let start = Instant::now();
    let (in_head, in_body, in_chunk) = tokio::join!(
        half(stage, b"POST /v1/apps HTTP/1.1\r\nhost: a"),
        half(stage, &announced),
        half(stage, &chunked),
    );
    let took = start.elapsed();
    for answer in [in_head, in_body, in_chunk] {
        assert_eq!(answer.status, 408, "{}", answer.text());
        assert_eq!(answer.field("connection"), Some("close"));
        assert!(
            answer.text().contains("no whole request within 10 s"),
            "{}",
            answer.text()
        );
    }
    assert!((9..14).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn four_mebibytes_are_answered_with_413() {
    let stage = Stage::shared().await;
    let body = vec![b' '; 4 * 1024 * 1024];
    let announced = [&head(&format!("content-length: {}", body.len())), &body[..]].concat();
    let chunks: Vec<u8> = body
        .chunks(1024 * 1024)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
        .collect();
    let chunked = [&head("transfer-encoding: chunked"), &chunks[..], b"0\r\n\r\n"].concat();
    for request in [announced, chunked] {
        let answer = half(stage, &request).await;
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert_eq!(answer.field("connection"), Some("close"));
        assert!(answer.text().contains("3145728 bytes"), "{}", answer.text());
    }
}

#[tokio::test]
async fn who_has_no_token_is_answered_before_the_body_has_come() {
    let stage = Stage::shared().await;
    let mut connection = connect(stage).await;
    let head = b"POST /v1/apps HTTP/1.1\r\nhost: api\r\ncontent-length: 1000000\r\n\r\n";
    connection.send(head).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 401);
}

#[tokio::test]
async fn clients_that_vanish_leave_nothing_behind() {
    let stage = Stage::shared().await;
    let open = || {
        let folder = format!("/proc/{}/fd", stage.kubeop.controller_pid());
        std::fs::read_dir(folder).unwrap().count()
    };
    let before = open();
    for _ in 0..50 {
        let mut connection = connect(stage).await;
        connection.send(&head("content-length: 1000")).await.unwrap();
    }
    wait::until("the connections are gone", Duration::from_secs(30), || async {
        let now = open();
        // Others of these tests come and go.
        anyhow::ensure!(now < before + 25, "{now} files, {before} before");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    stage
        .with(None)
        .get("/version")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
}
