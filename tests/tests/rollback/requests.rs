//! `rollback-to`: what is delivered, how long it stays, and what is refused.

use std::time::{Duration, Instant};

use anyhow::Result;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kubeop_tests::fake;
use serde_json::{Value, json};

use crate::support::Evening;
use crate::told::{
    APP, LIVE, ROLLBACK, image, is, is_within, jobs, message, record, revision, roll_back, told,
};

const HOOK: &str = "  hooks:\n    pre:\n    - {name: migrate, image: 'ghcr.io/acme/migrate:1'}\n";

fn app(evening: &Evening<'_>, tag: &str) -> String {
    evening.app(&format!("ghcr.io/acme/pay:{tag}"), HOOK)
}

/// Delivers revisions one after the other, and returns their hashes as status shows them.
async fn deliver(evening: &Evening<'_>, tags: &[&str]) -> Vec<String> {
    let mut hashes = Vec::new();
    for tag in tags {
        evening.apply(&app(evening, tag)).await.unwrap();
        hashes.push(revision(&is(evening, "True", "Succeeded").await));
    }
    hashes
}

async fn server_side(evening: &Evening<'_>, yaml: &str) -> Result<String> {
    let args = [
        "apply",
        "--server-side",
        "--field-manager=gitops",
        "--force-conflicts",
        "-f",
        "-",
    ];
    let applied = evening.kubeop.cluster().kubectl_with_input(args, yaml).await?;
    applied.success()
}

/// What Flux does at its first apply: what kubectl wrote becomes its own, so that its next apply takes it away.
async fn take_over(evening: &Evening<'_>) {
    let app = evening
        .kubectl(&format!(
            "get {APP} -n {} -o json --show-managed-fields",
            evening.ns
        ))
        .await
        .unwrap();
    let app: Value = serde_json::from_str(&app).unwrap();
    let entries = app["metadata"]["managedFields"].as_array().unwrap();
    let is_gitops = |entry: &&Value| entry["manager"] == "gitops";
    let by_kubectl = |entry: &&Value| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        manager.starts_with("kubectl") && entry["subresource"].is_null()
    };
    let mut ours = entries.iter().find(is_gitops).unwrap().clone();
    for entry in entries.iter().filter(by_kubectl) {
        unite(&mut ours["fieldsV1"], &entry["fieldsV1"]);
    }
    let others = entries
        .iter()
        .filter(|entry| !is_gitops(entry) && !by_kubectl(entry));
    let entries: Vec<Value> = others.cloned().chain([ours]).collect();
    let fields = json!({"metadata": {"managedFields": entries, "resourceVersion": app["metadata"]["resourceVersion"]}});
    let client = evening.kubeop.cluster().client().await.unwrap();
    let resource = kube::core::ApiResource::from_gvk_with_plural(
        &kube::core::GroupVersionKind::gvk("platform.kubeop.io", "v1alpha1", "App"),
        "apps",
    );
    let apps: kube::Api<DynamicObject> = kube::Api::namespaced_with(client, &evening.ns, &resource);
    apps.patch("pay", &PatchParams::default(), &Patch::Merge(&fields))
        .await
        .unwrap();
}

fn unite(into: &mut Value, other: &Value) {
    for (name, value) in other.as_object().unwrap() {
        unite(
            into.as_object_mut()
                .unwrap()
                .entry(name.clone())
                .or_insert(json!({})),
            value,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s38_s48_a_rollback_stays_until_something_new_is_said() {
    let evening = Evening::new("stays").await;
    let [first, second] = deliver(&evening, &["1", "2"]).await.try_into().unwrap();
    assert_eq!(jobs(&evening).await, 2);

    let asked = Instant::now();
    roll_back(&evening, "previous").await.unwrap();
    let wait = format!(
        "wait -n {} {APP} --for=jsonpath={{.status.revision}}={first} --timeout=5s",
        evening.ns
    );
    evening.kubectl(&wait).await.unwrap();
    let pinned = is_within(&evening, LIVE, "True", "Pinned").await;
    assert!(asked.elapsed() < LIVE, "{:?}", asked.elapsed());
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    let who = "auth whoami -o jsonpath={.status.userInfo.username}";
    let who = evening.kubectl(who).await.unwrap();
    let said = message(&pinned);
    for part in [
        &format!(
            "revision 3 ({first}) is delivered and healthy instead of revision 2 ({second}), as {who} asked"
        ),
        &format!(
            "kubectl annotate --overwrite -n {} {APP} {ROLLBACK}=none",
            evening.ns
        ),
    ] {
        assert!(said.contains(part), "{said}");
    }
    let resolved = format!("{first} instead of {second} after revision 2 (previous) by {who}");
    assert_eq!(pinned["metadata"]["annotations"][ROLLBACK], json!(resolved));
    assert_eq!(pinned["status"]["handled"][ROLLBACK], json!(resolved));
    told(&evening, "RolledBack", &format!("as {who} asked")).await;

    // The second again, in every way that tools have.
    let again = app(&evening, "2");
    for round in 0..10 {
        match round {
            0..=3 => evening.apply(&again).await.unwrap(),
            4..=6 => server_side(&evening, &again).await.unwrap(),
            _ => {
                take_over(&evening).await;
                server_side(&evening, &again).await.unwrap()
            }
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        let app = is(&evening, "True", "Pinned").await;
        assert_eq!(revision(&app), first, "round {round}");
        assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1", "round {round}");
    }
    let live = evening.get(APP).await.unwrap();
    assert!(
        live["metadata"]["annotations"][ROLLBACK].is_null(),
        "a takeover strips what kubectl wrote"
    );
    assert_eq!(jobs(&evening).await, 2, "no hook ran");
    let history = record(&evening).await;
    for part in [
        "cause: Requested",
        &format!("by: {who}"),
        &format!("rollback: as {who} asked"),
    ] {
        assert!(history.contains(part), "{history}");
    }

    // Something new.
    server_side(&evening, &app(&evening, "3")).await.unwrap();
    let app = is(&evening, "True", "Succeeded").await;
    assert_ne!(revision(&app), first);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:3");
    assert_eq!(jobs(&evening).await, 3);
    told(&evening, "PinLifted", "something new").await;
    let history = record(&evening).await;
    assert!(!history.contains("insteadOf"), "{history}");
    assert!(
        history.contains(&format!("rollback: as {who} asked")),
        "history keeps it: {history}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn none_lifts_a_rollback_and_replicas_are_those_of_today() {
    let evening = Evening::new("lifted").await;
    let [first, second] = deliver(&evening, &["1", "2"]).await.try_into().unwrap();
    roll_back(&evening, &first[..6]).await.unwrap();
    is(&evening, "True", "Pinned").await;
    let scale = format!("scale -n {} {APP} --replicas=3", evening.ns);
    evening.kubectl(&scale).await.unwrap();
    let wait = format!(
        "wait -n {} deployments.apps/pay --for=jsonpath={{.spec.replicas}}=3 --timeout=30s",
        evening.ns
    );
    evening.kubectl(&wait).await.unwrap();
    let app = is(&evening, "True", "Pinned").await;
    assert_eq!(revision(&app), first, "scaling is nothing new");
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    // As the message says.
    evening.follow(&message(&app), &[]).await;
    let app = is(&evening, "True", "Succeeded").await;
    assert_eq!(revision(&app), second);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:2");
    assert_eq!(jobs(&evening).await, 2, "no hook ran again");
    told(&evening, "PinLifted", "asked").await;
    // And once more, by number: the same request at another time is another request.
    roll_back(&evening, "previous").await.unwrap();
    assert_eq!(revision(&is(&evening, "True", "Pinned").await), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_back_is_refused_with_what_is_kept() {
    let evening = Evening::new("refused").await;
    let old = evening.app("ghcr.io/acme/old/pay:1", "");
    evening.apply(&old).await.unwrap();
    let first = revision(&is(&evening, "True", "Succeeded").await);
    let refused = roll_back(&evening, "previous").await.unwrap_err().to_string();
    assert!(
        refused.contains("[RevisionNotKept]") && refused.contains("none succeeded but"),
        "{refused}"
    );
    evening
        .apply(&evening.app("ghcr.io/acme/new/pay:2", ""))
        .await
        .unwrap();
    let second = revision(&is(&evening, "True", "Succeeded").await);
    let kept = format!("Kept: 2 ({second}), 1 ({first})");
    for unknown in ["7", "ffffffff", "yesterday"] {
        let refused = roll_back(&evening, unknown).await.unwrap_err().to_string();
        assert!(
            refused.contains("[RevisionNotKept]") && refused.contains(&kept),
            "{refused}"
        );
    }
    // The list is narrowed: what ran yesterday could not start today.
    evening
        .project(", imageAllowlist: [ghcr.io/acme/new]")
        .await
        .unwrap();
    let refused = kubeop_tests::wait::until("the list holds", LIVE, || async {
        let answer = roll_back(&evening, "1").await;
        answer
            .err()
            .map(|refused| refused.to_string())
            .ok_or(anyhow::anyhow!("admitted"))
    })
    .await
    .unwrap();
    for part in [
        "[ImageNotAllowed]",
        &format!(
            "is revision 1 ({first}), whose image \"ghcr.io/acme/old/pay:1\" is not in the list of project refused"
        ),
        &kept,
    ] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_manifest_is_the_same_revision_and_runs_no_hook() {
    let evening = Evening::new("older").await;
    let [first] = deliver(&evening, &["1"]).await.try_into().unwrap();
    let cause = [
        "annotate",
        APP,
        "-n",
        &evening.ns,
        "platform.kubeop.io/change-cause=CHG-12: new prices",
    ];
    let annotated = evening.kubeop.cluster().kubectl(cause).await.unwrap();
    annotated.success().unwrap();
    deliver(&evening, &["2"]).await;
    let history = record(&evening).await;
    assert_eq!(history.matches("CHG-12: new prices").count(), 1, "{history}");
    evening.apply(&app(&evening, "1")).await.unwrap();
    let app = is(&evening, "True", "Succeeded").await;
    assert_eq!(revision(&app), first);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");
    assert_eq!(jobs(&evening).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_whose_secret_is_gone_changes_nothing() {
    let evening = Evening::new("lost").await;
    let [_, second] = deliver(&evening, &["1", "2"]).await.try_into().unwrap();
    evening
        .kubectl(&format!("delete secret kubeop-revision-pay-1 -n {}", evening.ns))
        .await
        .unwrap();
    roll_back(&evening, "1").await.unwrap();
    told(&evening, "PinLifted", "Secret kubeop-revision-pay-1 is gone").await;
    let app = is(&evening, "True", "Succeeded").await;
    assert_eq!(revision(&app), second);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_app_is_rolled_back_and_takes_nothing_new() {
    let evening = Evening::new("frozen").await;
    let [first, _] = deliver(&evening, &["1", "2"]).await.try_into().unwrap();
    let freeze = [
        "annotate",
        APP,
        "-n",
        &evening.ns,
        "platform.kubeop.io/freeze=audit until Monday",
    ];
    evening
        .kubeop
        .cluster()
        .kubectl(freeze)
        .await
        .unwrap()
        .success()
        .unwrap();
    let refused = evening.apply(&app(&evening, "3")).await.unwrap_err().to_string();
    assert!(
        refused.contains("[Frozen] spec:") && refused.contains("audit until Monday"),
        "{refused}"
    );
    roll_back(&evening, "previous").await.unwrap();
    assert_eq!(revision(&is(&evening, "True", "Pinned").await), first);
    let line = refused
        .lines()
        .rev()
        .find(|line| line.starts_with("kubectl annotate"));
    evening
        .kubeop
        .cluster()
        .paste(line.unwrap())
        .await
        .unwrap()
        .success()
        .unwrap();
    evening.apply(&app(&evening, "3")).await.unwrap();
    is(&evening, "True", "Succeeded").await;
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_hangs_is_given_up_for_a_rollback() {
    let evening = Evening::new("hangs").await;
    let [first, _] = deliver(&evening, &["1", "2"]).await.try_into().unwrap();
    let stuck = format!(
        "      env: [{{name: {}, value: 'true'}}]\n{HOOK}",
        fake::PULL_ERROR
    );
    evening
        .apply(&evening.app("ghcr.io/acme/pay:3", &stuck))
        .await
        .unwrap();
    evening.says(&["cannot be pulled"]).await;
    roll_back(&evening, &first).await.unwrap();
    assert_eq!(
        revision(&is_within(&evening, LIVE, "True", "Pinned").await),
        first
    );
    assert_eq!(jobs(&evening).await, 3);
}
