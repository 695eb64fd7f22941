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

/// A Job that failed: the Job's words, and those of its last Pod.
pub(super) fn of_failed_job(pods: &[DynamicObject], hook: &str, output: Output, why: &str) -> JobState {
    match last_end(pods, hook, output) {
        Some((exit_code, lines)) if !lines.is_empty() => JobState::Failed {
            exit_code: Some(exit_code),
            message: lines,
        },
        Some((exit_code, _)) => JobState::Failed {
            exit_code: Some(exit_code),
            message: short(why),
        },
        None => {
            let waiting = pods.iter().find_map(waiting);
            let message = waiting.map_or_else(|| why.to_owned(), |waiting| format!("{why} ({waiting})"));
            JobState::Failed {
                exit_code: None,
                message: short(&message),
            }
        }
    }
}

/// A Job that somebody deletes: it runs as long as a Pod does.
pub(super) fn of_deleted_job(pods: &[DynamicObject], hook: &str, output: Output) -> JobState {
    let phase = |pod: &DynamicObject| {
        pod.data
            .pointer("/status/phase")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let ended = |pod: &&DynamicObject| matches!(phase(pod).as_deref(), Some("Succeeded" | "Failed"));
    if pods.iter().any(|pod| !ended(&pod)) {
        return JobState::Running {
            why: Some("its Job is being deleted, its Pod still runs".to_owned()),
        };
    }
    if pods.iter().any(|pod| phase(pod).as_deref() == Some("Succeeded")) {
        return JobState::Succeeded;
    }
    let (exit_code, _) = last_end(pods, hook, output).unzip();
    JobState::Failed {
        exit_code,
        message: "its Job was deleted before it ended".to_owned(),
    }
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

fn waiting(pod: &DynamicObject) -> Option<String> {
    let containers = pod.data.pointer("/status/containerStatuses")?.as_array()?;
    let waiting = containers
        .iter()
        .find_map(|status| status.pointer("/state/waiting"))?;
    let text = |field: &str| waiting.get(field).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{}: {}", text("reason"), text("message")))
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
    use super::{Output, of_deleted_job, of_failed_job};
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
        let JobState::Failed { exit_code, message } = of_failed_job(
            &[pod("Failed", 3, &message)],
            "migrate",
            Output::Shown,
            "BackoffLimitExceeded: ",
        ) else {
            panic!("it failed");
        };
        assert_eq!(exit_code, Some(3));
        assert!(message.ends_with("no such table"));
        assert_eq!(message.chars().count(), 512);
    }

    #[test]
    fn hidden_output_is_not_told() {
        let state = of_failed_job(&[pod("Failed", 3, "password")], "migrate", Output::Hidden, "why");
        assert!(!format!("{state:?}").contains("password"));
    }

    #[test]
    fn a_deleted_job_runs_as_long_as_its_pod_does() {
        let running = of_deleted_job(&[pod("Running", 0, "")], "migrate", Output::Shown);
        assert!(matches!(running, JobState::Running { .. }));
        assert_eq!(
            of_deleted_job(&[pod("Succeeded", 0, "")], "migrate", Output::Shown),
            JobState::Succeeded
        );
        assert!(matches!(
            of_deleted_job(&[], "migrate", Output::Shown),
            JobState::Failed { .. }
        ));
    }
}
