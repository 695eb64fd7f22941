//! Certificates and Secrets that are not the webhook's own: used or left alone, and never written.

use crate::support::alone;
use kubeop_certs::Authority;
use kubeop_tests::https::Connection;
use kubeop_tests::replicas::Replicas;
use kubeop_tests::wait;
use std::time::Duration;
use time::OffsetDateTime;

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn s15_a_secret_that_somebody_else_wrote_is_named_and_left_alone() {
    let cluster = alone().await;
    let replicas = Replicas::install(&cluster, &["--drain=0s", "--leaf-life=40s"])
        .await
        .unwrap();
    let make = "create secret generic kubeop-webhook-ca -n kubeop-system --from-literal=ca.crt=mine";
    replicas.kubectl(make).await.unwrap();
    let theirs = replicas.secret().await.unwrap();
    let replica = replicas.begin("foreign-a").await.unwrap();
    let log = cluster.log_of("foreign-a");
    wait::until("the log names it", DEADLINE, || async {
        let log = std::fs::read_to_string(&log)?;
        let told = "kubectl delete secret -n kubeop-system kubeop-webhook-ca";
        anyhow::ensure!(log.contains(told) && log.contains("Opaque"), "{log}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert_eq!(replicas.secret().await.unwrap(), theirs);
    assert!(replicas.bundles().await.unwrap().iter().all(String::is_empty));
    // What the log tells people to do works.
    let told = "delete secret -n kubeop-system kubeop-webhook-ca";
    replicas.kubectl(told).await.unwrap();
    replicas.ready(&replica).await.unwrap();
    replicas.kill_all().await.unwrap();
}

#[tokio::test]
async fn s15_a_supplied_certificate_is_served_and_nothing_is_written() {
    let cluster = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let now = OffsetDateTime::now_utc();
    let ca = Authority::new("theirs", now, time::Duration::DAY).unwrap();
    let supply = || {
        let pair = ca
            .server(&["127.0.0.1".to_owned()], now, time::Duration::HOUR)
            .unwrap();
        std::fs::write(folder.path().join("tls.key"), &pair.key).unwrap();
        std::fs::write(folder.path().join("tls.crt"), &pair.certificate).unwrap();
    };
    supply();
    let argument = format!("--tls-dir={}", folder.path().display());
    let replicas = Replicas::install(&cluster, &[&argument, "--drain=0s"])
        .await
        .unwrap();
    let log = cluster.audit_log().unwrap().from_now().unwrap();
    let replica = replicas.begin("supplied-a").await.unwrap();
    let met = || async {
        let mut connection = Connection::open_trusting(&replica.url(), ca.certificate().as_bytes()).await?;
        connection
            .send(b"GET /readyz HTTP/1.1\r\nhost: webhook\r\n\r\n")
            .await?;
        let answer = connection.answer().await?;
        anyhow::ensure!(answer.status == 200, "{}", answer.text());
        anyhow::Ok(connection.certificate())
    };
    let first = wait::until("ready", DEADLINE, met).await.unwrap();
    supply();
    wait::until("the files are read again", DEADLINE, || async {
        let second = met().await?;
        anyhow::ensure!(second != first, "the same");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert!(replicas.bundles().await.unwrap().iter().all(String::is_empty));
    assert!(log.kubeop_writes().unwrap().is_empty());
    replicas.secret().await.unwrap_err();
    replicas.kill_all().await.unwrap();
}
