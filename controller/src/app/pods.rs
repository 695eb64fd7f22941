//! What the Pods of a hook say about its end: exit code and last lines.

use kube::api::DynamicObject;
use kubeop_shared::delivery::JobState;
use serde_json::Value;

/// The longest text that is kept of a hook's output, in characters.
const LAST_LINES: usize = 512;

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

/// What keeps a Pod from running, in words that do not change while it lasts.
pub(super) fn waits_for(pod: &DynamicObject) -> Option<String> {
    let conditions = pod.data.pointer("/status/conditions").and_then(Value::as_array);
    let unscheduled = conditions.into_iter().flatten().find(|condition| {
        text(condition, "/type") == "PodScheduled" && text(condition, "/reason") == "Unschedulable"
    });
    if let Some(condition) = unscheduled {
        return Some(format!(
            "its Pod cannot be scheduled: {}",
            text(condition, "/message")
        ));
    }
    let containers = pod.data.pointer("/status/containerStatuses")?.as_array()?;
    let status = containers
        .iter()
        .find(|status| status.pointer("/state/waiting").is_some())?;
    match text(status, "/state/waiting/reason") {
        "" | "ContainerCreating" | "PodInitializing" => None,
        // The kubelet alternates between the two.
        "ErrImagePull" | "ImagePullBackOff" => Some(format!(
            "its image {:?} cannot be pulled (ImagePullBackOff)",
            text(status, "/image")
        )),
        reason => Some(format!("{reason}: {}", text(status, "/state/waiting/message"))),
    }
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

/// The end of a text: that is where the error stands.
fn last_lines(text: &str) -> String {
    let text = text.trim();
    let count = text.chars().count();
    text.chars().skip(count.saturating_sub(LAST_LINES)).collect()
}

fn short(text: &str) -> String {
    text.chars().take(LAST_LINES).collect()
}

#[cfg(test)]
mod tests {
    use super::{Output, Time, of_deleted_job, of_failed_job};
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
