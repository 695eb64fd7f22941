//! Provider `observe`: nothing is written, and what is said is what resolvers answer.

use anyhow::ensure;
use kubeop_tests::generated::repository;
use kubeop_tests::wait;
use serde_json::{Value, json};

use crate::knot::knot;
use crate::server::{Server, missing};
use crate::support::{RECORDS, SOON, Stage, cluster, condition, install, record, status_writes};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_record_is_what_resolvers_answer() {
    if let Some(why) = missing() {
        kubeop_tests::skip!("{why}");
    }
    let mut server = knot().await;
    let cluster = cluster().await;
    let args = vec![format!(
        "--dns-resolvers=127.0.0.1:{0},127.0.0.2:{0}",
        server.port
    )];
    let kubeop = install(&cluster, args).await;
    let stage = Stage { kubeop: &kubeop };
    stage.project("web", &["prod.example.com"]).await;
    tokio::join!(
        the_seeds_record(&stage, &server),
        s46_names_in_every_form(&stage, &server),
        an_app_waits_for_its_record(&stage, &server),
        a_project_has_its_hosts_only(&stage),
    );
    stage.costs_no_call().await;
    silence_changes_nothing(&stage, &mut server).await;
}

/// Byte for byte, with plain `kubectl apply -f`.
async fn the_seeds_record(stage: &Stage<'_>, server: &Server) {
    let file = repository().join("tests/samples/dns-tls.yaml");
    stage
        .kubectl(&format!("apply -n kubeop-web -f {}", file.display()))
        .await;
    let key = "kubeop-web/web-external";
    let words = "web.prod.example.com does not resolve at 127.0.0.1:";
    let before = stage.says(key, "False", "NotResolved", words).await;
    assert_eq!(condition(&before, "Reconciling")["status"], "True");
    let table = stage.kubectl(&format!("get {RECORDS} -n kubeop-web")).await;
    assert!(table.contains("NotResolved"), "{table}");

    // The document's Certificate waits for it, and names it with its own words.
    let certificates = "certificates.platform.kubeop.io";
    let waits = wait::until("the Certificate waits", SOON, || async {
        let certificate = stage
            .get(&format!("{certificates}/web-external -n kubeop-web"))
            .await?;
        let message = condition(&certificate, "Ready")["message"].to_string();
        ensure!(
            message.contains("DNSRecord web-external is not ready"),
            "{certificate:#}"
        );
        ensure!(message.contains(words), "{certificate:#}");
        anyhow::Ok(certificate)
    });
    assert_eq!(condition(&waits.await.unwrap(), "Ready")["reason"], "Waiting");

    let line = "add web.prod.example.com. 60 CNAME web.kubeop-web.svc.cluster.local.";
    server.people(&[line]).unwrap();
    let after = stage.is_ready(key).await;
    assert_eq!(
        after["status"]["answers"],
        answers(server, &["CNAME web.kubeop-web.svc.cluster.local"])
    );
    let table = stage.kubectl(&format!("get {RECORDS} -n kubeop-web")).await;
    assert!(table.contains("Succeeded"), "{table}");
    stage
        .kubectl(&format!(
            "wait {certificates}/web-external -n kubeop-web --for=condition=Ready --timeout=30s"
        ))
        .await;
    let table = stage
        .kubectl(&format!("get {certificates} web-external -n kubeop-web"))
        .await;
    assert!(table.contains("Succeeded"), "{table}");
}

/// What both addresses of the server answer.
fn answers(server: &Server, records: &[&str]) -> Value {
    let of = |address: &str| json!({"resolver": format!("{address}:{}", server.port), "records": records});
    json!([of("127.0.0.1"), of("127.0.0.2")])
}

async fn s46_names_in_every_form(stage: &Stage<'_>, server: &Server) {
    server
        .people(&[
            "add Mixed.prod.example.com. 60 CNAME LB.Example.Net.",
            "add *.wild.prod.example.com. 60 A 192.0.2.5",
            "add six.prod.example.com. 60 AAAA 2001:db8:0:0::6",
            "add named.prod.example.com. 60 AAAA 2001:db8::7",
        ])
        .unwrap();
    for (name, host, target) in [
        ("mixed", "MIXED.Prod.Example.com.", "lb.example.NET."),
        ("wild", "*.wild.prod.example.com", "192.0.2.5"),
        ("six", "six.prod.example.com", "2001:DB8::6"),
    ] {
        let key = format!("kubeop-web/{name}");
        stage.apply(&record(&key, host, target)).await;
        stage.is_ready(&key).await;
    }
    // A name that answers an address of its own is not what was asked for.
    let key = "kubeop-web/named";
    stage
        .apply(&record(key, "named.prod.example.com", "lb.example.net"))
        .await;
    let words = "is AAAA 2001:db8::7 at 127.0.0.1:";
    let named = stage.says(key, "False", "AnswerDiffers", words).await;
    assert_eq!(named["status"]["answers"], answers(server, &["AAAA 2001:db8::7"]));
    // The schema refuses what DNS does not know.
    let long = format!("{}.prod.example.com", "a".repeat(64));
    let mut timeless = record("kubeop-web/timeless", "timeless.prod.example.com", "192.0.2.1");
    timeless["spec"]["ttl"] = json!(0);
    for (bad, words) in [
        (record("kubeop-web/long", &long, "192.0.2.1"), "at most 63"),
        (timeless, "greater than or equal to 1"),
    ] {
        let refused = stage.cluster().apply(&bad.to_string()).await.unwrap_err();
        assert!(format!("{refused:#}").contains(words), "{refused:#}");
    }
    // Only a dot apart: the schema lets it pass.
    let key = "kubeop-web/itself";
    let itself = record(key, "itself.prod.example.com.", "itself.prod.example.com");
    stage.apply(&itself).await;
    stage.says(key, "False", "Invalid", "the host itself").await;
}

async fn an_app_waits_for_its_record(stage: &Stage<'_>, server: &Server) {
    let app = json!({"apiVersion": "platform.kubeop.io/v1alpha1", "kind": "App",
        "metadata": {"name": "shop", "namespace": "kubeop-web"},
        "spec": {"projectRef": "web", "delivery": {"kind": "Image", "image": {
            "ref": "ghcr.io/acme/shop:1", "ports": [{"name": "http", "containerPort": 8080}],
            "ingress": {"host": "shop.prod.example.com", "dns": {"target": "192.0.2.7"}}}}}});
    stage.apply(&app).await;
    let table = "get apps.platform.kubeop.io shop -n kubeop-web";
    wait::until("the App names the missing link", SOON, || async {
        let said = stage.kubectl(table).await;
        let link = said.contains("DNSRecord shop: shop.prod.example.com does not resolve at");
        ensure!(link && said.contains("False"), "{said}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    server
        .people(&["add shop.prod.example.com. 60 A 192.0.2.7"])
        .unwrap();
    wait::until("the App is Ready", SOON, || async {
        let app = stage.get("apps.platform.kubeop.io/shop -n kubeop-web").await?;
        let ready = condition(&app, "Ready");
        ensure!(ready["status"] == "True", "{ready}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

async fn a_project_has_its_hosts_only(stage: &Stage<'_>) {
    let key = "kubeop-web/elsewhere";
    stage
        .apply(&record(key, "elsewhere.example.com", "192.0.2.1"))
        .await;
    let words = "elsewhere.example.com is not under a host of project web (prod.example.com)";
    let refused = stage.says(key, "False", "HostNotAllowed", words).await;
    assert_eq!(condition(&refused, "Stalled")["status"], "True");
    // What lies outside of projects is the administrator's own.
    let key = "default/elsewhere";
    stage
        .apply(&record(key, "elsewhere2.example.com", "192.0.2.1"))
        .await;
    wait::until("it is looked at", SOON, || async {
        let record = stage.record(key).await?;
        let reason = condition(&record, "Ready")["reason"].clone();
        ensure!(reason.is_string() && reason != "HostNotAllowed", "{record:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

/// What was seen last is held to be true, also by a controller that has just started.
async fn silence_changes_nothing(stage: &Stage<'_>, server: &mut Server) {
    let key = "kubeop-web/six";
    let before = stage.is_ready(key).await;
    let log = stage.log();
    server.stop();
    stage.kubeop.restart_controller().await.unwrap();
    wait::until("the resolvers are said to be silent", SOON, || async {
        let record = stage.record(key).await?;
        let error = &record["status"]["answers"][0]["error"];
        ensure!(error.is_string(), "{}", record["status"]);
        ensure!(
            record["status"]["conditions"] == before["status"]["conditions"],
            "{}",
            record["status"]
        );
        anyhow::Ok(())
    })
    .await
    .unwrap();
    server.go_on().await.unwrap();
    wait::until("they answer again", SOON, || async {
        let record = stage.record(key).await?;
        ensure!(record["status"] == before["status"], "{}", record["status"]);
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert_eq!(
        status_writes(&log, "six"),
        2,
        "one for the silence, one for its end"
    );
}
