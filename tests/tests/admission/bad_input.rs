//! What the webhook answers to what is no review, and that it lives on.

use crate::support::{NAMESPACE, Web, pod};
use kubeop_tests::page;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than the webhook waits for a whole request.
const AFTER_THE_DEADLINE: Duration = Duration::from_secs(15);

fn address(web: &Web) -> String {
    web.kubeop.webhook_url().replace("https://", "")
}

async fn connect(web: &Web) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(web.kubeop.webhook_ca()).unwrap();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address(web)).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

/// The status of the answer, and its body; status 0 if the connection was closed without one.
async fn answer(mut stream: TlsStream<TcpStream>) -> (u16, String) {
    let mut bytes = Vec::new();
    // A close without notice is a close.
    let _ = timeout(AFTER_THE_DEADLINE, stream.read_to_end(&mut bytes))
        .await
        .expect("the webhook closes");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    let body = text
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body)
        .to_owned();
    (status, body)
}

async fn post(web: &Web, body: &[u8]) -> (u16, String) {
    let mut stream = connect(web).await;
    let head = format!(
        "POST /validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    answer(stream).await
}

fn review(object: &str) -> String {
    let request = json!({"uid": "the-uid", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "operation": "CREATE", "name": "x", "namespace": NAMESPACE, "object": "OBJECT"});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
        .to_string()
        .replace("\"OBJECT\"", object)
}

#[tokio::test]
async fn what_is_no_review_is_answered_and_the_webhook_lives_on() {
    let web = Web::shared().await;
    let good = review(&pod("x", "ghcr.io/acme/x").to_string());
    let no_request = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#;
    let old_version = good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let mut not_utf8 = good.clone().into_bytes();
    let place = good.find("the-uid").unwrap();
    not_utf8[place] = 0xff;
    for (what, body, status, words) in [
        ("empty", &b""[..], 400, "empty"),
        ("not JSON", b"hello", 400, "no AdmissionReview"),
        ("no request", no_request, 400, "no request"),
        ("wrong version", old_version.as_bytes(), 400, "v1beta1"),
        (
            "truncated",
            &good.as_bytes()[..good.len() / 2],
            400,
            "no AdmissionReview",
        ),
        ("invalid UTF-8", &not_utf8, 400, "UTF-8"),
        ("9 MiB", &vec![b' '; 9 << 20], 413, "larger than"),
    ] {
        let (got, text) = post(&web, body).await;
        assert_eq!(got, status, "{what}: {text}");
        assert!(text.contains(words), "{what}: {text}");
    }

    let deep = review(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    let (status, text) = post(&web, deep.as_bytes()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &answer["response"]["uid"]), (200, &json!("the-uid")));
    assert_eq!(answer["response"]["allowed"], false);
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains("[TooDeep]"), "{message}");

    let (status, text) = post(&web, good.as_bytes()).await;
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains("\"allowed\":true") && text.contains("the-uid"),
        "{text}"
    );
}

#[tokio::test]
async fn a_chunked_body_is_cut_off_at_the_same_size() {
    let web = Web::shared().await;
    let mut stream = connect(&web).await;
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..9 {
        stream.write_all(b"100000\r\n").await.unwrap();
        stream.write_all(&vec![b' '; 1 << 20]).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(answer(stream).await.0, 413);
}

#[tokio::test]
async fn a_client_that_never_finishes_is_let_go() {
    let web = Web::shared().await;
    let body = async {
        let mut stream = connect(&web).await;
        let head = "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(answer(stream).await.0, 408, "a body that does not end");
    };
    let head = async {
        let mut stream = connect(&web).await;
        stream
            .write_all(b"POST /validate HTTP/1.1\r\nHost:")
            .await
            .unwrap();
        // There is no request yet that could be answered: a close is enough.
        let (status, _) = answer(stream).await;
        assert!(matches!(status, 0 | 408), "a head that does not end: {status}");
    };
    let handshake = async {
        let mut stream = TcpStream::connect(address(&web)).await.unwrap();
        let mut bytes = Vec::new();
        let read = timeout(AFTER_THE_DEADLINE, stream.read_to_end(&mut bytes)).await;
        assert!(
            read.is_ok() && bytes.is_empty(),
            "a handshake that does not begin"
        );
    };
    tokio::join!(body, head, handshake);
    let ready = format!("{}/readyz", web.kubeop.webhook_url());
    page::get(&ready, Some(&web.kubeop.webhook_ca())).await.unwrap();
}
