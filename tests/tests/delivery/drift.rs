//! What others change of a delivered object is put back; what they add is theirs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kubeop_tests::keeper::requests::Ending;
use kubeop_tests::wait;
use serde_json::json;

use crate::apps::image_of;
use crate::support::{SOON, Stage, image_app};

async fn delivered(stage: &Stage, project: &str) -> String {
    stage.project(project).await.unwrap();
    let ns = format!("kubeop-{project}");
    stage
        .apply(&image_app(&ns, "pay", "ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    stage.app_is(&ns, "pay", "True", "Succeeded").await.unwrap();
    ns
}

async fn back(stage: &Stage, ns: &str) -> Result<()> {
    let deployment = stage.get(ns, "deployments/pay").await?;
    ensure!(image_of(&deployment) == "ghcr.io/acme/pay:1", "{deployment}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_edit_is_put_back_within_two_seconds() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "edited").await;
    let _running = stage.running.read().await;
    stage
        .kubectl(&format!(
            "set image deployment/pay -n {ns} *=ghcr.io/acme/pay:by-hand"
        ))
        .await
        .unwrap();
    let edited = Instant::now();
    wait::until("the image is back", SOON, || back(stage, &ns))
        .await
        .unwrap();
    assert!(
        edited.elapsed() < Duration::from_secs(2),
        "{:?}",
        edited.elapsed()
    );
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(events.contains("DriftCorrected"), "{events}");
}

/// The port is what tells two items of that list apart: to the API server this is another port, of the same name.
#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_edited_by_hand_is_put_back() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "ported").await;
    let edit = r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 9999}]"#;
    let args = ["patch", "service/pay", "-n", &ns, "--type=json", "-p", edit];
    stage.cluster.kubectl(args).await.unwrap().success().unwrap();
    wait::until("the port is back", SOON, || async {
        let service = stage.get(&ns, "service/pay").await?;
        let ports = service["spec"]["ports"].as_array().map_or(0, Vec::len);
        ensure!(
            service["spec"]["ports"][0]["port"] == 8080 && ports == 1,
            "{service}"
        );
        Ok(())
    })
    .await
    .unwrap();
    let events = stage.kubectl(&format!("get events -n {ns}")).await.unwrap();
    assert!(
        events.contains(r#""kubectl-patch" changes .spec.ports["#),
        "{events}"
    );
    stage.app_is(&ns, "pay", "True", "Succeeded").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_comes_back() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "gone").await;
    stage
        .kubectl(&format!("delete service/pay deployment/pay -n {ns}"))
        .await
        .unwrap();
    wait::until("both are back", SOON, || async {
        ensure!(!stage.get(&ns, "services/pay").await?.is_null(), "no Service");
        back(stage, &ns).await
    })
    .await
    .unwrap();
    stage.app_is(&ns, "pay", "True", "Succeeded").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_lost_our_label_gets_it_again() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "unlabelled").await;
    stage
        .kubectl(&format!("label service/pay -n {ns} app.kubeop.io/app-id-"))
        .await
        .unwrap();
    wait::until("the label is back", SOON, || async {
        let service = stage.get(&ns, "services/pay").await?;
        ensure!(
            service["metadata"]["labels"]["app.kubeop.io/app-id"] == "pay",
            "{service}"
        );
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_the_controller_was_down_is_put_back() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "asleep").await;
    let running = stage.running.write().await;
    stage.stop_controller(Ending::Killed).await.unwrap();
    stage
        .kubectl(&format!(
            "set image deployment/pay -n {ns} *=ghcr.io/acme/pay:by-hand"
        ))
        .await
        .unwrap();
    stage.start_controller().await.unwrap();
    drop(running);
    wait::until("the image is back", SOON, || back(stage, &ns))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_is_theirs() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "added").await;
    stage
        .kubectl(&format!("annotate deployment/pay -n {ns} note=1"))
        .await
        .unwrap();
    let restarted = format!("rollout restart deployment/pay -n {ns}");
    stage.kubectl(&restarted).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let deployment = stage.get(&ns, "deployments/pay").await.unwrap();
    assert_eq!(deployment["metadata"]["annotations"]["note"], "1");
    let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
    assert_ne!(
        annotations["kubectl.kubernetes.io/restartedAt"],
        json!(null),
        "a restart survives"
    );
}

/// An object that exists and says otherwise is not taken over; the message names who holds the field.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_object_is_a_conflict_until_the_app_forces_it() {
    let stage = Stage::shared().await;
    stage.project("foreign").await.unwrap();
    let ns = "kubeop-foreign";
    let foreign = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: pay, namespace: {ns}}}\nspec:\n  selector: {{x: z}}\n  \
         ports: [{{name: http, port: 8080, targetPort: 9}}]\n"
    );
    stage
        .cluster
        .kubectl_with_input(
            ["apply", "--server-side", "--field-manager=somebody", "-f", "-"],
            &foreign,
        )
        .await
        .unwrap()
        .success()
        .unwrap();
    stage
        .apply(&image_app(ns, "pay", "ghcr.io/acme/pay:1", ""))
        .await
        .unwrap();
    let app = stage.app_is(ns, "pay", "False", "Conflict").await.unwrap();
    let message = crate::support::condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("somebody") && message.contains("Service pay"),
        "{message}"
    );
    stage
        .kubectl(&format!(
            "annotate apps.platform.kubeop.io/pay -n {ns} platform.kubeop.io/force-conflicts=true"
        ))
        .await
        .unwrap();
    stage.app_is(ns, "pay", "True", "Succeeded").await.unwrap();
}

/// Two who disagree do not fight for ever: kubeOP steps back and says who it is.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_fight_over_a_field_the_other_manager_is_named() {
    let stage = Stage::shared().await;
    let ns = delivered(stage, "fight").await;
    let _running = stage.running.read().await;
    let theirs = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: pay, namespace: {ns}}}\nspec: {{replicas: 7}}\n"
    );
    for _ in 0..5 {
        stage
            .cluster
            .kubectl_with_input(
                [
                    "apply",
                    "--server-side",
                    "--force-conflicts",
                    "--field-manager=other-operator",
                    "-f",
                    "-",
                ],
                &theirs,
            )
            .await
            .unwrap()
            .success()
            .unwrap();
        wait::until("it is put back, or given up", SOON, || async {
            let deployment = stage.get(&ns, "deployments/pay").await?;
            let app = stage.get(&ns, "apps.platform.kubeop.io/pay").await?;
            let given_up = crate::support::condition(&app, "Ready")["reason"] == "Conflict";
            ensure!(deployment["spec"]["replicas"] == 2 || given_up, "{deployment}");
            Ok::<_, anyhow::Error>(())
        })
        .await
        .unwrap();
    }
    let app = stage.app_is(&ns, "pay", "False", "Conflict").await.unwrap();
    let message = crate::support::condition(&app, "Ready")["message"].to_string();
    assert!(
        message.contains("other-operator") && message.contains(".spec.replicas"),
        "{message}"
    );
}
