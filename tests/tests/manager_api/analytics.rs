//! The summary: the numbers that `kubectl get apps -A -o json` gives, and to each only what he may list.

use crate::support::{Stage, app, is_ready, said};
use anyhow::{Result, ensure};
use kubeop_tests::manager_api::Caller;
use kubeop_tests::wait;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SUMMARY: &str = "/v1/analytics/summary";

fn raw(project: &str, name: &str, image: &str) -> Value {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": name}}, "template": {"metadata": {"labels": {"a": name}},
        "spec": {"containers": [{"name": "main", "image": image}]}}}});
    let mut raw = app(project, name, "");
    raw["spec"]["delivery"] = json!({"kind": "Raw", "raw": {"manifests": [deployment]}});
    raw
}

/// Counts texts.
fn counts(texts: impl IntoIterator<Item = String>) -> Value {
    let mut counts = BTreeMap::<String, u64>::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    json!(counts)
}

/// Every text that stands where an image does, in these tests' Apps.
fn images(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "ref" || name == "image" => found.push(text.clone()),
                    _ => images(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images(item, found)),
        _ => {}
    }
}

/// Repositories of an App: its images without tags, each once.
fn repositories(app: &Value) -> Vec<String> {
    let mut found = Vec::new();
    images(&app["spec"], &mut found);
    let mut repositories: Vec<String> = found
        .iter()
        .map(|image| {
            image
                .rsplit_once(':')
                .map_or(image.as_str(), |(repository, _)| repository)
                .to_owned()
        })
        .collect();
    repositories.sort();
    repositories.dedup();
    repositories
}

/// What the Apps of a listing add up to.
fn counted(list: &Value, tenants: &Map<String, Value>) -> Value {
    let items = list["items"].as_array().unwrap();
    let texts = |of: &dyn Fn(&Value) -> String| counts(items.iter().map(of));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let repositories: Vec<String> = items.iter().flat_map(repositories).collect();
    let hosts = repositories
        .iter()
        .map(|repository| repository.split('/').next().unwrap().to_owned());
    let state = |item: &Value| match said(item, "Ready")["reason"].as_str() {
        Some(reason) => reason.to_owned(),
        None => "Pending".to_owned(),
    };
    json!({
        "apps": {
            "total": items.len(),
            "byKind": texts(&|item| text(&item["spec"]["delivery"]["kind"])),
            "byProject": texts(&|item| text(&item["spec"]["projectRef"])),
            "byTenant": texts(&|item| {
                let project = item["spec"]["projectRef"].as_str().unwrap_or_default();
                tenants.get(project).map(text).unwrap_or_default()
            }),
            "byState": texts(&state),
        },
        "images": {"byHost": counts(hosts), "byRepository": counts(repositories.clone())},
    })
}

/// Waits until the summary says what a listing by kubectl adds up to: other tests make Apps meanwhile.
async fn agrees(stage: &Stage, caller: &Caller, which: &str) -> Value {
    wait::until("the summary agrees", Duration::from_secs(60), || async {
        let before = stage.get(&format!("apps.platform.kubeop.io {which}")).await?;
        let summary = caller.get(SUMMARY).await?.expect(200)?;
        let after = stage.get(&format!("apps.platform.kubeop.io {which}")).await?;
        let projects = stage.get("projects").await?;
        let projects = projects["items"].as_array().cloned().unwrap_or_default();
        let tenants = projects.into_iter().map(|project| {
            let name = project["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            (name, project["spec"]["tenantRef"].clone())
        });
        let wanted = counted(&after, &tenants.collect());
        ensure!(before["items"] == after["items"], "they change");
        for part in ["apps", "images"] {
            ensure!(
                summary[part] == wanted[part],
                "{:#} instead of {:#}",
                summary[part],
                wanted[part]
            );
        }
        anyhow::Ok(summary)
    })
    .await
    .unwrap()
}

async fn apply(caller: &Caller, app: &Value) -> Result<()> {
    caller
        .post("/v1/apps", &app.to_string())
        .await?
        .expect(201)
        .map(drop)
}

#[tokio::test]
async fn the_numbers_are_those_of_kubectl_and_everybody_has_his_own() {
    let stage = Stage::shared().await;
    tokio::join!(stage.project("east"), stage.project("west"));
    let admin = stage.admin();
    let mut hooked = app("east", "hooked", "ghcr.io/acme/pay:1");
    hooked["spec"]["hooks"] = json!({"pre": [{"name": "migrate", "image": "ghcr.io/acme/migrate:1"}]});
    let apps = [
        hooked,
        app("east", "plain", "ghcr.io/acme/pay:2"),
        raw("west", "chart", "ghcr.io/acme/chart:1"),
    ];
    for app in &apps {
        apply(&admin, app).await.unwrap();
    }
    tokio::join!(
        stage.until("app/hooked -n kubeop-east", is_ready),
        stage.until("app/plain -n kubeop-east", is_ready),
        stage.until("app/chart -n kubeop-west", is_ready),
    );
    let all = agrees(stage, &admin, "-A").await;
    assert!(all["apps"]["total"].as_u64().unwrap() >= 3, "{all}");

    let viewer = stage.token_of("kubeop-east", "viewer", "view").await;
    let viewer = stage.with(Some(&viewer));
    let own = agrees(stage, &viewer, "-n kubeop-east").await;
    assert_eq!(own["apps"]["byProject"], json!({"east": 2}));
    assert_eq!(
        own["images"]["byRepository"],
        json!({"ghcr.io/acme/pay": 2, "ghcr.io/acme/migrate": 1})
    );
    assert_eq!(own["lastDay"]["hooks"], json!({"Succeeded": 1}));
    assert_eq!(own["lastDay"]["revisions"], json!({"Succeeded": 2}));
    assert_eq!(
        (&own["lastDay"]["rollbacks"], &own["lastWeek"]),
        (&json!({}), &own["lastDay"])
    );
    assert!(
        !own.to_string().contains("west") && !own.to_string().contains("chart"),
        "{own}"
    );

    let nobody = stage.token_of("kubeop-east", "nobody", "-").await;
    let nothing = stage
        .with(Some(&nobody))
        .get(SUMMARY)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(nothing["apps"]["total"], 0);
}

#[tokio::test]
async fn whoever_looks_again_costs_the_api_server_nothing() {
    let stage = Stage::shared().await;
    let admin = stage.admin();
    admin.get(SUMMARY).await.unwrap().expect(200).unwrap();
    let log = stage.cluster.audit_log().unwrap().from_now().unwrap();
    for _ in 0..20 {
        admin.get(SUMMARY).await.unwrap().expect(200).unwrap();
    }
    let asked = log.entries().unwrap();
    let reviews: Vec<_> = asked
        .iter()
        .filter(|entry| entry.resource == "selfsubjectaccessreviews" && entry.user == "admin")
        .collect();
    assert!(reviews.len() <= 1, "{reviews:?}");
}

#[tokio::test]
async fn a_right_that_is_given_is_heeded_within_10_s() {
    let stage = Stage::shared().await;
    stage.project("later").await;
    let token = stage.token_of("kubeop-later", "late", "-").await;
    let late = stage.with(Some(&token));
    apply(&stage.admin(), &app("later", "pay", "ghcr.io/acme/pay:1"))
        .await
        .unwrap();
    let before = late.get(SUMMARY).await.unwrap().expect(200).unwrap();
    assert_eq!(before["apps"]["total"], 0);
    stage
        .done("create rolebinding late --clusterrole=view --serviceaccount=kubeop-later:late -n kubeop-later")
        .await;
    wait::until("the right is heeded", Duration::from_secs(15), || async {
        let now = late.get(SUMMARY).await?.expect(200)?;
        ensure!(now["apps"]["total"] == 1, "{now}");
        anyhow::Ok(())
    })
    .await
    .unwrap();
}
