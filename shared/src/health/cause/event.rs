//! What Events tell that no Pod can: why there is none, and why a volume of one is not there.

use super::super::text;
use super::words::{is_name, message, quoted_after, steady};
use super::{Cause, CauseKind, Workload, describe, missing};
use jiff::Timestamp;
use serde_json::Value;

/// An Event that tells of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodEvent {
    /// Namespace of the object that it is about.
    pub namespace: String,
    /// That object: a Pod, or what should create Pods.
    pub about: Workload,
    /// What it tells.
    pub cause: Cause,
    /// When it was seen for the first time.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
}

/// Reads an Event with reason `FailedCreate` or `FailedMount`; none if it is another one.
#[must_use]
pub fn pod_event(event: &Value) -> Option<PodEvent> {
    let about = event.get("involvedObject")?;
    let field = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (field("namespace"), field("name"));
    let said = text(event, "/message").unwrap_or_default();
    let cause = match (text(event, "/reason")?, field("kind")) {
        ("FailedCreate", "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController") => {
            refusal(namespace, name, said)
        }
        ("FailedMount", "Pod") => mount(namespace, name, said),
        _ => return None,
    };
    let (group, _) = field("apiVersion").split_once('/').unwrap_or_default();
    let time = |pointers: [&str; 3]| {
        let mut times = pointers.iter().filter_map(|pointer| text(event, pointer));
        times.find_map(|time| time.parse::<Timestamp>().ok())
    };
    let last = time(["/series/lastObservedTime", "/lastTimestamp", "/eventTime"])?;
    let first = time(["/firstTimestamp", "/eventTime", "/lastTimestamp"]).unwrap_or(last);
    Some(PodEvent {
        namespace: namespace.to_owned(),
        about: Workload::new(group, field("kind"), name),
        cause,
        first,
        last,
    })
}

/// Why Pods of `owner` cannot be created, in the words of whoever refused them.
#[must_use]
pub fn refusal(namespace: &str, owner: &str, said: &str) -> Cause {
    let said = without_names(said, owner);
    let (kind, remedy) = kind_of_refusal(namespace, &said);
    let said = match kind {
        CauseKind::Quota => without_used(&said),
        CauseKind::LimitRange => in_order(&said),
        _ => said,
    };
    Cause::new(
        kind,
        format!("its Pods cannot be created: {}", message(&steady(&said))),
        remedy,
    )
}

fn kind_of_refusal(namespace: &str, said: &str) -> (CauseKind, Option<String>) {
    let has = |words: &str| said.contains(words);
    if has("exceeded quota: ") || has("failed quota: ") {
        return (
            CauseKind::Quota,
            Some(format!("kubectl describe quota -n {namespace}")),
        );
    }
    if has("error looking up service account ") {
        let account = quoted_after(said, "serviceaccount ").filter(|name| is_name(name));
        let remedy = account.map(|account| format!("kubectl create serviceaccount {account} -n {namespace}"));
        return (CauseKind::ServiceAccount, remedy);
    }
    if has("failed calling webhook ") {
        return (CauseKind::WebhookDown, None);
    }
    if has("denied the request") || has("violates PodSecurity ") || has("ValidatingAdmissionPolicy ") {
        return (CauseKind::Refused, None);
    }
    // The words of the `LimitRanger` admission plugin.
    if has(" per Container is ") || has(" per Pod is ") || has("max limit to request ratio per ") {
        return (
            CauseKind::LimitRange,
            Some(format!("kubectl describe limitrange -n {namespace}")),
        );
    }
    (CauseKind::NotCreated, None)
}

/// Why a volume of a Pod is not there.
fn mount(namespace: &str, pod: &str, said: &str) -> Cause {
    let remedy = missing::read(said).map_or_else(
        || describe(namespace, pod),
        |missing| missing.remedy(namespace, None),
    );
    let clause = match quoted_after(said, "MountVolume.SetUp failed for volume ") {
        Some(volume) => {
            let (_, why) = said.split_once("\" : ").unwrap_or(("", said));
            format!(
                "volume {volume} of Pod {pod} cannot be mounted: {}",
                message(&steady(why))
            )
        }
        None => format!(
            "volumes of Pod {pod} cannot be mounted: {}",
            message(&steady(said))
        ),
    };
    Cause::new(CauseKind::Volume, clause, Some(remedy))
}

/// Without what differs at each attempt: the Pod's generated name, and what the recorder puts before messages that
/// only differ in that.
fn without_names(said: &str, owner: &str) -> String {
    let said = said
        .strip_prefix("(combined from similar events): ")
        .unwrap_or(said);
    let said = said.strip_prefix("Error creating: ").unwrap_or(said);
    // Of a StatefulSet: `Create Pod db-0 in StatefulSet db failed error: `.
    let mut said = match said.split_once(" failed error: ") {
        Some((start, rest)) if start.starts_with(['C', 'c']) => rest,
        _ => said,
    };
    for resource in ["pods ", "Pod ", "persistentvolumeclaims "] {
        if let Some(rest) = said.strip_prefix(resource)
            && rest.starts_with('"')
            && let Some((_, rest)) = rest.split_once("\" is ")
        {
            said = rest;
        }
    }
    let said = said.strip_prefix("forbidden: ").unwrap_or(said);
    without_suffix(said, owner)
}

/// `pay-6d4cf56db6-x7k2p` and `pay-6d4cf56db6-q9w4z` are the same to a reader. The owner may be the ReplicaSet or its
/// Deployment.
fn without_suffix(said: &str, owner: &str) -> String {
    /// What is left of a long name before the suffix (`SimpleNameGenerator` of k8s.io/apiserver).
    const BASE: usize = 58;
    let base = format!("{owner}-");
    let base = base.get(..BASE).unwrap_or(&base);
    let mut parts = said.split(base);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let suffix = generated(part)
            .or_else(|| {
                let hash = alphanumeric(part);
                let rest = part.get(hash..)?.strip_prefix('-')?;
                Some(hash + 1 + generated(rest)?)
            })
            .unwrap_or(0);
        text.push_str(base);
        if suffix > 0 {
            text.push('…');
        }
        text.push_str(part.get(suffix..).unwrap_or_default());
    }
    text
}

/// Length of a generated suffix at the start of a text.
fn generated(text: &str) -> Option<usize> {
    const SUFFIX: usize = 5;
    let ends = !text.get(SUFFIX..).is_some_and(|rest| rest.starts_with('-'));
    (alphanumeric(text) == SUFFIX && ends).then_some(SUFFIX)
}

fn alphanumeric(text: &str) -> usize {
    let inside = |char: &char| char.is_ascii_lowercase() || char.is_ascii_digit();
    text.chars().take_while(inside).count()
}

/// How much of a quota is used changes with every Pod of the namespace.
fn without_used(said: &str) -> String {
    match (said.find(", used: "), said.find(", limited: ")) {
        (Some(start), Some(end)) if start < end => {
            let (before, after) = (said.get(..start), said.get(end..));
            format!("{}{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => said.to_owned(),
    }
}

/// The faults against a `LimitRange` come in any order.
fn in_order(said: &str) -> String {
    let inner = said.trim_start_matches('[').trim_end_matches(']');
    let mut faults: Vec<String> = Vec::new();
    for part in inner.split(", ") {
        match faults.last_mut() {
            Some(last) if part.starts_with("but ") => *last = format!("{last}, {part}"),
            _ => faults.push(part.to_owned()),
        }
    }
    faults.sort();
    faults.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{CauseKind, pod_event, refusal};
    use rstest::rstest;
    use serde_json::json;

    const RS: &str = "pay-6d4cf56db6";

    #[rstest]
    #[case::kubeops_own_refusal_is_kept(
        "Error creating: admission webhook \"validate.kubeop.io\" denied the request: pod pay-6d4cf56db6-x7k2p refused: \
         1 fault\n[ImageNotAllowed] spec.containers[0].image: \"quay.io/acme/x:1\" is not in the list of project web \
         (ghcr.io/acme). Use one of these, or ask ops@acme.",
        CauseKind::Refused,
        "its Pods cannot be created: admission webhook \"validate.kubeop.io\" denied the request: pod \
         pay-6d4cf56db6-… refused: 1 fault | [ImageNotAllowed] spec.containers[0].image: \"quay.io/acme/x:1\" is not \
         in the list of project web (ghcr.io/acme). Use one of these, or ask ops@acme.",
        None
    )]
    #[case::a_policy_of_another_team(
        "(combined from similar events): Error creating: pods \"pay-6d4cf56db6-x7k2p\" is forbidden: \
         ValidatingAdmissionPolicy 'owners' with binding 'all' denied request: no owner",
        CauseKind::Refused,
        "its Pods cannot be created: ValidatingAdmissionPolicy 'owners' with binding 'all' denied request: no owner",
        None
    )]
    #[case::a_webhook_that_does_not_answer(
        "Error creating: Internal error occurred: failed calling webhook \"a.b.c\": failed to call webhook: Post \
         \"https://x.svc:443/?timeout=5s\": dial tcp 10.0.0.1:443: connect: connection refused",
        CauseKind::WebhookDown,
        "its Pods cannot be created: Internal error occurred: failed calling webhook \"a.b.c\": failed to call webhook: \
         Post \"https://x.svc:443/?timeout=5s\": dial tcp 10.0.0.1:443: connect: connection refused",
        None
    )]
    #[case::how_much_is_used_does_not_matter(
        "pods \"pay-6d4cf56db6-x7k2p\" is forbidden: exceeded quota: kubeop, requested: cpu=1,pods=1, used: cpu=3,pods=4, \
         limited: cpu=3,pods=4",
        CauseKind::Quota,
        "its Pods cannot be created: exceeded quota: kubeop, requested: cpu=1,pods=1, limited: cpu=3,pods=4",
        Some("kubectl describe quota -n web")
    )]
    #[case::a_name_that_is_none_is_no_part_of_a_command(
        "pods \"x\" is forbidden: error looking up service account web/a: serviceaccount \"a;reboot\" not found",
        CauseKind::ServiceAccount,
        "its Pods cannot be created: error looking up service account web/a: serviceaccount \"a;reboot\" not found",
        None
    )]
    fn a_refusal_is_told(
        #[case] said: &str,
        #[case] kind: CauseKind,
        #[case] text: &str,
        #[case] remedy: Option<&str>,
    ) {
        let cause = refusal("web", RS, said);
        assert_eq!(
            (cause.kind, cause.text.as_str(), cause.remedy.as_deref()),
            (kind, text, remedy)
        );
    }

    #[test]
    fn every_attempt_reads_the_same_whoever_is_asked() {
        let said = |pod: &str| format!("admission webhook \"x\" denied the request: pod {pod}: no");
        let texts = |owner: &str| {
            ["pay-6d4cf56db6-x7k2p", "pay-6d4cf56db6-22222"].map(|pod| refusal("web", owner, &said(pod)).text)
        };
        for owner in [RS, "pay"] {
            let [one, two] = texts(owner);
            assert_eq!(one, two);
        }
        let [one, two] = ["pay-api", "pay-5"].map(|pod| refusal("web", "pay", &said(pod)).text);
        assert!(
            one.contains("pay-api") && two.contains("pay-5"),
            "other names stay: {one} {two}"
        );
    }

    #[test]
    fn only_events_about_pods_are_read() {
        let event = |reason: &str, kind: &str| {
            pod_event(&json!({
                "reason": reason, "message": "m", "eventTime": "2026-01-02T03:04:05.123456Z",
                "firstTimestamp": null, "lastTimestamp": null,
                "involvedObject": {"apiVersion": "apps/v1", "kind": kind, "namespace": "web", "name": "pay"},
            }))
        };
        for (reason, kind) in [
            ("FailedCreate", "CronJob"),
            ("FailedMount", "Job"),
            ("BackOff", "Pod"),
        ] {
            assert_eq!(event(reason, kind), None, "{reason} {kind}");
        }
        let read = event("FailedCreate", "DaemonSet").unwrap();
        assert_eq!((read.about.group.as_str(), read.first), ("apps", read.last));
    }
}
