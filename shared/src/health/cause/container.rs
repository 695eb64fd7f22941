//! Why one container of a Pod does not run or is not ready.

use super::super::{condition, integer, text};
use super::words::{last_lines, message, steady};
use super::{Cause, CauseKind, describe, missing};
use serde_json::Value;

/// A container with its Pod.
pub(super) struct Container<'p> {
    pub pod: &'p Value,
    pub status: &'p Value,
    /// What the spec says of it.
    pub spec: Option<&'p Value>,
    /// `container`, `init container` or `sidecar`.
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Init,
    /// An init container that keeps running.
    Sidecar,
}

impl Container<'_> {
    /// Since when it runs after an end, and what that was; none if it never ended.
    pub(super) fn restarted(&self) -> Option<(&str, Cause)> {
        let since = text(self.status, "/state/running/startedAt")?;
        let end = self.status.pointer("/lastState/terminated")?;
        Some((since, self.ended(end)))
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        if self.is_well() {
            return None;
        }
        if let Some(waiting) = self.status.pointer("/state/waiting") {
            let reason = text(waiting, "/reason").unwrap_or_default();
            let said = text(waiting, "/message").unwrap_or_default();
            if let Some(cause) = self.waits(reason, said) {
                return Some(cause);
            }
        }
        if let Some(end) = self.last_end() {
            return Some(self.ended(end));
        }
        self.status.pointer("/state/running")?;
        self.not_ready()
    }

    fn is_well(&self) -> bool {
        let exit_code = integer(self.status, "/state/terminated/exitCode");
        match self.role {
            Role::Init => exit_code == Some(0),
            Role::Main | Role::Sidecar => {
                let ready = self.status.get("ready").and_then(Value::as_bool) == Some(true);
                // One of several containers of a Job's Pod may be done before the others.
                ready || (exit_code == Some(0) && text(self.pod, "/spec/restartPolicy") != Some("Always"))
            }
        }
    }

    /// What a waiting container waits for; none where it is only on its way, or between two crashes.
    fn waits(&self, reason: &str, said: &str) -> Option<Cause> {
        let at = self.at();
        let look = describe(self.namespace(), self.pod_name());
        let because =
            |kind, clause: String, remedy| Some(Cause::new(kind, format!("{at} {clause}"), Some(remedy)));
        match reason {
            "" | "ContainerCreating" | "PodInitializing" | "CrashLoopBackOff" => None,
            // The kubelet alternates between trying and waiting.
            "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" | "SignatureValidationFailed" => {
                let said = registrys_words(said);
                let clause = format!(
                    "cannot start: image {:?} cannot be pulled (ImagePullBackOff)",
                    self.image()
                );
                because(CauseKind::Image, with(&clause, &said), look)
            }
            "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" => {
                let clause = format!("cannot start: image {:?} cannot be used ({reason})", self.image());
                because(CauseKind::Image, with(&clause, &message(&steady(said))), look)
            }
            "CreateContainerConfigError" => {
                let remedy = missing::read(said).map_or(look, |missing| {
                    missing.remedy(self.namespace(), self.pod.get("spec"))
                });
                let clause = format!("cannot start ({reason})");
                // It ends with the Pod's uid.
                let (said, _) = said.split_once(" (pod: ").unwrap_or((said, ""));
                because(CauseKind::Configuration, with(&clause, &message(said)), remedy)
            }
            // Between two ends, which tell the same and more steadily.
            "RunContainerError" | "PostStartHookError" if self.last_end().is_some() => None,
            _ => {
                let clause = format!("cannot start ({reason})");
                because(CauseKind::Start, with(&clause, &message(&steady(said))), look)
            }
        }
    }

    /// The end that the container is now at, or that it had before it was started again. One from before the
    /// container was ready for the last time tells nothing.
    fn last_end(&self) -> Option<&Value> {
        if let Some(end) = self.status.pointer("/state/terminated") {
            return Some(end);
        }
        let end = self.status.pointer("/lastState/terminated")?;
        let Some(started) = text(self.status, "/state/running/startedAt") else {
            return Some(end);
        };
        let conditions = self.pod.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| text(condition, "/type") == Some("Ready"));
        let unready_since = ready
            .and_then(|ready| text(ready, "/lastTransitionTime"))
            .unwrap_or_default();
        // Times of the API server have one form, which sorts as text.
        (unready_since <= started).then_some(end)
    }

    fn ended(&self, end: &Value) -> Cause {
        let at = self.at();
        let code = integer(end, "/exitCode").unwrap_or_default();
        let reason = text(end, "/reason").unwrap_or_default();
        let said = text(end, "/message").unwrap_or_default();
        if matches!(reason, "StartError" | "ContainerCannotRun") {
            let clause = with(
                &format!("{at} cannot be started ({reason})"),
                &message(&steady(said)),
            );
            let look = describe(self.namespace(), self.pod_name());
            return Cause::new(CauseKind::Start, clause, Some(look));
        }
        let restarts = integer(self.status, "/restartCount").unwrap_or_default();
        let how = match restarts {
            0 => "ended",
            1..=4 => "crashes (CrashLoopBackOff)",
            _ => "crashes again and again (CrashLoopBackOff)",
        };
        let lines = last_lines(said);
        let lines = if lines.is_empty() {
            String::new()
        } else {
            format!("; last lines: {lines}")
        };
        // Without `--previous`: between an end and the next start that names a container that is removed already.
        let remedy = format!(
            "kubectl logs {} -n {} -c {}",
            self.pod_name(),
            self.namespace(),
            self.name()
        );
        let clause = format!("{at} {how}: {}{lines}", self.code(code, reason));
        Cause::new(CauseKind::Crash, clause, Some(remedy))
    }

    fn code(&self, code: i64, reason: &str) -> String {
        if reason == "OOMKilled" {
            let limit = self.spec.and_then(|spec| text(spec, "/resources/limits/memory"));
            let limit = limit.map_or_else(
                || "its memory limit".to_owned(),
                |limit| format!("its memory limit of {limit}"),
            );
            return format!("exit code {code}, OOMKilled: it used more than {limit}");
        }
        let note = match code {
            0 => ", although it should keep running",
            134 => " (SIGABRT)",
            137 => " (SIGKILL)",
            139 => " (SIGSEGV)",
            143 => " (SIGTERM)",
            _ => "",
        };
        let note = if matches!(code, 137 | 143)
            && let Some(who) = self.who_may_end_it()
        {
            format!("{note}, perhaps because its {who} failed")
        } else {
            note.to_owned()
        };
        format!("exit code {code}{note}")
    }

    /// The kubelet ends a container by a signal and says why in an Event, or for a moment only.
    fn who_may_end_it(&self) -> Option<&'static str> {
        let spec = self.spec?;
        let reasons = [
            ("/lifecycle/postStart", "postStart hook"),
            ("/startupProbe", "startup probe"),
            ("/livenessProbe", "liveness probe"),
        ];
        reasons
            .into_iter()
            .find_map(|(field, who)| spec.pointer(field).map(|_| who))
    }

    fn not_ready(&self) -> Option<Cause> {
        let started = self.status.get("started").and_then(Value::as_bool);
        let probe = |name: &str| self.spec.and_then(|spec| spec.get(name));
        let asks = match (started, probe("startupProbe"), probe("readinessProbe")) {
            (Some(false), Some(startup), _) => {
                format!("it has not started: its startup probe {}", asks(startup))
            }
            (_, _, Some(readiness)) => format!("it is not ready: its readiness probe {}", asks(readiness)),
            _ if self.role == Role::Init => return None,
            _ => "it is not ready".to_owned(),
        };
        let look = describe(self.namespace(), self.pod_name());
        let clause = format!("{} runs, but {asks}", self.at());
        Some(Cause::new(CauseKind::NotReady, clause, Some(look)))
    }

    fn at(&self) -> String {
        let role = match self.role {
            Role::Main => "container",
            Role::Init => "init container",
            Role::Sidecar => "sidecar",
        };
        format!("{role} {} of Pod {}", self.name(), self.pod_name())
    }

    fn name(&self) -> &str {
        text(self.status, "/name").unwrap_or_default()
    }

    fn image(&self) -> &str {
        // The status may name what the runtime made of it.
        let said = self.spec.and_then(|spec| text(spec, "/image"));
        said.or_else(|| text(self.status, "/image")).unwrap_or_default()
    }

    fn pod_name(&self) -> &str {
        text(self.pod, "/metadata/name").unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        text(self.pod, "/metadata/namespace").unwrap_or_default()
    }
}

/// What a probe asks, after `its readiness probe`.
fn asks(probe: &Value) -> String {
    let port = |pointer: &str| match probe.pointer(pointer) {
        Some(Value::String(name)) => name.clone(),
        Some(number) => number.to_string(),
        None => String::new(),
    };
    let asks = if let Some(get) = probe.get("httpGet") {
        let scheme = match text(get, "/scheme") {
            Some("HTTPS") => " by HTTPS",
            _ => "",
        };
        let path = text(get, "/path").unwrap_or("/");
        format!("GET {path} on port {}{scheme}", port("/httpGet/port"))
    } else if probe.get("tcpSocket").is_some() {
        format!("connection to port {}", port("/tcpSocket/port"))
    } else if probe.get("grpc").is_some() {
        format!("gRPC on port {}", port("/grpc/port"))
    } else {
        let words = probe.pointer("/exec/command").and_then(Value::as_array);
        let words: Vec<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
        format!("`{}`", message(&words.join(" ")))
    };
    format!("({asks}) does not succeed")
}

/// What the registry said: the kubelet puts its own words before it while it waits.
fn registrys_words(said: &str) -> String {
    let said = match said.strip_prefix("Back-off pulling image ") {
        Some(rest) => rest.split_once("\": ").map_or("", |(_, rest)| rest),
        None => said,
    };
    let said = [
        "ErrImagePull: ",
        "RegistryUnavailable: ",
        "SignatureValidationFailed: ",
    ]
    .iter()
    .find_map(|prefix| said.strip_prefix(prefix))
    .unwrap_or(said);
    message(&steady(said))
}

fn with(clause: &str, said: &str) -> String {
    if said.is_empty() {
        clause.to_owned()
    } else {
        format!("{clause}: {said}")
    }
}

/// The part of a Pod that is not ready although all containers are: one of its readiness gates.
pub(super) fn closed_gate(pod: &Value) -> Option<&str> {
    let gates = pod.pointer("/spec/readinessGates").and_then(Value::as_array);
    let types = gates
        .into_iter()
        .flatten()
        .filter_map(|gate| text(gate, "/conditionType"));
    let mut closed = types.filter(|kind| !matches!(condition(pod, kind), Some(("True", ..))));
    closed.next()
}
