//! News in the orders in which they come.

use super::{Heard, Now, Troubles};
use jiff::{SignedDuration, Timestamp};
use kubeop_shared::health::cause::{CauseKind, PodEvent, Workload, pod_event};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SINCE: Heard = Heard::Since(1);

/// Seconds after the start of the test.
fn at(seconds: i64) -> Timestamp {
    "2026-01-01T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn now(seconds: i64) -> Now {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    Now {
        time: at(seconds),
        instant: start + Duration::from_secs(seconds.unsigned_abs()),
    }
}

fn deployment() -> Workload {
    Workload::new("apps", "Deployment", "pay")
}

/// A Pod of a ReplicaSet of the Deployment.
fn pod(hash: &str, name: &str, created: i64, status: &Value) -> Value {
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("pay-{hash}"), "controller": true});
    json!({
        "metadata": {
            "namespace": "web", "name": name, "creationTimestamp": at(created).to_string(),
            "labels": {"pod-template-hash": hash}, "ownerReferences": [owner],
        },
        "spec": {"containers": [{"name": "main", "image": "x", "readinessProbe": {"tcpSocket": {"port": 80}}}]},
        "status": status,
    })
}

fn waiting(reason: &str) -> Value {
    let state = json!({"waiting": {"reason": reason, "message": "m"}});
    json!({"phase": "Pending", "containerStatuses": [{"name": "main", "ready": false, "state": state}]})
}

fn ready() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
}

fn unready() -> Value {
    let state = json!({"running": {"startedAt": at(0).to_string()}});
    json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "started": true, "state": state}]})
}

/// An Event of a ReplicaSet of the Deployment.
fn refused(hash: &str, first: i64, last: i64) -> PodEvent {
    pod_event(&json!({
        "reason": "FailedCreate", "message": "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, limited: pods=1",
        "firstTimestamp": at(first).to_string(), "lastTimestamp": at(last).to_string(),
        "involvedObject": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "namespace": "web", "name": format!("pay-{hash}")},
    }))
    .unwrap()
}

fn unmounted(pod: &str) -> PodEvent {
    pod_event(&json!({
        "reason": "FailedMount", "message": "MountVolume.SetUp failed for volume \"c\" : configmap \"s\" not found",
        "firstTimestamp": at(1).to_string(), "lastTimestamp": at(1).to_string(),
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "web", "name": pod},
    }))
    .unwrap()
}

fn told(troubles: &Troubles, seconds: i64) -> Option<CauseKind> {
    troubles
        .cause("web", &deployment(), now(seconds))
        .map(|cause| cause.kind)
}

fn nothing_is_kept(troubles: &Troubles) -> bool {
    let inner = troubles.read();
    inner.places.is_empty() && inner.mounts.is_empty()
}

#[test]
fn a_pod_that_is_well_leaves_nothing() {
    let troubles = Troubles::default();
    troubles.pod(&pod("bc", "a", 1, &ready()), SINCE, now(1));
    assert!(nothing_is_kept(&troubles));
    let news = troubles.pod(&pod("bc", "a", 1, &waiting("ErrImagePull")), SINCE, now(2));
    assert!(news.changed);
    assert_eq!(told(&troubles, 2), Some(CauseKind::Image));
    let news = troubles.pod(&pod("bc", "a", 1, &waiting("ImagePullBackOff")), SINCE, now(3));
    assert!(!news.changed, "the same cause wakes nobody");
    assert!(troubles.pod(&pod("bc", "a", 1, &ready()), SINCE, now(4)).changed);
    assert!(nothing_is_kept(&troubles));
}

#[test]
fn a_pod_that_is_gone_says_nothing_whether_it_is_told_or_missing_from_a_list() {
    let troubles = Troubles::default();
    let pod = pod("bc", "a", 1, &waiting("ErrImagePull"));
    troubles.pod(&pod, SINCE, now(1));
    assert!(troubles.pod_gone(&pod, now(2)).changed);
    assert!(nothing_is_kept(&troubles));
    troubles.pod(&pod, SINCE, now(3));
    troubles.pods_listed(2);
    assert!(nothing_is_kept(&troubles));
}

#[test]
fn a_refusal_is_over_once_a_pod_is_created() {
    let troubles = Troubles::default();
    let news = troubles.event("e1", refused("bc", 1, 5), SINCE, now(5));
    assert!(news.changed);
    assert_eq!(told(&troubles, 5), Some(CauseKind::Quota));
    troubles.pod(&pod("bc", "a", 4, &ready()), SINCE, now(6));
    assert_eq!(
        told(&troubles, 6),
        Some(CauseKind::Quota),
        "an older Pod ends nothing"
    );
    troubles.pod(&pod("bc", "b", 7, &ready()), SINCE, now(7));
    assert!(nothing_is_kept(&troubles));
    // Once more, and now the workload says that it is ready.
    troubles.event("e2", refused("bc", 8, 8), SINCE, now(8));
    troubles.settled("web", &deployment(), now(9));
    assert_eq!(
        told(&troubles, 9),
        Some(CauseKind::Quota),
        "that may be older news"
    );
    troubles.settled("web", &deployment(), now(60));
    assert!(nothing_is_kept(&troubles));
}

#[test]
fn the_new_replica_set_speaks_and_not_the_old_one() {
    let troubles = Troubles::default();
    troubles.event("old", refused("bc", 1, 20), SINCE, now(20));
    troubles.pod(&pod("df", "a", 10, &waiting("ContainerCreating")), SINCE, now(21));
    assert_eq!(told(&troubles, 21), None, "it is only starting");
    troubles.pod(&pod("df", "a", 10, &waiting("ErrImagePull")), SINCE, now(22));
    assert_eq!(told(&troubles, 22), Some(CauseKind::Image));
    troubles.event("new", refused("df", 23, 23), SINCE, now(23));
    assert_eq!(told(&troubles, 23), Some(CauseKind::Quota));
}

#[test]
fn an_event_that_is_forgotten_takes_its_cause_along_unless_there_is_a_later_one() {
    let troubles = Troubles::default();
    troubles.event("e1", refused("bc", 1, 1), SINCE, now(1));
    troubles.event("e2", refused("bc", 2, 2), SINCE, now(2));
    troubles.event_gone("e1", &refused("bc", 1, 1));
    assert_eq!(told(&troubles, 3), Some(CauseKind::Quota));
    troubles.event_gone("e2", &refused("bc", 2, 2));
    assert!(nothing_is_kept(&troubles));
    troubles.event("e3", refused("bc", 3, 3), SINCE, now(3));
    troubles.refusals_listed(2);
    assert!(nothing_is_kept(&troubles));
}

#[test]
fn a_volume_that_cannot_be_mounted_is_told_of_a_pod_that_starts() {
    for order in ["event first", "pod first"] {
        let troubles = Troubles::default();
        let starting = pod("bc", "a", 1, &waiting("ContainerCreating"));
        if order == "pod first" {
            assert!(!troubles.pod(&starting, SINCE, now(1)).changed);
            assert!(troubles.event("e", unmounted("a"), SINCE, now(1)).changed);
        } else {
            troubles.event("e", unmounted("a"), SINCE, now(1));
            assert!(troubles.pod(&starting, SINCE, now(1)).changed);
        }
        assert_eq!(told(&troubles, 2), Some(CauseKind::Volume), "{order}");
        troubles.pod(&pod("bc", "a", 1, &ready()), SINCE, now(3));
        assert!(nothing_is_kept(&troubles));
    }
}

#[test]
fn an_unready_pod_is_told_after_a_moment_and_at_once_after_a_restart() {
    let troubles = Troubles::default();
    let unready = pod("bc", "a", 1, &unready());
    let news = troubles.pod(&unready, SINCE, now(1));
    assert_eq!(
        (news.changed, news.look_again),
        (false, Some(Duration::from_secs(3)))
    );
    assert_eq!(told(&troubles, 3), None);
    // Another look begins no new time.
    assert_eq!(
        troubles.pod(&unready, SINCE, now(3)).look_again,
        Some(Duration::from_secs(1))
    );
    assert_eq!(told(&troubles, 4), Some(CauseKind::NotReady));
    let after_restart = Troubles::default();
    let news = after_restart.pod(&unready, Heard::Listed(1), now(10));
    assert_eq!(news.look_again, None);
    assert_eq!(told(&after_restart, 10), Some(CauseKind::NotReady));
}

#[test]
fn a_pod_that_has_just_crashed_is_told_though_it_is_ready() {
    let troubles = Troubles::default();
    let crashed = json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "main", "ready": true, "restartCount": 2,
            "state": {"running": {"startedAt": at(20).to_string()}},
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}],
    });
    let pod = pod("bc", "a", 1, &crashed);
    let news = troubles.pod(&pod, SINCE, now(22));
    assert_eq!(news.look_again, Some(Duration::from_secs(8)));
    let crash = |seconds| {
        troubles
            .crash("web", &deployment(), now(seconds))
            .map(|cause| cause.kind)
    };
    assert_eq!(crash(29), Some(CauseKind::Crash));
    assert_eq!(crash(30), None);
    troubles.forget_recovered(now(30));
    assert!(nothing_is_kept(&troubles));
    // Long ago: as every other Pod that is well.
    assert_eq!(troubles.pod(&pod, Heard::Listed(1), now(600)).look_again, None);
    assert!(nothing_is_kept(&troubles));
}

#[test]
fn what_is_blocked_is_found_by_the_kind_of_its_cause() {
    let troubles = Troubles::default();
    troubles.event("e", refused("bc", 1, 1), SINCE, now(1));
    let blocked = troubles.blocked(&[CauseKind::Quota]);
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0].owner, Workload::new("apps", "ReplicaSet", "pay-bc"));
    assert_eq!(troubles.blocked(&[CauseKind::Refused]), []);
}
