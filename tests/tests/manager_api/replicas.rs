//! Two controllers, of which one leads: whichever is asked, the numbers are the leader's.

use crate::support::app;
use anyhow::{Result, ensure};
use kubeop_tests::keeper::requests::{Ending, Program};
use kubeop_tests::kubeop::install_manifests;
use kubeop_tests::manager_api::{Caller, address, ca, token};
use kubeop_tests::programs::{self, OwnProgram};
use kubeop_tests::{Cluster, Identity, Options, wait};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const SUMMARY: &str = "/v1/analytics/summary";

/// A Pod that no node runs, by which a replica is found: its name, and its address on this machine.
async fn pod(cluster: &Cluster, name: &str, ip: IpAddr) -> Result<()> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kubeop-system"},
        "spec": {"schedulerName": "nobody",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "controller", "image": "ghcr.io/kubeop/x:1",
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}});
    cluster.apply(&pod.to_string()).await?;
    let status = json!({"status": {"podIP": ip, "podIPs": [{"ip": ip}]}}).to_string();
    let args = [
        "patch",
        "pod",
        name,
        "-n",
        "kubeop-system",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    cluster.kubectl(args).await?.success().map(drop)
}

async fn leader(cluster: &Cluster) -> Result<String> {
    let lease = cluster.get("lease kubeop-controller -n kubeop-system").await?;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    Ok(holder.split('_').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_replica_that_stands_by_asks_the_one_that_leads() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let name = "kubeop-controller";
    let own = [OwnProgram { package: name, name }];
    let built = tokio::task::spawn_blocking(move || programs::build_own(&own));
    let program = built.await.unwrap().unwrap().remove(0);
    install_manifests(&cluster).await.unwrap();
    let port = address().unwrap().port();
    let kubeconfig = cluster.kubeconfig_of(&Identity::controller()).unwrap();
    let replicas = [("api-a", [127, 0, 0, 1]), ("api-b", [127, 0, 0, 2])];
    for (name, ip) in replicas {
        wait::until("the Pod is made", SOON, || pod(&cluster, name, ip.into()))
            .await
            .unwrap();
        let at = SocketAddr::from((ip, port));
        cluster
            .run(Program {
                name: name.to_owned(),
                path: program.clone(),
                args: vec!["--listen=127.0.0.1:0".to_owned(), format!("--api-listen={at}")],
                env: vec![
                    ("KUBECONFIG".to_owned(), kubeconfig.display().to_string()),
                    ("HOSTNAME".to_owned(), name.to_owned()),
                ],
            })
            .await
            .unwrap();
    }
    let ca = ca(&cluster).await.unwrap();
    let token = token(&cluster, &Identity::admin()).unwrap();
    let caller = |ip: [u8; 4]| Caller::new(SocketAddr::from((ip, port)), &ca, Some(&token)).unwrap();
    let made = app("web", "pay", "ghcr.io/acme/pay:1");
    cluster
        .apply(r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeop-web"}}"#)
        .await
        .unwrap();
    // All but the numbers is every replica's own.
    let (_, second) = replicas[1];
    wait::until("the App is applied", SOON, || async {
        let answer = caller(second).post("/v1/apps", &made.to_string()).await?;
        ensure!([200, 201].contains(&answer.status), "{}", answer.text);
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let counts = |ip: [u8; 4]| {
        let caller = caller(ip);
        async move {
            wait::until("the App is counted", SOON, || async {
                let summary = caller.get(SUMMARY).await?.expect(200)?;
                ensure!(summary["apps"]["total"] == 1, "{summary}");
                anyhow::Ok(summary)
            })
            .await
            .unwrap()
        }
    };
    let (a, b) = tokio::join!(counts(replicas[0].1), counts(replicas[1].1));
    assert_eq!(a, b);

    let leads = leader(&cluster).await.unwrap();
    let (leading, standing): (Vec<_>, Vec<_>) = replicas.iter().partition(|(name, _)| *name == leads);
    let ([(leading, _)], [(_, standing)]) = (leading.as_slice(), standing.as_slice()) else {
        panic!("{leads:?} leads");
    };
    // What was passed on once goes no further.
    let passed_on = [("kubeop-passed-on", "true")];
    let answer = caller(*standing)
        .ask_with("GET", SUMMARY, "", &passed_on)
        .await
        .unwrap();
    answer.expect(503).unwrap();
    assert_eq!(answer.field("retry-after"), "1");
    // Who the caller is stays what decides.
    let nobody = Caller::new(SocketAddr::from((*standing, port)), &ca, Some("x")).unwrap();
    nobody.get(SUMMARY).await.unwrap().expect(401).unwrap();

    cluster.end(leading, Ending::Asked).await.unwrap();
    assert_eq!(counts(*standing).await["apps"]["total"], 1);
}
