//! What the Pods of a hook say about its end: exit code and last lines.

use kube::api::DynamicObject;
use kubeop_shared::delivery::JobState;
use kubeop_shared::health::cause::{CauseKind, LONGEST, PodStanding, last_lines, pod_standing};
use serde_json::Value;

/// Whether a hook's output may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Shown,
    Hidden,
}

/// Whether a hook still has time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Left,
    Up,
}

/// A Job that failed: the words of its last Pod, else what that was waiting for, else the Job's own.
pub(super) fn of_failed_job(
    pods: &[DynamicObject],
    hook: &str,
    output: Output,
    why: &str,
    waited_for: Option<&String>,
) -> JobState {
    if let Some((exit_code, lines)) = last_end(pods, hook, output) {
        let message = if lines.is_empty() { short(why) } else { lines };
        return JobState::Failed {
            exit_code: Some(exit_code),
            message,
        };
    }
    let waiting = pods.iter().find_map(waits_for).or_else(|| waited_for.cloned());
    let message = waiting.map_or_else(|| why.to_owned(), |waiting| format!("{waiting} ({why})"));
    JobState::Failed {
        exit_code: None,
        message: short(&message),
    }
}

/// A Job that somebody deletes: it runs as long as a Pod does and there is time.
pub(super) fn of_deleted_job(pods: &[DynamicObject], hook: &str, output: Output, time: Time) -> JobState {
    let phase = |pod: &DynamicObject| text(&pod.data, "/status/phase").to_owned();
    let running = pods
        .iter()
        .any(|pod| !matches!(phase(pod).as_str(), "Succeeded" | "Failed"));
    if running && time == Time::Left {
        return JobState::Running {
            why: Some("its Job is being deleted, its Pod still runs".to_owned()),
        };
    }
    if !running && pods.iter().any(|pod| phase(pod) == "Succeeded") {
        return JobState::Succeeded;
    }
    let (exit_code, _) = last_end(pods, hook, output).unzip();
    let message = if running {
        "its Job was deleted, and its Pod did not end in time"
    } else {
        "its Job was deleted before it ended"
    };
    JobState::Failed {
        exit_code,
        message: message.to_owned(),
    }
}

/// What keeps a Pod from running, in words that do not change while it lasts. How it ended is no part of that: the
/// output may be hidden, and the Job tells.
pub(super) fn waits_for(pod: &DynamicObject) -> Option<String> {
    let pod = serde_json::to_value(pod).ok()?;
    let PodStanding::Troubled(cause) = pod_standing(&pod) else {
        return None;
    };
    let waits = matches!(
        cause.kind,
        CauseKind::Image | CauseKind::Start | CauseKind::Configuration | CauseKind::Unschedulable
    );
    waits.then_some(cause.text)
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Exit code and last lines of the Pod that ended last.
fn last_end(pods: &[DynamicObject], hook: &str, output: Output) -> Option<(i32, String)> {
    let ends = pods.iter().filter_map(|pod| {
        let containers = pod.data.pointer("/status/containerStatuses")?.as_array()?;
        let container = containers
            .iter()
            .find(|status| status.get("name").and_then(Value::as_str) == Some(hook))?;
        let end = container.pointer("/state/terminated")?;
        let code = end
            .get("exitCode")
            .and_then(Value::as_i64)
            .and_then(|code| i32::try_from(code).ok())?;
        let text = |field: &str| {
            end.get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Some((text("finishedAt"), code, text("message")))
    });
    let (_, code, message) = ends.max()?;
    let lines = match output {
        Output::Shown => last_lines(&message),
        Output::Hidden => "its output is hidden (hideOutput)".to_owned(),
    };
    Some((code, lines))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Output, Time, of_deleted_job, of_failed_job, waits_for};
    use kube::api::DynamicObject;
    use kubeop_shared::delivery::JobState;
    use serde_json::json;

    fn pod(phase: &str, code: i32, message: &str) -> DynamicObject {
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {
            "phase": phase,
            "containerStatuses": [{"name": "migrate", "state": {"terminated": {"exitCode": code, "message": message}}}],
        }}))
        .unwrap()
    }

    #[test]
    fn a_failed_hook_tells_exit_code_and_last_lines() {
        let message = format!("{}no such table\n", "x".repeat(600));
        let pods = [pod("Failed", 3, &message)];
        let state = of_failed_job(&pods, "migrate", Output::Shown, "BackoffLimitExceeded: ", None);
        let JobState::Failed { exit_code, message } = state else {
            panic!("it failed")
        };
        assert_eq!(exit_code, Some(3));
        assert!(message.ends_with("no such table"));
        assert_eq!(message.chars().count(), 512);
    }

    #[test]
    fn hidden_output_is_not_told() {
        let state = of_failed_job(
            &[pod("Failed", 3, "password")],
            "migrate",
            Output::Hidden,
            "why",
            None,
        );
        assert!(!format!("{state:?}").contains("password"));
    }

    #[test]
    fn a_pod_that_waits_says_for_what_and_one_that_ended_shows_no_output() {
        let mut waiting = pod("Pending", 0, "");
        waiting.data["status"]["containerStatuses"][0] = json!({"name": "migrate", "image": "x", "state": {
            "waiting": {"reason": "ErrImagePull", "message": "not found"},
        }});
        let why = waits_for(&waiting).unwrap();
        assert!(
            why.contains("image \"x\" cannot be pulled") && why.contains("not found"),
            "{why}"
        );
        assert_eq!(waits_for(&pod("Failed", 3, "password")), None);
    }

    #[test]
    fn what_a_pod_waited_for_outlives_the_pod() {
        let waited = "its image \"x\" cannot be pulled".to_owned();
        let state = of_failed_job(&[], "migrate", Output::Shown, "DeadlineExceeded: ", Some(&waited));
        assert!(matches!(state, JobState::Failed { message, .. } if message.starts_with(&waited)));
    }

    #[test]
    fn a_deleted_job_runs_as_long_as_its_pod_does_and_there_is_time() {
        let of = |pods: &[DynamicObject], time| of_deleted_job(pods, "migrate", Output::Shown, time);
        assert!(matches!(
            of(&[pod("Running", 0, "")], Time::Left),
            JobState::Running { .. }
        ));
        assert!(matches!(
            of(&[pod("Running", 0, "")], Time::Up),
            JobState::Failed { .. }
        ));
        assert_eq!(of(&[pod("Succeeded", 0, "")], Time::Left), JobState::Succeeded);
        assert!(matches!(of(&[], Time::Left), JobState::Failed { .. }));
    }
}
