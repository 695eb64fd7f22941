//! `kubectl rollout undo`: recognised, held, and shown.

use std::time::Duration;

use anyhow::ensure;
use kubeop_tests::wait;

use crate::support::{Evening, SOON};
use crate::told::{image, is, is_within, jobs, message, revision, told};

fn app(evening: &Evening<'_>, tag: &str, more: &str) -> String {
    evening.app(&format!("ghcr.io/acme/pay:{tag}"), more)
}

async fn undo(evening: &Evening<'_>, more: &str) {
    let args = format!("-n {} rollout undo deploy/pay {more}", evening.ns);
    evening.kubectl(&args).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s39_an_undo_is_held_and_other_drift_is_still_corrected() {
    let evening = Evening::new("undo").await;
    let mut hashes = Vec::new();
    let only_first = "      env: [{name: ONLY_FIRST, value: 'x'}]\n";
    for (tag, more) in [("1", only_first), ("2", ""), ("3", "")] {
        evening.apply(&app(&evening, tag, more)).await.unwrap();
        hashes.push(revision(&is(&evening, "True", "Succeeded").await));
    }
    undo(&evening, "--to-revision=1").await;
    let pinned = is_within(&evening, SOON, "True", "Pinned").await;
    assert_eq!(revision(&pinned), hashes[0]);
    let said = message(&pinned);
    assert!(said.contains("by kubectl rollout undo"), "{said}");
    told(&evening, "RolledBack", "by kubectl rollout undo").await;
    // The spec of today, applied again, does not change that.
    evening.apply(&app(&evening, "3", "")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:1");

    // Other drift is put back as that revision says.
    let edit = format!("patch service/pay -n {} --type=json -p", evening.ns);
    let mut edit: Vec<&str> = edit.split_whitespace().collect();
    edit.push(r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 9999}]"#);
    evening
        .kubeop
        .cluster()
        .kubectl(edit)
        .await
        .unwrap()
        .success()
        .unwrap();
    wait::until("the Service is put back", SOON, || async {
        let port = format!(
            "get service/pay -n {} -o jsonpath={{.spec.ports[0].port}}",
            evening.ns
        );
        let port = evening.kubectl(&port).await?;
        ensure!(port == "8080", "{port}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();

    // Undone once more: what was before is what the spec says.
    undo(&evening, "").await;
    let back = is(&evening, "True", "Succeeded").await;
    assert_eq!(revision(&back), hashes[2]);
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:3");
    told(&evening, "PinLifted", "by kubectl rollout undo").await;
    undo(&evening, "").await;
    assert_eq!(revision(&is(&evening, "True", "Pinned").await), hashes[0]);

    // What only the undo brought back goes with the next revision that leaves it out.
    evening.apply(&app(&evening, "4", "")).await.unwrap();
    is(&evening, "True", "Succeeded").await;
    let deployment = evening.get("deployments.apps/pay").await.unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "ghcr.io/acme/pay:4");
    assert!(container["env"].is_null(), "{container}");
    assert_eq!(jobs(&evening).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s39_an_undo_to_what_is_not_kept_is_put_back_and_told() {
    let evening = Evening::new("undo-lost").await;
    let limit = "  revisionHistoryLimit: 1\n";
    for tag in ["1", "2", "3"] {
        evening.apply(&app(&evening, tag, limit)).await.unwrap();
        is(&evening, "True", "Succeeded").await;
    }
    undo(&evening, "--to-revision=1").await;
    told(&evening, "DriftCorrected", "not kept any more").await;
    wait::until("the Deployment is put back", SOON, || async {
        let image = image(&evening).await;
        ensure!(image == "ghcr.io/acme/pay:3", "{image}");
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    is(&evening, "True", "Succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s39_a_hand_edit_beside_an_undo_is_no_undo() {
    let evening = Evening::new("undo-and").await;
    for tag in ["1", "2"] {
        evening.apply(&app(&evening, tag, "")).await.unwrap();
        is(&evening, "True", "Succeeded").await;
    }
    // The annotation of the first, with a template that no revision renders.
    let deployment = evening.get("deployments.apps/pay").await.unwrap();
    let first = evening.get("replicasets.apps").await.unwrap();
    let revisions = first["items"].as_array().unwrap().iter();
    let name = "platform.kubeop.io/revision";
    let mut hashes = revisions.map(|set| set["metadata"]["annotations"][name].as_str().unwrap());
    let live = deployment["metadata"]["annotations"][name].as_str().unwrap();
    let other = hashes.find(|hash| *hash != live).unwrap();
    let patch = serde_json::json!({"metadata": {"annotations": {name: other}}, "spec": {"template": {"spec":
        {"containers": [{"name": "pay", "image": "ghcr.io/acme/by-hand:1"}]}}}});
    let args = format!("patch deployments.apps/pay -n {} --type=strategic -p", evening.ns);
    let patch = patch.to_string();
    let args = args.split_whitespace().chain([patch.as_str()]);
    evening
        .kubeop
        .cluster()
        .kubectl(args)
        .await
        .unwrap()
        .success()
        .unwrap();
    told(&evening, "DriftCorrected", "Deployment pay").await;
    let app = is(&evening, "True", "Succeeded").await;
    assert_eq!(image(&evening).await, "ghcr.io/acme/pay:2");
    assert_eq!(revision(&app), live[..12]);
}
