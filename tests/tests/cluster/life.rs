//! A cluster's life and, above all, its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, PostParams};
use kubeop_tests::keeper::requests::{Ending, Program};
use kubeop_tests::options::Audit;
use kubeop_tests::{Cluster, Identity, Options, keeper};

/// Prefix of the environment variable that makes a test of this program a child for another one.
const CHILD: &str = "KUBEOP_TEST_CHILD";

fn started_by_us() -> bool {
    std::env::var_os(kubeop_tests::cluster::EXISTING).is_none()
}

/// Whether a process of this id runs (a zombie does not).
fn runs(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    })
}

fn gone_within(deadline: Duration, pids: &[i32], folder: &Path) -> bool {
    let start = Instant::now();
    while pids.iter().any(|&pid| runs(pid)) || folder.exists() {
        if start.elapsed() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[tokio::test]
async fn two_clusters_at_once_do_not_disturb_each_other_and_leave_nothing() {
    if !started_by_us() {
        kubeop_tests::skip!("an existing cluster is used");
    }
    let (one, two) = tokio::join!(
        Cluster::start(Options::default()),
        Cluster::start(Options::default())
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    one.kubectl(["create", "namespace", "only-in-one"])
        .await
        .unwrap()
        .success()
        .unwrap();
    let missing = two
        .kubectl(["get", "namespace", "only-in-one"])
        .await
        .unwrap()
        .failure()
        .unwrap();
    assert!(missing.contains("NotFound"), "{missing}");

    let of = |cluster: &Cluster| (cluster.info().unwrap().pids.clone(), cluster.folder().to_owned());
    let ((pids_of_one, folder_of_one), (pids_of_two, folder_of_two)) = (of(&one), of(&two));
    assert!(pids_of_one.iter().all(|&pid| runs(pid)));
    drop(one);
    // Dropping returns when all is gone.
    assert!(gone_within(Duration::ZERO, &pids_of_one, &folder_of_one));
    two.kubectl(["get", "nodes"]).await.unwrap().success().unwrap();
    drop(two);
    assert!(gone_within(Duration::ZERO, &pids_of_two, &folder_of_two));
}

#[tokio::test]
async fn a_program_beside_the_cluster_ends_with_it() {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let program = |name: &str| Program {
        name: name.to_owned(),
        path: "/bin/sh".into(),
        args: vec!["-c".to_owned(), "echo $GREETING; sleep 1000 & wait".to_owned()],
        env: vec![("GREETING".to_owned(), "hello".to_owned())],
    };
    let pid = cluster.run(program("one")).await.unwrap();
    assert!(
        cluster
            .run(program("one"))
            .await
            .unwrap_err()
            .to_string()
            .contains("runs already")
    );
    let killed = cluster.run(program("two")).await.unwrap();
    cluster.end("two", Ending::Killed).await.unwrap();
    assert!(!runs(killed) && runs(pid));
    assert_eq!(cluster.ended("one").await.unwrap(), None);
    // The program was started; when it writes is for the scheduler to say.
    let greets = kubeop_tests::wait::until("the greeting in its log", Duration::from_secs(30), || async {
        match fs::read_to_string(cluster.log_of("one")) {
            Ok(said) if said == "hello\n" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    greets.await.unwrap();
    let folder = cluster.folder().to_owned();
    drop(cluster);
    assert!(gone_within(Duration::ZERO, &[pid], &folder));
}

#[tokio::test]
async fn the_identities_are_told_apart_by_rbac_and_by_the_audit_log() {
    let cluster = Cluster::shared().await;
    let Some(log) = cluster.audit_log() else {
        kubeop_tests::skip!("no audit log")
    };
    let log = log.from_now().unwrap();
    let name = "identities";
    let namespace: Namespace =
        serde_json::from_value(serde_json::json!({"metadata": {"name": name}})).unwrap();
    let admin = Api::<Namespace>::all(cluster.client().await.unwrap());
    admin.create(&PostParams::default(), &namespace).await.unwrap();
    let controller = cluster.client_as(&Identity::controller()).await.unwrap();
    let refused = Api::<ConfigMap>::namespaced(controller, name)
        .get("x")
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("system:serviceaccount:kubeop-system:kubeop-controller"),
        "{refused}"
    );
    let stranger = cluster
        .kubectl_as(&Identity::user("mallory", &["team-a"]))
        .unwrap();
    let whoami = stranger.run(["auth", "whoami"]).await.unwrap().success().unwrap();
    assert!(
        whoami.contains("mallory") && whoami.contains("team-a"),
        "{whoami}"
    );

    let entries = log.entries().unwrap();
    let created = entries
        .iter()
        .find(|entry| entry.verb == "create" && entry.resource == "namespaces")
        .unwrap();
    assert_eq!(
        (created.user.as_str(), created.code, created.is_write()),
        ("admin", 201, true)
    );
    let calls = log.kubeop_calls().unwrap();
    let [read] = calls.as_slice() else {
        panic!("one call of the controller: {calls:?}")
    };
    assert_eq!(
        (read.verb.as_str(), read.code, read.is_write()),
        ("get", 403, false)
    );
    assert_eq!(read.namespace.as_deref(), Some(name));
}

#[tokio::test]
async fn a_cluster_without_audit_log_and_with_more_arguments() {
    if !started_by_us() {
        kubeop_tests::skip!("an existing cluster is used");
    }
    let options = Options {
        audit: Audit::Off,
        fake_nodes: 3,
        api_server_args: vec!["--min-request-timeout=77".to_owned()],
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    assert!(cluster.audit_log().is_none());
    let nodes = cluster
        .kubectl(["get", "nodes", "-o", "name"])
        .await
        .unwrap()
        .success()
        .unwrap();
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
}

#[tokio::test]
async fn a_cluster_that_cannot_start_says_why_and_leaves_nothing() {
    if !started_by_us() {
        kubeop_tests::skip!("an existing cluster is used");
    }
    let options = Options {
        api_server_args: vec!["--no-such-flag".to_owned()],
        ..Options::default()
    };
    let error = Cluster::start(options)
        .await
        .err()
        .expect("the API server refuses the flag")
        .to_string();
    assert!(
        error.contains("kube-apiserver ended") && error.contains("--no-such-flag"),
        "{error}"
    );
}

/// Not a test: what the two below start as a process of their own. It holds a cluster until it is killed.
#[tokio::test]
async fn child_that_holds_a_cluster() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let told = serde_json::json!({"info": cluster.info(), "keeper": cluster.keeper_pid(), "folder": cluster.folder()});
    let unfinished = PathBuf::from(&path).with_extension("tmp");
    fs::write(&unfinished, told.to_string()).unwrap();
    fs::rename(unfinished, path).unwrap();
    std::future::pending::<()>().await;
}

struct Holder {
    process: std::process::Child,
    keeper: i32,
    info: keeper::ClusterInfo,
    folder: PathBuf,
}

/// Starts a process that holds a cluster, and waits until it does.
fn holder() -> Holder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told.json");
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "life::child_that_holds_a_cluster", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !path.exists() {
        if let Some(status) = process.try_wait().unwrap() {
            let said: Vec<_> = BufReader::new(process.stdout.take().unwrap())
                .lines()
                .map_while(Result::ok)
                .collect();
            panic!("the child ended with {status}: {said:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    Holder {
        process,
        keeper: i32::try_from(told["keeper"].as_i64().unwrap()).unwrap(),
        folder: serde_json::from_value(told["folder"].clone()).unwrap(),
        info: serde_json::from_value(told["info"].clone()).unwrap(),
    }
}

#[test]
fn a_killed_test_process_leaves_no_cluster() {
    if !started_by_us() {
        kubeop_tests::skip!("an existing cluster is used");
    }
    let mut holder = holder();
    assert!(holder.info.pids.len() >= 5 && holder.info.pids.iter().all(|&pid| runs(pid)));
    holder.process.kill().unwrap();
    holder.process.wait().unwrap();
    assert!(gone_within(
        Duration::from_secs(15),
        &holder.info.pids,
        &holder.folder
    ));
}

#[tokio::test]
async fn the_next_cluster_cleans_up_after_a_killed_keeper() {
    if !started_by_us() {
        kubeop_tests::skip!("an existing cluster is used");
    }
    let mut holder = holder();
    let keeper = rustix::process::Pid::from_raw(holder.keeper).unwrap();
    rustix::process::kill_process(keeper, rustix::process::Signal::KILL).unwrap();
    holder.process.kill().unwrap();
    holder.process.wait().unwrap();
    let next = Cluster::start(Options::default()).await.unwrap();
    assert!(gone_within(Duration::ZERO, &holder.info.pids, &holder.folder));
    next.kubectl(["get", "nodes"]).await.unwrap().success().unwrap();
}
