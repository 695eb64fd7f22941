//! What the audit log tells of a schedule: each hook ran once, and nothing of a revision was delivered before its pre
//! hooks had succeeded.

use std::collections::{BTreeMap, BTreeSet};

use kubeop_tests::Identity;
use kubeop_tests::audit::Entry;
use serde_json::Value;

use crate::objects::{POST, PRE};

/// A hook of a spec: its name, and the tag of its image.
type Hook = (String, String);

/// What is wrong; empty if nothing is. `retries` says how often a person asked for another try, by tag; `last` is
/// the tag of what is delivered at the end.
pub fn faults(mut entries: Vec<Entry>, retries: &BTreeMap<String, usize>, last: &str) -> Vec<String> {
    // An entry is written when its request is answered. What one request waited for was received before it.
    entries.sort_by(|one, other| one.received.cmp(&other.received));
    let mut faults = Vec::new();
    let mut jobs = BTreeMap::<String, Hook>::new();
    let mut succeeded = BTreeSet::<Hook>::new();
    let controller = Identity::controller().user;
    for entry in entries
        .iter()
        .filter(|entry| (200..300).contains(&entry.code) && !entry.dry_run)
    {
        let Some(body) = &entry.body else { continue };
        let name = entry.name.clone().or_else(|| text(body, "/metadata/name"));
        let name = name.unwrap_or_default();
        let subresource = entry.subresource.as_deref();
        match (entry.resource.as_str(), subresource, entry.verb.as_str()) {
            ("jobs", None, "create") => {
                let label = text(body, "/metadata/labels/platform.kubeop.io~1hook").unwrap_or_default();
                if jobs.insert(name.clone(), (label, tag(body))).is_some() {
                    faults.push(format!("the Job {name} was made twice"));
                }
            }
            ("jobs", Some("status"), _) if completed(body) => succeeded.extend(jobs.get(&name).cloned()),
            ("deployments", None, "patch" | "create" | "update") if entry.user == controller => {
                let tag = tag(body);
                for hook in PRE.map(|hook| (hook.to_owned(), tag.clone())) {
                    if !succeeded.contains(&hook) {
                        faults.push(format!(
                            "{tag} was delivered before its hook {} had succeeded",
                            hook.0
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    let mut runs = BTreeMap::<&Hook, usize>::new();
    for hook in jobs.values() {
        *runs.entry(hook).or_default() += 1;
    }
    for ((hook, tag), runs) in &runs {
        let most = 1 + retries.get(tag).unwrap_or(&0);
        if *runs > most {
            faults.push(format!(
                "hook {hook} of {tag} ran {runs} times, and may run {most}"
            ));
        }
    }
    for hook in PRE.iter().chain(&POST) {
        if !succeeded.contains(&((*hook).to_owned(), last.to_owned())) {
            faults.push(format!("hook {hook} of {last} did not succeed"));
        }
    }
    faults
}

fn text(body: &Value, pointer: &str) -> Option<String> {
    Some(body.pointer(pointer)?.as_str()?.to_owned())
}

/// Tag of the first image.
fn tag(body: &Value) -> String {
    let image = text(body, "/spec/template/spec/containers/0/image").unwrap_or_default();
    image
        .rsplit_once(':')
        .map_or(String::new(), |(_, tag)| tag.to_owned())
}

fn completed(body: &Value) -> bool {
    let mut conditions = body["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Complete" && condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(time: usize, verb: &str, resource: &str, name: &str, body: Value) -> Entry {
        let (resource, subresource) = resource
            .split_once('/')
            .map_or((resource, None), |(resource, part)| {
                (resource, Some(part.to_owned()))
            });
        Entry {
            user: Identity::controller().user,
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            subresource,
            name: Some(name.to_owned()),
            code: 201,
            received: format!("{time:04}"),
            body: Some(body),
            ..Entry::default()
        }
    }

    fn images(tag: &str) -> Value {
        json!({"template": {"spec": {"containers": [{"image": format!("ghcr.io/acme/x:{tag}")}]}}})
    }

    fn job(time: usize, name: &str, hook: &str, tag: &str) -> Entry {
        let labels = json!({"platform.kubeop.io/hook": hook});
        let body = json!({"metadata": {"name": name, "labels": labels}, "spec": images(tag)});
        entry(time, "create", "jobs", name, body)
    }

    fn success(time: usize, name: &str) -> Entry {
        let conditions = json!([{"type": "Complete", "status": "True"}]);
        entry(
            time,
            "update",
            "jobs/status",
            name,
            json!({"status": {"conditions": conditions}}),
        )
    }

    fn delivery(time: usize, tag: &str) -> Entry {
        entry(time, "patch", "deployments", "pay", json!({"spec": images(tag)}))
    }

    /// A revision that is delivered as it should be.
    fn good() -> Vec<Entry> {
        vec![
            job(1, "b", "backup", "spec-0"),
            success(2, "b"),
            job(3, "m", "migrate", "spec-0"),
            success(4, "m"),
            delivery(5, "spec-0"),
            job(6, "n", "notify", "spec-0"),
            success(7, "n"),
        ]
    }

    fn told(entries: Vec<Entry>) -> Vec<String> {
        faults(entries, &BTreeMap::new(), "spec-0")
    }

    #[test]
    fn a_good_delivery_has_no_faults_in_whatever_order_its_answers_are_written() {
        let mut entries = good();
        entries.reverse();
        assert_eq!(told(entries), Vec::<String>::new());
    }

    #[test]
    fn a_hook_that_ran_twice_is_told_unless_somebody_asked() {
        let mut entries = good();
        entries.push(job(8, "m-again", "migrate", "spec-0"));
        assert_eq!(
            told(entries.clone()),
            ["hook migrate of spec-0 ran 2 times, and may run 1"]
        );
        let retries = BTreeMap::from([("spec-0".to_owned(), 1)]);
        assert_eq!(faults(entries.clone(), &retries, "spec-0"), Vec::<String>::new());
        entries.push(job(9, "m-again", "migrate", "spec-0"));
        assert_eq!(
            faults(entries, &retries, "spec-0"),
            ["the Job m-again was made twice"]
        );
    }

    #[test]
    fn a_delivery_before_a_hook_is_told_and_so_is_a_hook_that_never_ran() {
        let mut entries = good();
        entries.insert(0, delivery(0, "spec-0"));
        entries.remove(6);
        assert_eq!(
            told(entries),
            [
                "spec-0 was delivered before its hook backup had succeeded",
                "spec-0 was delivered before its hook migrate had succeeded",
                "hook notify of spec-0 did not succeed",
            ]
        );
    }
}
