//! What no recording shows: kills, evictions, gates, and what comes after a crash.

use super::{Cause, CauseKind, PodStanding, pod_standing};
use rstest::rstest;
use serde_json::{Value, json};

/// A Pod that runs and is not ready, with one container.
fn pod(container: &Value) -> Value {
    json!({
        "metadata": {"name": "pay-1", "namespace": "web"},
        "spec": {"restartPolicy": "Always", "containers": [{
            "name": "main", "image": "ghcr.io/acme/pay:1", "resources": {"limits": {"memory": "64Mi"}},
            "readinessProbe": {"exec": {"command": ["cat", "/ready"]}},
        }]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T10:00:00Z"}],
            "containerStatuses": [container],
        },
    })
}

fn container(restarts: i64, state: &Value, last: &Value) -> Value {
    json!({"name": "main", "ready": false, "started": true, "restartCount": restarts, "state": state, "lastState": last})
}

fn running(since: &str) -> Value {
    json!({"running": {"startedAt": since}})
}

fn ended(code: i64, reason: &str, said: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "message": said}})
}

fn waiting() -> Value {
    json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}})
}

fn told(pod: &Value) -> (CauseKind, String) {
    match pod_standing(pod) {
        PodStanding::Troubled(Cause { kind, text, .. }) => (kind, text),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::memory(
    container(2, &waiting(), &ended(137, "OOMKilled", "")), CauseKind::Crash,
    "container main of Pod pay-1 crashes (CrashLoopBackOff): exit code 137, OOMKilled: it used more than its memory \
     limit of 64Mi"
)]
#[case::many_restarts_are_not_counted(
    container(7, &waiting(), &ended(3, "Error", "no database\n")), CauseKind::Crash,
    "container main of Pod pay-1 crashes again and again (CrashLoopBackOff): exit code 3; last lines: no database"
)]
#[case::started_again_after_a_crash(
    container(2, &running("2026-01-01T10:00:10Z"), &ended(3, "Error", "no database")), CauseKind::Crash,
    "container main of Pod pay-1 crashes (CrashLoopBackOff): exit code 3; last lines: no database"
)]
#[case::ready_since_the_crash_and_not_any_more(
    container(2, &running("2026-01-01T09:00:00Z"), &ended(3, "Error", "no database")), CauseKind::NotReady,
    "container main of Pod pay-1 runs, but it is not ready: its readiness probe (`cat /ready`) does not succeed"
)]
#[case::a_reason_that_is_not_known(
    container(0, &json!({"waiting": {"reason": "CreateContainerError", "message": "disk is full"}}), &json!({})),
    CauseKind::Start,
    "container main of Pod pay-1 cannot start (CreateContainerError): disk is full"
)]
fn a_container(#[case] container: Value, #[case] kind: CauseKind, #[case] text: &str) {
    assert_eq!(told(&pod(&container)), (kind, text.to_owned()));
}

#[test]
fn a_pod_is_well_only_when_it_stays_ready_after_a_crash() {
    let mut pod = pod(&container(
        1,
        &running("2026-01-01T10:00:10Z"),
        &ended(3, "Error", ""),
    ));
    pod["status"]["conditions"][0]["status"] = json!("True");
    let PodStanding::Recovering { cause, until } = pod_standing(&pod) else {
        panic!("it has just crashed")
    };
    assert_eq!(cause.kind, CauseKind::Crash);
    assert_eq!(until.to_string(), "2026-01-01T10:00:20Z");
}

#[rstest]
#[case::evicted(
    json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}),
    CauseKind::Ended, "Pod pay-1 was evicted: The node was low on resource: memory."
)]
#[case::shut_down(
    json!({"phase": "Failed", "reason": "NodeShutdown"}), CauseKind::Ended, "Pod pay-1 failed (NodeShutdown)"
)]
#[case::gated(
    json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"}]}),
    CauseKind::Unschedulable,
    "Pod pay-1 waits for its scheduling gates: Scheduling is blocked due to non-empty scheduling gates"
)]
#[case::no_number_of_nodes(
    json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/12 nodes are available: 11 Insufficient memory, 3 node(s) had untolerated taint(s) {a: b, c: d}. \
                    preemption: 0/12 nodes are available: 12 No preemption victims found for incoming pod."}]}),
    CauseKind::Unschedulable,
    "Pod pay-1 cannot be scheduled: no node is available: Insufficient memory, node(s) had untolerated taint(s) \
     {a: b, c: d}"
)]
fn a_pod(#[case] status: Value, #[case] kind: CauseKind, #[case] text: &str) {
    let mut pod = pod(&json!({}));
    pod["status"] = status;
    assert_eq!(told(&pod), (kind, text.to_owned()));
}

#[test]
fn a_closed_readiness_gate_is_named() {
    let mut pod = pod(&json!({"name": "main", "ready": true, "state": running("2026-01-01T10:00:00Z")}));
    pod["spec"]["readinessGates"] =
        json!([{"conditionType": "example.com/open"}, {"conditionType": "example.com/lb"}]);
    pod["status"]["conditions"] = json!([
        {"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": "False"},
        {"type": "example.com/open", "status": "True"},
    ]);
    let (kind, text) = told(&pod);
    assert_eq!(
        (kind, text.as_str()),
        (
            CauseKind::NotReady,
            "Pod pay-1 waits for its readiness gate example.com/lb"
        )
    );
}

#[test]
fn what_ends_or_comes_is_in_no_trouble() {
    let crashed = pod(&container(1, &waiting(), &ended(1, "Error", "")));
    for (field, value) in [
        ("/metadata/deletionTimestamp", json!("2026-01-01T10:00:00Z")),
        ("/status/phase", json!("Succeeded")),
    ] {
        let mut pod = crashed.clone();
        let (parent, name) = field.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap()[name] = value;
        assert_eq!(pod_standing(&pod), PodStanding::Well, "{field}");
    }
    let mut pod = crashed;
    pod["status"] = json!({"phase": "Pending"});
    assert_eq!(pod_standing(&pod), PodStanding::Coming);
}
