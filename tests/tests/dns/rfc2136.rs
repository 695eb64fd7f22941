//! Provider `rfc2136`: what the server answers is what the record says, and nothing of others is touched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use kubeop_tests::generated::repository;
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::{Cluster, Identity, wait};
use serde_json::json;

use crate::bind::bind;
use crate::knot::knot;
use crate::server::{PEOPLE, SECRET, Server, ZONE, missing};
use crate::support::{AT_ONCE, RECORDS, SOON, Stage, cluster, condition, install, record, status_writes};

fn args(server: &Server) -> Vec<String> {
    vec![
        "--dns-provider=rfc2136".to_owned(),
        format!("--dns-server={}", server.address()),
        format!("--dns-zones={ZONE}"),
        format!("--dns-resolvers={}", server.address()),
    ]
}

async fn key(cluster: &Cluster, secret: &str) {
    let key = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kubeop-dns-tsig", "namespace": "kubeop-system"},
        "stringData": {"name": "kubeop.", "algorithm": "hmac-sha256", "secret": secret}});
    cluster.apply(&key.to_string()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_says_what_the_records_say() {
    if let Some(why) = missing() {
        kubeop_tests::skip!("{why}");
    }
    let mut server = knot().await;
    let cluster = cluster().await;
    let mut kubeop = install(&cluster, args(&server)).await;
    {
        let stage = Stage { kubeop: &kubeop };
        stage.project("web", &[ZONE]).await;
        stage.project("open", &[]).await;
        without_a_key(&stage).await;
        tokio::join!(
            the_seeds_record(&stage, &server),
            types_change_without_a_gap(&stage, &server),
            the_oldest_owns_a_host(&stage, &server),
            a_foreign_record_is_not_touched(&stage, &server),
            only_where_it_may(&stage),
            a_renamed_host_leaves_nothing(&stage, &server),
        );
        a_wrong_key(&stage, &server).await;
        stage.costs_no_call().await;
        a_server_that_is_down(&stage, &mut server).await;
        stage
            .nothing_tells(&[SECRET, PEOPLE, "kubeOP tests use this secret key"])
            .await;
    }
    let other = bind().await;
    kubeop.restart_controller_with(args(&other)).await.unwrap();
    bind_takes_the_same_updates(&Stage { kubeop: &kubeop }, &other).await;
    released_records_stay(&kubeop, &other).await;
}

async fn without_a_key(stage: &Stage<'_>) {
    let name = "kubeop-web/first";
    stage
        .apply(&record(name, "first.prod.example.com", "192.0.2.1"))
        .await;
    stage
        .says(
            name,
            "False",
            "KeyUnusable",
            "Secret kubeop-system/kubeop-dns-tsig does not exist",
        )
        .await;
    key(stage.cluster(), SECRET).await;
    stage.is_ready(name).await;
}

async fn the_seeds_record(stage: &Stage<'_>, server: &Server) {
    let file = repository().join("tests/samples/dns-tls.yaml");
    stage
        .kubectl(&format!("apply -n kubeop-web -f {}", file.display()))
        .await;
    let (host, name) = ("web.prod.example.com", "kubeop-web/web-external");
    server
        .answers(AT_ONCE, host, "CNAME", "web.kubeop-web.svc.cluster.local.")
        .await;
    stage.is_ready(name).await;
    let target = json!({"spec": {"target": "192.0.2.10", "ttl": 60}}).to_string();
    let patch = [
        "patch",
        RECORDS,
        "web-external",
        "-n",
        "kubeop-web",
        "--type=merge",
        "-p",
        &target,
    ];
    stage.cluster().kubectl(patch).await.unwrap().success().unwrap();
    server.answers(AT_ONCE, host, "A", "192.0.2.10").await;
    stage.is_ready(name).await;
    stage
        .kubectl(&format!(
            "delete {RECORDS}/web-external -n kubeop-web --timeout=20s"
        ))
        .await;
    for kind in ["A", "CNAME"] {
        assert_eq!(server.dig(host, kind).unwrap(), "");
    }
    assert_eq!(server.dig("_kubeop.web.prod.example.com", "TXT").unwrap(), "");
}

/// At each moment the name is there, and is one thing only.
async fn types_change_without_a_gap(stage: &Stage<'_>, server: &Server) {
    let (host, name) = ("types.prod.example.com", "kubeop-web/types");
    stage.apply(&record(name, host, "192.0.2.20")).await;
    server.answers(AT_ONCE, host, "A", "192.0.2.20").await;
    let ended = AtomicBool::new(false);
    let watching = async {
        let mut answers = 0;
        while !ended.load(Ordering::Relaxed) {
            let said = server.dig(host, "ANY").unwrap();
            assert_eq!(said.lines().count(), 1, "{said:?}");
            answers += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(answers > 10, "{answers}");
    };
    let changing = async {
        for (target, kind, wanted) in [
            ("lb.example.net", "CNAME", "lb.example.net."),
            ("2001:db8::20", "AAAA", "2001:db8::20"),
            ("192.0.2.21", "A", "192.0.2.21"),
        ] {
            stage.apply(&record(name, host, target)).await;
            server.answers(AT_ONCE, host, kind, wanted).await;
            assert_eq!(server.dig(host, "ANY").unwrap(), wanted);
        }
        ended.store(true, Ordering::Relaxed);
    };
    tokio::join!(watching, changing);
    stage.is_ready(name).await;
}

async fn the_oldest_owns_a_host(stage: &Stage<'_>, server: &Server) {
    let host = "owned.prod.example.com";
    stage.apply(&record("kubeop-web/older", host, "192.0.2.30")).await;
    stage.is_ready("kubeop-web/older").await;
    // Of one second the name decides.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    stage
        .apply(&record(
            "default/younger",
            "Owned.prod.example.com.",
            "192.0.2.31",
        ))
        .await;
    let words = "owned.prod.example.com belongs to DNSRecord kubeop-web/older";
    let younger = stage.says("default/younger", "False", "HostTaken", words).await;
    assert_eq!(condition(&younger, "Stalled")["status"], "True");
    assert_eq!(server.dig(host, "A").unwrap(), "192.0.2.30");
    stage
        .kubectl(&format!("delete {RECORDS}/older -n kubeop-web --timeout=20s"))
        .await;
    server.answers(SOON, host, "A", "192.0.2.31").await;
    stage.is_ready("default/younger").await;
}

async fn a_foreign_record_is_not_touched(stage: &Stage<'_>, server: &Server) {
    let (host, name) = ("foreign.prod.example.com", "kubeop-web/foreign");
    stage.apply(&record(name, host, "192.0.2.40")).await;
    let words = "foreign.prod.example.com is there already (A 192.0.2.99), and kubeOP did not make it";
    stage.says(name, "False", "ForeignRecord", words).await;
    // Its end takes nothing along.
    stage
        .kubectl(&format!("delete {RECORDS}/foreign -n kubeop-web --timeout=20s"))
        .await;
    assert_eq!(server.dig(host, "A").unwrap(), "192.0.2.99");
    stage.apply(&record(name, host, "192.0.2.40")).await;
    stage.says(name, "False", "ForeignRecord", words).await;
    server.people(&["del foreign.prod.example.com. A"]).unwrap();
    server.answers(SOON, host, "A", "192.0.2.40").await;
    stage.is_ready(name).await;
}

async fn only_where_it_may(stage: &Stage<'_>) {
    stage
        .apply(&record("default/outside", "outside.example.org", "192.0.2.50"))
        .await;
    let words = "outside.example.org lies in no zone that kubeOP may write (prod.example.com)";
    stage
        .says("default/outside", "False", "ZoneNotServed", words)
        .await;
    stage
        .apply(&record("kubeop-open/any", "any.prod.example.com", "192.0.2.50"))
        .await;
    let words = "neither project open nor tenant open says which hosts it may have";
    stage
        .says("kubeop-open/any", "False", "HostNotAllowed", words)
        .await;
    // As soon as somebody says it, it is written.
    let hosts = json!({"spec": {"hosts": [ZONE]}}).to_string();
    let patch = ["patch", "project/open", "--type=merge", "-p", &hosts];
    stage.cluster().kubectl(patch).await.unwrap().success().unwrap();
    stage.is_ready("kubeop-open/any").await;
}

async fn a_renamed_host_leaves_nothing(stage: &Stage<'_>, server: &Server) {
    let name = "kubeop-web/renamed";
    stage
        .apply(&record(name, "old.prod.example.com", "192.0.2.60"))
        .await;
    server
        .answers(AT_ONCE, "old.prod.example.com", "A", "192.0.2.60")
        .await;
    stage
        .apply(&record(name, "new.prod.example.com", "192.0.2.60"))
        .await;
    server
        .answers(AT_ONCE, "new.prod.example.com", "A", "192.0.2.60")
        .await;
    assert_eq!(server.dig("old.prod.example.com", "A").unwrap(), "");
    assert_eq!(server.dig("_kubeop.old.prod.example.com", "TXT").unwrap(), "");
}

async fn a_wrong_key(stage: &Stage<'_>, server: &Server) {
    let name = "kubeop-web/locked";
    key(stage.cluster(), "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3I=").await;
    stage
        .apply(&record(name, "locked.prod.example.com", "192.0.2.70"))
        .await;
    let words = "knows key \"kubeop.\" with another secret or algorithm (BADSIG)";
    let log = stage.log();
    stage.says(name, "False", "KeyUnusable", words).await;
    assert_eq!(server.dig("locked.prod.example.com", "A").unwrap(), "");
    // It says so once, however often it tries.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(status_writes(&log, "locked") <= 1);
    key(stage.cluster(), SECRET).await;
    stage.is_ready(name).await;
}

async fn a_server_that_is_down(stage: &Stage<'_>, server: &mut Server) {
    let steady = "kubeop-web/first";
    let before = stage.is_ready(steady).await;
    let log = stage.log();
    server.stop();
    stage
        .apply(&record("kubeop-web/late", "late.prod.example.com", "192.0.2.80"))
        .await;
    let going = format!("delete {RECORDS}/renamed -n kubeop-web --wait=false");
    stage.kubectl(&going).await;
    let down = format!("DNS server {}", server.address());
    let deleting = async {
        wait::until("the deletion waits", SOON, || async {
            let record = stage.record("kubeop-web/renamed").await?;
            let ready = condition(&record, "Ready");
            let message = ready["message"].as_str().unwrap_or_default();
            ensure!(
                ready["reason"] == "Deleting" && message.contains(&down),
                "{record:#}"
            );
            anyhow::Ok(())
        })
        .await
        .unwrap();
    };
    tokio::join!(
        stage.says("kubeop-web/late", "False", "Unreachable", &down),
        deleting
    );
    // A controller that starts meanwhile looks at all of them.
    stage.kubeop.restart_controller().await.unwrap();
    wait::until("the silence is seen", SOON, || async {
        let record = stage.record(steady).await?;
        ensure!(record["status"]["answers"][0]["error"].is_string(), "{record:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let during = stage.record(steady).await.unwrap();
    assert_eq!(during["status"]["conditions"], before["status"]["conditions"]);

    let back = Instant::now();
    server.go_on().await.unwrap();
    tokio::join!(
        stage.is_ready("kubeop-web/late"),
        stage.gone("kubeop-web/renamed")
    );
    assert!(back.elapsed() < SOON);
    assert_eq!(server.dig("new.prod.example.com", "A").unwrap(), "");
    server
        .answers(AT_ONCE, "late.prod.example.com", "A", "192.0.2.80")
        .await;
    wait::until("it is as it was", SOON, || async {
        let record = stage.record(steady).await?;
        ensure!(record["status"] == before["status"], "{record:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert_eq!(
        status_writes(&log, "first"),
        2,
        "one for the silence, one for its end"
    );
}

async fn bind_takes_the_same_updates(stage: &Stage<'_>, server: &Server) {
    let (host, name) = ("bind.prod.example.com", "kubeop-web/bind");
    for (target, kind, wanted) in [
        ("192.0.2.90", "A", "192.0.2.90"),
        ("lb.example.net", "CNAME", "lb.example.net."),
        ("2001:db8::90", "AAAA", "2001:db8::90"),
    ] {
        stage.apply(&record(name, host, target)).await;
        server.answers(SOON, host, kind, wanted).await;
    }
    stage.is_ready(name).await;
    let foreign = "kubeop-web/foreign";
    stage
        .says(
            foreign,
            "False",
            "ForeignRecord",
            "is there already (A 192.0.2.99)",
        )
        .await;
    stage
        .kubectl(&format!("delete {RECORDS}/bind -n kubeop-web --timeout=20s"))
        .await;
    assert_eq!(server.dig(host, "AAAA").unwrap(), "");
}

/// An uninstall takes no name away by which people find what runs: not by `release --all`, nor by the end of the kind.
async fn released_records_stay(kubeop: &kubeop_tests::KubeOp<'_>, server: &Server) {
    let stage = Stage { kubeop };
    let (host, name) = ("first.prod.example.com", "kubeop-web/first");
    server.answers(SOON, host, "A", "192.0.2.1").await;
    kubeop.stop_controller().await.unwrap();
    let own = [OwnProgram {
        package: "kubeop-controller",
        name: "kubeop-controller",
    }];
    let built = tokio::task::spawn_blocking(move || programs::build_own(&own));
    let program = built.await.unwrap().unwrap().remove(0);
    let config = stage.cluster().kubeconfig_of(&Identity::controller()).unwrap();
    let release = tokio::process::Command::new(program)
        .args(["release", "--all"])
        .env("KUBECONFIG", config)
        .output();
    let output = release.await.unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(" dnsrecords"), "{said}");
    let released = stage.record(name).await.unwrap();
    assert!(released["metadata"]["finalizers"].is_null(), "{released:#}");
    assert_eq!(server.dig(host, "A").unwrap(), "192.0.2.1");

    stage
        .cluster()
        .kubectl(["delete", "lease", "-n", "kubeop-system", "--all"])
        .await
        .unwrap()
        .success()
        .unwrap();
    kubeop.start_controller().await.unwrap();
    wait::until("it is held again", SOON, || async {
        let held = stage.record(name).await?;
        ensure!(held["metadata"]["finalizers"].is_array(), "{held:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    stage
        .kubectl("delete crd dnsrecords.platform.kubeop.io --timeout=40s")
        .await;
    assert_eq!(server.dig(host, "A").unwrap(), "192.0.2.1");
}
