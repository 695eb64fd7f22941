//! Bodies that are no review, or one that cannot be judged.

use crate::support::{ask, assert_lives_on, connect, head, post, response, review};
use serde_json::json;

#[tokio::test]
async fn what_is_no_review_is_answered_with_400_and_a_reason() {
    let whole = review("{}");
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty", b"", "empty"),
        ("blanks", b" \r\n\t", "empty"),
        (
            "not JSON",
            b"apiVersion: admission.k8s.io/v1",
            "no AdmissionReview",
        ),
        ("another form", b"[1]", "no AdmissionReview"),
        (
            "no request",
            br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
            "no request",
        ),
        (
            "wrong version",
            br#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":null}"#,
            "admission.k8s.io/v1beta1",
        ),
        ("truncated", &whole[..whole.len() - 3], "no AdmissionReview"),
        (
            "more than one",
            &[&whole[..], b"{}"].concat(),
            "no AdmissionReview",
        ),
        (
            "invalid UTF-8",
            &[&whole[..whole.len() - 3], b"\xff\"}}"].concat(),
            "not UTF-8",
        ),
    ];
    for (what, body, reason) in cases {
        let answer = ask(&post(body)).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert!(answer.text().contains(reason), "{what}: {}", answer.text());
    }
    assert_lives_on().await;
}

#[tokio::test]
async fn a_bad_request_does_not_end_its_connection() {
    let mut connection = connect().await;
    connection.send(&post(b"nonsense")).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 400);
    connection.send(&post(&review("{}"))).await.unwrap();
    assert_eq!(response(&connection.answer().await.unwrap())["allowed"], true);
}

#[tokio::test]
async fn a_hundred_thousand_levels_are_refused_with_the_uid() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let inside = if open == "[" { "" } else { "1" };
        let nested = [&open.repeat(100_000), inside, &close.repeat(100_000)].concat();
        let refused = response(&ask(&post(&review(&nested))).await);
        assert_eq!(refused["uid"], "u1");
        assert_eq!(refused["allowed"], false);
        assert_eq!(refused["status"]["code"], json!(400));
        let message = refused["status"]["message"].as_str().unwrap();
        assert!(message.contains("[TooDeep] object: "), "{message}");
    }
    assert_lives_on().await;
}

/// The client sends all before it reads, so it meets a reset if the server closes on what it has not read.
#[tokio::test]
async fn nine_mebibytes_are_answered_with_413() {
    let body = vec![b' '; 9 * 1024 * 1024];
    let announced = ask(&post(&body)).await;
    let chunks: Vec<u8> = body
        .chunks(1024 * 1024)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
        .collect();
    let chunked = ask(&[&head("transfer-encoding: chunked"), &chunks[..], b"0\r\n\r\n"].concat()).await;
    for answer in [announced, chunked] {
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert_eq!(answer.field("connection"), Some("close"));
        assert!(answer.text().contains("8388608 bytes"), "{}", answer.text());
    }
    assert_lives_on().await;
}

/// A client that asks before it sends is told at once.
#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_the_body_is_sent() {
    let answer = ask(&head("content-length: 9437184\r\nexpect: 100-continue")).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn what_is_below_the_limit_is_read_whole() {
    let long = format!(
        r#"{{"metadata":{{"name":"p","annotations":{{"a":"{}"}}}}}}"#,
        "x".repeat(7 * 1024 * 1024)
    );
    assert_eq!(response(&ask(&post(&review(&long))).await)["allowed"], true);
}
