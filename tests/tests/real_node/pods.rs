//! The node itself: Pods run, log, fail with their exit code, reach each other, and leave nothing on the machine.

use std::path::Path;
use std::process::Command;

use kubeop_tests::keeper::real_node;
use kubeop_tests::{Cluster, Options, images};
use serde_json::{Value, json};
use tokio::sync::Mutex;

fn pod(name: &str, args: &[&str]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": pod_spec(args),
    })
}

fn pod_spec(args: &[&str]) -> Value {
    json!({
        "restartPolicy": "Never",
        "containers": [{
            "name": "main",
            "image": images::TOOL,
            "args": args,
            "securityContext": {
                "runAsNonRoot": true,
                "readOnlyRootFilesystem": true,
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }],
    })
}

async fn apply(cluster: &Cluster, object: &Value) {
    cluster
        .kubectl_with_input(["apply", "-f", "-"], &object.to_string())
        .await
        .unwrap()
        .success()
        .unwrap();
}

async fn kubectl(cluster: &Cluster, command: &str) -> String {
    cluster
        .kubectl(command.split(' '))
        .await
        .unwrap()
        .success()
        .unwrap()
}

/// What a real node would leave on the machine.
fn traces() -> Vec<String> {
    let mut traces: Vec<String> = std::fs::read_to_string("/proc/self/mounts")
        .unwrap()
        .lines()
        .filter(|line| line.contains("kubeop-test"))
        .map(str::to_owned)
        .collect();
    if Path::new("/sys/class/net/kop0").exists() {
        traces.push("the bridge".to_owned());
    }
    if Command::new("nft")
        .args(["list", "table", "ip", "kube-proxy"])
        .output()
        .unwrap()
        .status
        .success()
    {
        traces.push("kube-proxy's table".to_owned());
    }
    let processes = Command::new("pgrep")
        .args(["-af", "containerd-shim|^/tool|^/pause"])
        .output()
        .unwrap();
    // A dead one that init has not fetched yet is no trace.
    let alive = |line: &&str| !line.contains("<defunct>");
    traces.extend(
        String::from_utf8(processes.stdout)
            .unwrap()
            .lines()
            .filter(alive)
            .map(str::to_owned),
    );
    let cgroups = Command::new("find")
        .args(["/sys/fs/cgroup", "-name", "kubeop-test"])
        .output()
        .unwrap();
    traces.extend(
        String::from_utf8(cgroups.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned),
    );
    traces
}

/// One test at a time: each looks at what it leaves on the machine.
pub static MACHINE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn pods_run_log_fail_and_reach_each_other_and_nothing_is_left() {
    if !real_node::asked_for() {
        kubeop_tests::skip!("a real node is asked for by {}=1", real_node::SWITCH);
    }
    let _machine = MACHINE.lock().await;
    let cluster = Cluster::start(Options::real_node()).await.unwrap();

    // A Pod's logs and exit code.
    apply(&cluster, &pod("speaks", &["print", "hello", "exit", "3"])).await;
    kubectl(
        &cluster,
        "wait pod/speaks --for=jsonpath={.status.phase}=Failed --timeout=60s",
    )
    .await;
    assert_eq!(kubectl(&cluster, "logs speaks").await, "hello\n");
    let code = kubectl(
        &cluster,
        "get pod speaks -o jsonpath={.status.containerStatuses[0].state.terminated.exitCode}",
    )
    .await;
    assert_eq!(code, "3");

    // A Job ends with its container's exit code.
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "fails"},
        "spec": {"backoffLimit": 0, "template": {"spec": pod_spec(&["print", "no database", "exit", "3"])}},
    });
    apply(&cluster, &job).await;
    kubectl(&cluster, "wait job/fails --for=condition=Failed --timeout=60s").await;
    assert_eq!(kubectl(&cluster, "logs job/fails").await, "no database\n");

    // A Service reaches its Pod, from a Pod.
    apply(&cluster, &pod("serves", &["serve", "8080"])).await;
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "serves"},
        "spec": {"selector": {"app": "serves"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    apply(&cluster, &service).await;
    let address = kubectl(&cluster, "get service serves -o jsonpath={.spec.clusterIP}").await;
    apply(&cluster, &pod("asks", &["get", &format!("{address}:80/path")])).await;
    kubectl(
        &cluster,
        "wait pod/asks --for=jsonpath={.status.phase}=Succeeded --timeout=60s",
    )
    .await;
    assert_eq!(kubectl(&cluster, "logs asks").await, "/path\n");
    let exec = kubectl(&cluster, "exec serves -- /tool print inside").await;
    assert_eq!(exec, "inside\n");

    // An image that nobody has.
    kubectl(&cluster, "run pulls --image=nobody.invalid/x:1 --restart=Never").await;
    let waiting = "{.status.containerStatuses[0].state.waiting.reason}";
    kubectl(
        &cluster,
        &format!("wait pod/pulls --for=jsonpath={waiting}=ErrImagePull --timeout=60s"),
    )
    .await;

    assert!(!traces().is_empty());
    drop(cluster);
    assert_eq!(traces(), Vec::<String>::new());
}

#[tokio::test]
async fn the_next_cluster_cleans_up_after_a_killed_keeper_of_a_real_node() {
    if !real_node::asked_for() {
        kubeop_tests::skip!("a real node is asked for by {}=1", real_node::SWITCH);
    }
    let _machine = MACHINE.lock().await;
    let cluster = Cluster::start(Options::real_node()).await.unwrap();
    apply(&cluster, &pod("serves", &["serve", "8080"])).await;
    kubectl(&cluster, "wait pod/serves --for=condition=Ready --timeout=60s").await;
    let keeper = rustix::process::Pid::from_raw(cluster.keeper_pid().try_into().unwrap()).unwrap();
    rustix::process::kill_process(keeper, rustix::process::Signal::KILL).unwrap();
    drop(cluster);
    assert!(!traces().is_empty());
    let _next = Cluster::start(Options::default()).await.unwrap();
    assert_eq!(traces(), Vec::<String>::new());
}
