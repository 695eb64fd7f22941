//! The Certificate of the user's own document, byte for byte, in the namespace that kubectl takes.

use crate::handshake::Server;
use crate::support::{Stage, certificate_at, said, text};
use kubeop_tests::seed;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_certificate_is_issued_and_waits_for_its_record() {
    let stage = Stage::shared().await;
    let commands = seed::commands();
    let apply = commands
        .iter()
        .find(|command| command.contains("kind: Certificate"))
        .unwrap();
    stage.cluster.paste(apply).await.unwrap().success().unwrap();
    // Whether the record is ready is asked of it, and of nobody else.
    let waits = stage
        .says(
            "default",
            "web-external",
            ["False", "Waiting"],
            "DNSRecord web-external is not ready: ",
        )
        .await;
    assert_eq!(said(&waits, "Reconciling")["status"], "True");
    assert_eq!(said(&waits, "Stalled")["status"], "False");

    // What is issued is issued all the same, and told.
    let secret = stage
        .until("secret/web-external-tls", |found| !found.is_null())
        .await;
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"]),
        (&json!("Certificate"), &json!("web-external"))
    );
    let waits = stage
        .until(&certificate_at("default", "web-external"), |found| {
            !found["status"]["notAfter"].is_null()
        })
        .await;
    let status = &waits["status"];
    assert_eq!(status["names"], json!(["web.prod.example.com"]));
    assert_eq!(status["issuer"], "CN=kubeOP issuer");
    let table = stage
        .done("get certificates.platform.kubeop.io web-external")
        .await;
    let until = status["notAfter"].as_str().unwrap();
    for words in ["web.prod.example.com", "False", "Waiting", until, "is not ready"] {
        assert!(table.contains(words), "{words}: {table}");
    }

    let server = Server::start(&secret).await;
    let trusted = text(&secret, "ca.crt");
    let met = server.greet("web.prod.example.com", &trusted).await.unwrap();
    assert_eq!(fingerprint(&met), status["fingerprint"].as_str().unwrap());
    let refused = server
        .greet("other.prod.example.com", &trusted)
        .await
        .unwrap_err();
    assert!(
        format!("{refused:#}").contains("not valid for name"),
        "{refused:#}"
    );
    let other = kubeop_certs::Authority::new(
        "kubeOP issuer",
        time::OffsetDateTime::now_utc(),
        time::Duration::DAY,
    );
    let refused = server
        .greet("web.prod.example.com", other.unwrap().certificate())
        .await
        .unwrap_err();
    assert!(
        format!("{refused:#}").contains("invalid peer certificate"),
        "{refused:#}"
    );
    openssl_verifies(&trusted, &text(&secret, "tls.crt"), server.address.port()).await;
}

/// openssl agrees, of the file and of the handshake.
async fn openssl_verifies(ca: &str, leaf: &str, port: u16) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("ca.crt", ca);
    write("tls.crt", leaf);
    let connect = format!("127.0.0.1:{port}");
    let ways = [
        &[
            "verify",
            "-CAfile",
            "ca.crt",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "web.prod.example.com",
            "tls.crt",
        ][..],
        &[
            "s_client",
            "-connect",
            &connect,
            "-CAfile",
            "ca.crt",
            "-servername",
            "web.prod.example.com",
            "-verify_hostname",
            "web.prod.example.com",
            "-verify_return_error",
        ],
    ];
    for args in ways {
        let openssl = tokio::process::Command::new("openssl")
            .args(args)
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match tokio::time::timeout(Duration::from_secs(20), openssl)
            .await
            .unwrap()
        {
            Ok(output) => output,
            Err(error) => return kubeop_tests::skip::record(&format!("openssl: {error}")),
        };
        let told =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }
}

fn fingerprint(der: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(der)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_missing_is_named_and_one_that_comes_is_heard_of() {
    let stage = Stage::shared().await;
    stage.namespace("waits").await;
    let certificate = |more: Value| crate::support::certificate("waits", "web", "waits.example.com", &more);
    stage
        .applied(&certificate(json!({"dnsRecordRef": "nobody"})))
        .await;
    stage
        .says(
            "waits",
            "web",
            ["False", "Waiting"],
            "there is no DNSRecord nobody in this namespace",
        )
        .await;
    let record = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "DNSRecord",
        "metadata": {"name": "nobody", "namespace": "waits"},
        "spec": {"host": "waits.example.com", "target": "192.0.2.1"}});
    stage.applied(&record).await;
    stage
        .says(
            "waits",
            "web",
            ["False", "Waiting"],
            "DNSRecord nobody is not ready: ",
        )
        .await;
    stage.applied(&certificate(json!({}))).await;
    stage.ready("waits", "web").await;
}
