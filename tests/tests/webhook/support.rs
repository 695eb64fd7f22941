//! Requests, whole and broken, and the proof that the server lives on.

use kubeop_tests::https::{Answer, Connection};
use kubeop_tests::{Cluster, KubeOp, Options};
use serde_json::{Value, json};
use std::ops::Deref;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// The head of a POST with this field for its body's length.
pub fn head(length: &str) -> Vec<u8> {
    format!("POST /validate HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\n{length}\r\n\r\n")
        .into_bytes()
}

/// A POST of this body.
pub fn post(body: &[u8]) -> Vec<u8> {
    [&head(&format!("content-length: {}", body.len())), body].concat()
}

/// A review of a Pod, whose `object` is this text.
pub fn review(object: &str) -> Vec<u8> {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u1","kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","name":"p","namespace":"default","object":{object}}}}}"#
    )
    .into_bytes()
}

/// A new connection to the webhook.
pub async fn connect() -> Connection {
    let kubeop = KubeOp::shared().await;
    Connection::open(&kubeop.webhook_url(), &kubeop.webhook_ca())
        .await
        .unwrap()
}

/// Sends a whole request on a connection of its own. All is sent before anything is read.
pub async fn ask(request: &[u8]) -> Answer {
    let mut connection = connect().await;
    connection.send(request).await.unwrap();
    connection.answer().await.unwrap()
}

/// What the answer says as a review.
pub fn response(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(review["kind"], "AdmissionReview");
    review["response"].clone()
}

/// A good review is answered, the server is ready, and it is still the same process.
pub async fn assert_lives_on() {
    let good = ask(&post(&review(r#"{"metadata":{"name":"p"}}"#))).await;
    assert_eq!(response(&good), json!({"uid": "u1", "allowed": true}));
    let ready = ask(b"GET /readyz HTTP/1.1\r\nhost: webhook\r\n\r\n").await;
    assert_eq!((ready.status, ready.text()), (200, "ok".to_owned()));
    let ended = KubeOp::shared().await.cluster().ended("kubeop-webhook").await;
    assert_eq!(ended.unwrap(), None);
    let log = std::fs::read_to_string(KubeOp::shared().await.webhook_log()).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

/// A cluster on which no other test runs at the same time: there is one pair of registrations.
pub struct Alone(
    &'static Cluster,
    #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>,
);

impl Deref for Alone {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0
    }
}

/// Waits until no other test runs on the cluster.
pub async fn alone() -> Alone {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    static IN_USE: Mutex<()> = Mutex::const_new(());
    let guard = IN_USE.lock().await;
    let start = || async { Cluster::start(Options::default()).await.unwrap() };
    Alone(CLUSTER.get_or_init(start).await, guard)
}
