//! Bad evenings with a real kubelet: what it writes, and what it answers to those who follow the printed command.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kubeop_tests::images::{Content, TestImage};
use kubeop_tests::keeper::real_node;
use kubeop_tests::kubeop::InstallOptions;
use kubeop_tests::options::RealNode;
use kubeop_tests::{Cluster, KubeOp, Options, wait};

use crate::hooks;
use crate::pods::MACHINE;
use crate::rollback;
use crate::support::{Evening, SOON};

/// The tool, under a name that projects allow.
pub const TOOL: &str = "ghcr.io/acme/tool:1";

#[tokio::test(flavor = "multi_thread")]
async fn evenings_with_a_real_kubelet() {
    if !real_node::asked_for() {
        kubeop_tests::skip!("a real node is asked for by {}=1", real_node::SWITCH);
    }
    let _machine = MACHINE.lock().await;
    let real_node = RealNode::One {
        more_images: vec![TestImage {
            name: TOOL.to_owned(),
            content: Content::Tool(Vec::new()),
        }],
    };
    let options = Options {
        real_node,
        ..Options::real_node()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let kubeop = KubeOp::install(&cluster, InstallOptions::default())
        .await
        .unwrap();
    tokio::join!(
        crash(&kubeop),
        pull(&kubeop),
        volume(&kubeop),
        readiness(&kubeop),
        hooks::all(&kubeop),
        rollback::automatic(&kubeop),
    );
}

/// Without a readiness probe the container is ready at each start. The App is not.
async fn crash(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "crash").await;
    let app = evening.app(TOOL, "      args: [print, no database, exit, '3']\n");
    evening
        .apply(&app.replace("replicas: 2", "replicas: 1"))
        .await
        .unwrap();
    evening.seen("a crash", "get pods -o yaml", "exitCode: 3").await;
    let words = [
        "container pay of Pod pay-",
        "exit code 3",
        "last lines: no database",
    ];
    evening.says(&words).await;
    let message = evening
        .says_within(Duration::from_secs(60), &["CrashLoopBackOff"])
        .await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(40) {
        // A container that has just ended may have its last line on the way to its log.
        wait::until(
            "the command shows the last line",
            Duration::from_secs(5),
            || async {
                let logs = evening.follow(&message, &[]).await;
                ensure!(logs == "no database\n", "{logs:?}");
                anyhow::Ok(())
            },
        )
        .await
        .unwrap();
        let row = evening
            .kubectl(&format!("get app pay -n {} --no-headers", evening.ns))
            .await
            .unwrap();
        assert!(row.contains("False") && row.contains("exit code 3"), "{row}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let restarts = "get pods -o jsonpath={.items[0].status.containerStatuses[0].restartCount}";
    let restarts = evening
        .kubectl(&format!("{restarts} -n {}", evening.ns))
        .await
        .unwrap();
    assert!(restarts.parse::<u32>().unwrap() >= 2, "{restarts}");
}

async fn pull(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "pull").await;
    evening
        .apply(&evening.app("ghcr.io/acme/none:1", "      args: [serve, '8080']\n"))
        .await
        .unwrap();
    evening
        .seen(
            "an image that cannot be pulled",
            "get pods -o yaml",
            "ErrImagePull",
        )
        .await;
    let words = [
        "container pay of Pod pay-",
        "image \"ghcr.io/acme/none:1\" cannot be pulled",
    ];
    evening.says(&words).await;
    // The kubelet tries and waits in turns, which changes nothing in the App.
    evening
        .seen(
            "the kubelet waits",
            "get pods -o yaml",
            "reason: ImagePullBackOff",
        )
        .await;
    let message = evening.says(&words).await;
    let version = "get app pay -o jsonpath={.metadata.resourceVersion}";
    let version = async || {
        evening
            .kubectl(&format!("{version} -n {}", evening.ns))
            .await
            .unwrap()
    };
    let before = version().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(before, version().await);
    evening.follow(&message, &[("<image>", TOOL)]).await;
    evening
        .seen(
            "the other image",
            "get deployment pay -o yaml",
            &format!("image: {TOOL}"),
        )
        .await;
    evening.is_ready().await;
}

async fn volume(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "volume").await;
    let more = "      args: [serve, '8080']\n      volumes: [{name: conf, configMap: {name: settings}}]\n\
                \x20     volumeMounts: [{name: conf, mountPath: /conf}]\n";
    evening.apply(&evening.app(TOOL, more)).await.unwrap();
    let args = "get events --field-selector=reason=FailedMount -o jsonpath={.items[*].message}";
    evening.seen("an Event FailedMount", args, "settings").await;
    let message = evening
        .says(&["volume conf of Pod pay-", "configmap \"settings\" not found"])
        .await;
    evening
        .follow(&message, &[("<key>=<value>", "app.ini=fast")])
        .await;
    evening.is_ready().await;
}

async fn readiness(kubeop: &KubeOp<'_>) {
    let evening = Evening::on(kubeop, "readiness").await;
    let more = "      args: [serve, '8080']\n      probes: {readiness: {path: /healthz, port: 9999}}\n";
    evening.apply(&evening.app(TOOL, more)).await.unwrap();
    evening
        .seen("a container that runs", "get pods -o yaml", "startedAt")
        .await;
    let message = evening
        .says(&["readiness probe (GET /healthz on port 9999) does not succeed"])
        .await;
    let events = "get events --field-selector=reason=Unhealthy -o jsonpath={.items[*].message}";
    evening.seen("a probe that fails", events, "Readiness").await;
    // An Event that one reader has seen may be missing in the page of the next one for a moment.
    wait::until("the command tells of the probe", SOON, || async {
        let told = evening.follow(&message, &[]).await;
        ensure!(told.contains("Readiness probe failed"), "{told}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    evening
        .apply(&evening.app(TOOL, &more.replace("9999", "8080")))
        .await
        .unwrap();
    evening.is_ready().await;
}
