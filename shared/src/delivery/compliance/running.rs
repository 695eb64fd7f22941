//! Whether what runs in a namespace would be admitted today, whoever made it: what ran there before it was a project's,
//! and what came past admission.

use super::{Rules, fault};
use crate::api::conditions::{ConditionStatus, Reason};
use crate::delivery::Stated;
use crate::manifests::{FieldPath, Found, Place, find_images};
use serde_json::Value;

/// How many faults are named.
const NAMED: usize = 5;

/// What was found in the Pods of a namespace. However many they are, it stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// How many images are refused today.
    refused: usize,
    /// The first of them, as sentences.
    named: Vec<String>,
}

impl Running {
    /// Looks at a Pod. One that has ended runs nothing.
    pub fn see(&mut self, pod: &Value, rules: &Rules<'_>) {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        if matches!(text("/status/phase"), Some("Succeeded" | "Failed")) {
            return;
        }
        let mut found = |path: &FieldPath<'_>, image: Found<'_>| {
            let Found::Text(image) = image else { return };
            let Some(fault) = fault(image, rules) else { return };
            self.refused += 1;
            if self.named.len() < NAMED {
                let path = path.to_string();
                let pod_name = text("/metadata/name").unwrap_or_default();
                let whose =
                    holder(pod, &path).map_or_else(|| path.clone(), |(what, name)| format!("{what} {name}"));
                self.named.push(format!("Pod {pod_name}, {whose}: {fault}"));
            }
        };
        // A tree can be walked.
        let _ = find_images(Place::PodObject, &FieldPath::Root(""), pod, &mut found);
    }

    /// `Compliant` of a Project.
    #[must_use]
    pub fn stated(&self, rules: &Rules<'_>) -> Stated {
        if self.refused == 0 {
            let message = "no Pod runs an image that the lists refuse";
            return Stated::new(ConditionStatus::True, Reason::ImagesAllowed, message);
        }
        let images = if self.refused == 1 { "image" } else { "images" };
        let more = match self.refused - self.named.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message = format!(
            "{} {images} of running Pods would be refused today. {}{more}. {}",
            self.refused,
            self.named.join("; "),
            rules.way_out()
        );
        Stated::new(ConditionStatus::False, Reason::ImageNotAllowed, message)
    }
}

/// The container or volume in which an image stands, by its path: what it is, and its name.
fn holder<'p>(pod: &'p Value, path: &str) -> Option<(&'static str, &'p str)> {
    let volume = path.strip_suffix(".image.reference");
    let holder = volume.or_else(|| path.strip_suffix(".image"))?;
    let pointer = holder.replace(['.', '['], "/").replace(']', "");
    let name = pod.pointer(&format!("/{pointer}/name"))?.as_str()?;
    Some((if volume.is_some() { "volume" } else { "container" }, name))
}

#[cfg(test)]
mod tests {
    use super::{Rules, Running};
    use crate::api::conditions::{ConditionStatus, Reason};
    use crate::image::{Allowlist, Registries};
    use serde_json::{Value, json};

    fn stated(pods: &[Value]) -> (ConditionStatus, Reason, String) {
        let list = Allowlist::parse_comma_separated("ghcr.io/acme").unwrap();
        let rules = Rules {
            registries: Registries {
                cluster: Some(&list),
                ..Registries::default()
            },
            contact: Some("platform@acme.example"),
            ..Rules::default()
        };
        let mut running = Running::default();
        for pod in pods {
            running.see(pod, &rules);
        }
        let stated = running.stated(&rules);
        (stated.state, stated.reason, stated.message)
    }

    fn pod(name: &str, phase: &str, spec: &Value) -> Value {
        json!({"metadata": {"name": name}, "spec": spec, "status": {"phase": phase}})
    }

    #[test]
    fn what_runs_is_named_with_pod_container_and_image() {
        let spec = json!({
            "initContainers": [{"name": "first", "image": "ghcr.io/acme/x:1"}],
            "containers": [{"name": "a", "image": "ghcr.io/acme/x:1"}, {"name": "b", "image": "quay.io/x:1"}],
            "ephemeralContainers": [{"name": "debug", "image": "sha256:01234567"}],
            "volumes": [{"name": "m", "image": {"reference": "evil.example/model"}}],
        });
        let (state, reason, message) = stated(&[pod("old-1", "Running", &spec)]);
        assert_eq!((state, reason), (ConditionStatus::False, Reason::ImageNotAllowed));
        assert!(
            message.starts_with("3 images of running Pods would be refused today. "),
            "{message}"
        );
        for part in [
            "Pod old-1, container b: \"quay.io/x:1\" is not in the list of the cluster (ghcr.io/acme); ",
            "Pod old-1, container debug: \"sha256:01234567\" is the id of an image",
            "Pod old-1, volume m: \"evil.example/model\" is not in the list",
            "no new Pod with such an image is admitted. Deliver an image that is in the list, or ask platform@acme.example.",
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[test]
    fn what_has_ended_does_not_run_and_what_is_allowed_is_fine() {
        let bad = json!({"containers": [{"name": "a", "image": "quay.io/x"}]});
        let good = json!({"containers": [{"name": "a", "image": "ghcr.io/acme/x"}]});
        let pods = [
            pod("a", "Succeeded", &bad),
            pod("b", "Failed", &bad),
            pod("c", "Running", &good),
        ];
        let (state, reason, _) = stated(&pods);
        assert_eq!((state, reason), (ConditionStatus::True, Reason::ImagesAllowed));
        assert_eq!(stated(&[pod("d", "Pending", &bad)]).0, ConditionStatus::False);
    }

    #[test]
    fn of_many_the_first_are_named_and_all_are_counted() {
        let bad = json!({"containers": [{"name": "a", "image": "quay.io/x"}]});
        let pods: Vec<_> = (0..7).map(|n| pod(&format!("p-{n}"), "Running", &bad)).collect();
        let (_, _, message) = stated(&pods);
        assert!(message.starts_with("7 images of running Pods"), "{message}");
        assert!(
            message.contains("Pod p-4,") && !message.contains("Pod p-5,"),
            "{message}"
        );
        assert!(message.contains("; and 2 more. What runs"), "{message}");
    }

    #[test]
    fn rules_that_say_something_else_have_another_digest() {
        let list = |text| Allowlist::parse_comma_separated(text).unwrap();
        let (wide, narrow) = (list("ghcr.io"), list("ghcr.io/acme"));
        let rules = |cluster, project| Rules {
            registries: Registries {
                cluster: Some(cluster),
                tenant: None,
                project,
            },
            ..Rules::default()
        };
        let digests = [
            rules(&wide, None).digest(),
            rules(&narrow, None).digest(),
            rules(&wide, Some(("web", &narrow))).digest(),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert_eq!(digests.iter().position(|other| other == digest), Some(index));
        }
    }
}
