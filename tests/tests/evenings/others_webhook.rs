//! An admission webhook of another team.

use std::net::TcpListener;
use std::sync::Arc;

use axum::routing::post;
use axum::{Json, Router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use kubeop_certs::Authority;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

use crate::support::Evening;

/// It refuses every Pod, or nobody listens where it should be.
pub struct OthersWebhook {
    port: u16,
    ca: String,
}

impl OthersWebhook {
    /// One that refuses in these words.
    pub async fn start(why: &'static str) -> Self {
        let (now, life) = (OffsetDateTime::now_utc(), Duration::days(1));
        let authority = Authority::new("others", now, life).unwrap();
        let pair = authority.server(&["127.0.0.1".to_owned()], now, life).unwrap();
        let tls = TlsAcceptor::from(Arc::new(pair.server_config().unwrap()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let refuse = move |Json(review): Json<Value>| async move {
            let response =
                json!({"uid": review["request"]["uid"], "allowed": false, "status": {"message": why}});
            Json(
                json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}),
            )
        };
        let router = Router::new().route("/", post(refuse));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, router) = (tls.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else {
                        return;
                    };
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
                        .await;
                });
            }
        });
        Self {
            port,
            ca: authority.certificate().to_owned(),
        }
    }

    /// One that does not answer.
    pub fn silent() -> Self {
        let (now, life) = (OffsetDateTime::now_utc(), Duration::days(1));
        let authority = Authority::new("others", now, life).unwrap();
        Self {
            port: TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port(),
            ca: authority.certificate().to_owned(),
        }
    }

    /// Registers it for the Pods of a namespace.
    pub async fn register(&self, evening: &Evening<'_>) {
        let bundle = k8s_openapi::ByteString(self.ca.clone().into_bytes());
        let webhook = json!({
            "name": "others.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 2,
            "clientConfig": {"url": format!("https://127.0.0.1:{}/", self.port), "caBundle": bundle},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": evening.ns}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": evening.ns}, "webhooks": [webhook],
        });
        evening.apply(&configuration.to_string()).await.unwrap();
        // The API server learns of it in its own time.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }

    pub async fn unregister(&self, evening: &Evening<'_>) {
        let args = format!("delete validatingwebhookconfiguration {}", evening.ns);
        evening.kubectl(&args).await.unwrap();
    }
}
