//! Apps from their first dry run to their end, over HTTPS alone.

use crate::support::{Stage, app, is_ready};
use anyhow::ensure;
use kubeop_tests::{seed, wait};
use serde_json::{Value, json};
use std::time::Duration;

fn lines(value: &Value) -> Vec<&str> {
    let lines = value.as_array().into_iter().flatten();
    lines.filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn the_users_sample_is_planned_applied_rolled_back_and_deleted() {
    let stage = Stage::shared().await;
    // As the document names it.
    stage.project("web").await;
    let token = stage.token_of("kubeop-web", "portal", "edit").await;
    let caller = stage.with(Some(&token));
    let sample = seed::sample_app();
    let what = "app/payments -n kubeop-web";

    let planned = caller.post("/v1/apps?dryRun=true", sample).await.unwrap();
    let planned = planned.expect(200).unwrap();
    let plan = lines(&planned["plan"]);
    assert!(
        plan.iter().any(|line| line.ends_with("run pre hook migrate")),
        "{plan:?}"
    );
    assert!(
        plan.iter().all(|line| line.starts_with("app/payments: ")),
        "{plan:?}"
    );
    assert_eq!(planned["app"]["metadata"]["name"], "payments");
    assert_eq!(stage.get(what).await.unwrap(), Value::Null);

    let made = caller
        .post("/v1/apps", sample)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    assert_eq!(made["metadata"]["namespace"], "kubeop-web");
    let author = &made["metadata"]["annotations"]["platform.kubeop.io/author"];
    assert_eq!(author, "system:serviceaccount:kubeop-web:portal");
    let ready = stage.until(what, is_ready).await;
    wait::until(
        "the same again changes nothing",
        Duration::from_secs(10),
        || async {
            let before = stage.get(what).await?;
            let again = caller.post("/v1/apps", sample).await?.expect(200)?;
            let version = |app: &Value| app["metadata"]["resourceVersion"].clone();
            ensure!(version(&again) == version(&before), "{again:#}\n{before:#}");
            anyhow::Ok(())
        },
    )
    .await
    .unwrap();
    // What was read can be sent back.
    let read = caller.get("/v1/apps/kubeop-web/payments").await.unwrap();
    read.expect(200).unwrap();
    let back = caller
        .post("/v1/apps", &read.text)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(back["metadata"]["generation"], ready["metadata"]["generation"]);

    caller
        .post("/v1/apps", &sample.replace("payments:2.3.1", "payments:2.4.0"))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    stage
        .until(what, |found| {
            is_ready(found) && found["metadata"]["generation"] == 2
        })
        .await;
    let revisions = "/v1/apps/kubeop-web/payments/revisions";
    let told = caller.get(revisions).await.unwrap().expect(200).unwrap();
    let [second, first] = told["revisions"].as_array().unwrap().as_slice() else {
        panic!("{told:#}");
    };
    assert_eq!(
        (&told["wanted"], &told["delivered"], &told["pin"]),
        (&json!(2), &json!(2), &Value::Null)
    );
    assert_eq!(
        (&second["number"], &second["outcome"]),
        (&json!(2), &json!("Succeeded"))
    );
    assert_eq!(first["hooks"][0]["name"], "migrate");
    assert_eq!(first["hooks"][0]["outcome"], "Succeeded");
    assert_eq!(first["author"], "system:serviceaccount:kubeop-web:portal");

    let rollback = "/v1/apps/kubeop-web/payments/rollback";
    let previous = r#"{"to": "previous"}"#;
    let planned = caller
        .post(&format!("{rollback}?dryRun=true"), previous)
        .await
        .unwrap();
    let planned = planned.expect(200).unwrap();
    let plan = lines(&planned["plan"]);
    assert!(
        plan.iter().any(|line| line.contains("roll back to revision 1")),
        "{planned}"
    );
    let asked = caller
        .post(rollback, previous)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let resolved = asked["metadata"]["annotations"]["platform.kubeop.io/rollback-to"].as_str();
    let resolved = resolved.unwrap_or_default();
    assert!(
        resolved.contains("(previous)") && resolved.ends_with("by system:serviceaccount:kubeop-web:portal"),
        "{resolved}"
    );
    wait::until("the rollback holds", Duration::from_secs(30), || async {
        let told = caller.get(revisions).await?.expect(200)?;
        ensure!(told["pin"]["hash"] == first["hash"], "{told:#}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
    let refused = caller.post(rollback, r#"{"to": "ffff"}"#).await.unwrap();
    let refused = refused.expect(400).unwrap();
    assert_eq!(refused["violations"][0]["code"], "RevisionNotKept", "{refused}");
    caller
        .post(rollback, r#"{"to": "none"}"#)
        .await
        .unwrap()
        .expect(200)
        .unwrap();

    let path = "/v1/apps/kubeop-web/payments";
    caller
        .ask("DELETE", &format!("{path}?dryRun=true"), "")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    caller.get(path).await.unwrap().expect(200).unwrap();
    caller.ask("DELETE", path, "").await.unwrap().expect(200).unwrap();
    stage.until(what, Value::is_null).await;
    caller.get(path).await.unwrap().expect(404).unwrap();
    caller.get(revisions).await.unwrap().expect(404).unwrap();
}

#[tokio::test]
async fn a_refused_image_is_400_in_the_words_that_kubectl_shows() {
    let stage = Stage::shared().await;
    stage.project("words").await;
    let token = stage.token_of("kubeop-words", "portal", "edit").await;
    let app = app("words", "evil", "evil.example/x:1").to_string();
    let refused = stage.with(Some(&token)).post("/v1/apps", &app).await.unwrap();
    let refused = refused.expect(400).unwrap();
    let error = refused["error"].as_str().unwrap();
    assert!(
        error.starts_with("app evil refused: 1 fault\n[ImageNotAllowed] "),
        "{error}"
    );
    let kubectl = stage
        .cluster
        .kubectl_with_input(["apply", "-f", "-"], &app)
        .await
        .unwrap();
    let said = kubectl.failure().unwrap();
    assert!(said.trim_end().ends_with(error), "kubectl: {said}\nAPI: {error}");
    let violation = &refused["violations"][0];
    assert_eq!(violation["code"], "ImageNotAllowed");
    assert_eq!(violation["path"], "spec.delivery.image.ref");
    let line = format!(
        "[ImageNotAllowed] spec.delivery.image.ref: {}",
        violation["message"].as_str().unwrap()
    );
    assert!(error.ends_with(&line), "{refused}");
}

#[tokio::test]
async fn fields_of_another_manager_are_a_conflict_until_they_are_taken() {
    let stage = Stage::shared().await;
    stage.project("taken").await;
    let first = app("taken", "pay", "ghcr.io/acme/pay:1").to_string();
    stage.cluster.apply(&first).await.unwrap();
    let caller = stage.admin();
    let other = app("taken", "pay", "ghcr.io/acme/pay:2").to_string();
    let conflict = caller
        .post("/v1/apps", &other)
        .await
        .unwrap()
        .expect(409)
        .unwrap();
    let violation = &conflict["violations"][0];
    assert_eq!(violation["code"], "FieldManagerConflict");
    assert_eq!(violation["path"], "spec.delivery.image.ref");
    assert!(
        violation["message"]
            .as_str()
            .unwrap()
            .contains("kubectl-client-side-apply"),
        "{conflict}"
    );
    assert!(
        conflict["error"].as_str().unwrap().contains("?force=true"),
        "{conflict}"
    );
    caller
        .post("/v1/apps?force=true", &other)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let taken = stage.get("app/pay -n kubeop-taken").await.unwrap();
    assert_eq!(taken["spec"]["delivery"]["image"]["ref"], "ghcr.io/acme/pay:2");
    // A copy of yesterday is no ground to write on.
    let mut stale = app("taken", "pay", "ghcr.io/acme/pay:3");
    stale["metadata"]["resourceVersion"] = json!("1");
    caller
        .post("/v1/apps", &stale.to_string())
        .await
        .unwrap()
        .expect(409)
        .unwrap();
}

#[tokio::test]
async fn lists_come_in_pages_of_all_namespaces_or_of_one() {
    let stage = Stage::shared().await;
    stage.project("pages").await;
    let caller = stage.admin();
    for name in ["a", "b", "c"] {
        let app = app("pages", name, "ghcr.io/acme/pay:1").to_string();
        caller.post("/v1/apps", &app).await.unwrap().expect(201).unwrap();
    }
    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/v1/apps?namespace=kubeop-pages&limit=2&continue={next}");
        let page = caller.get(&path).await.unwrap().expect(200).unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2, "{page}");
        names.extend(
            items
                .iter()
                .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()),
        );
        next = page["metadata"]["continue"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    let all = caller.get("/v1/apps").await.unwrap().expect(200).unwrap();
    assert!(all["items"].as_array().unwrap().len() >= 3, "{all}");
}
