//! Every way in which something is not done: its status, its words, and one shape for all.

use crate::support::{Stage, app};
use serde_json::json;

#[tokio::test]
async fn whatever_is_not_done_is_told_with_its_status_and_its_reason() {
    let stage = Stage::shared().await;
    tokio::join!(stage.project("mine"), stage.project("theirs"));
    let token = stage.token_of("kubeop-mine", "portal", "edit").await;
    let (mine, nobody, unknown) = (
        stage.with(Some(&token)),
        stage.with(None),
        stage.with(Some("no-such-token")),
    );
    let good = app("mine", "pay", "ghcr.io/acme/pay:1").to_string();
    let mut foreign = app("theirs", "pay", "ghcr.io/acme/pay:1");
    let not_mine = foreign.to_string();
    foreign["metadata"]["namespace"] = json!("kubeop-mine");
    let elsewhere = foreign.to_string();
    let mut unknown_field = app("mine", "pay", "ghcr.io/acme/pay:1");
    unknown_field["spec"]["replica"] = json!(3);
    let unknown_field = unknown_field.to_string();
    let mut no_image = app("mine", "pay", "ghcr.io/acme/pay:1");
    no_image["spec"]["delivery"] = json!({"kind": "Image"});
    let no_image = no_image.to_string();
    let cases = [
        (&nobody, "GET", "/v1/apps", "", 401, "no token"),
        (&nobody, "POST", "/v1/apps", good.as_str(), 401, "no token"),
        (&nobody, "GET", "/v1/analytics/summary", "", 401, "no token"),
        (&unknown, "GET", "/v1/apps/kubeop-mine/pay", "", 401, ""),
        (&unknown, "GET", "/v1/analytics/summary", "", 401, ""),
        (&mine, "GET", "/v1/apps", "", 403, "?namespace="),
        (
            &mine,
            "GET",
            "/v1/apps?namespace=kubeop-theirs",
            "",
            403,
            "kubeop-theirs",
        ),
        (&mine, "GET", "/v1/apps/kubeop-theirs/pay", "", 403, "forbidden"),
        (&mine, "POST", "/v1/apps", not_mine.as_str(), 403, "forbidden"),
        (
            &mine,
            "DELETE",
            "/v1/apps/kubeop-theirs/pay",
            "",
            403,
            "forbidden",
        ),
        (&mine, "GET", "/v1/apps/kubeop-mine/nothing", "", 404, "nothing"),
        (
            &mine,
            "DELETE",
            "/v1/apps/kubeop-mine/nothing",
            "",
            404,
            "nothing",
        ),
        (
            &mine,
            "GET",
            "/v1/apps/kubeop-mine/nothing/revisions",
            "",
            404,
            "nothing",
        ),
        (
            &mine,
            "POST",
            "/v1/apps/kubeop-mine/nothing/rollback",
            r#"{"to": 1}"#,
            404,
            "nothing",
        ),
        (
            &mine,
            "GET",
            "/v1/apps/kubeop-mine/..%2F..%2Fsecrets",
            "",
            404,
            "no such names",
        ),
        (&mine, "GET", "/v1/nothing", "", 404, "/openapi.json"),
        (&mine, "PUT", "/v1/apps", "", 405, "Allow"),
        (
            &mine,
            "POST",
            "/v1/apps?dryrun=true",
            good.as_str(),
            400,
            "Known here: dryRun, force",
        ),
        (&mine, "POST", "/v1/apps", "a: [", 400, "the body, line "),
        (&mine, "POST", "/v1/apps", "", 400, "holds 0 objects"),
        (&mine, "POST", "/v1/apps", unknown_field.as_str(), 400, "replica"),
        (
            &mine,
            "POST",
            "/v1/apps",
            elsewhere.as_str(),
            400,
            "[WrongNamespace]",
        ),
        (
            &mine,
            "POST",
            "/v1/apps",
            no_image.as_str(),
            422,
            "is required for kind Image",
        ),
        (
            &mine,
            "POST",
            "/v1/apps/kubeop-mine/pay/rollback",
            "{}",
            400,
            "previous",
        ),
    ];
    let asked = cases
        .iter()
        .map(|(caller, method, path, body, status, words)| async move {
            let answer = caller.ask(method, path, body).await.unwrap();
            let said = answer.json();
            let what = format!("{method} {path}: {}", answer.text);
            assert_eq!(answer.status, *status, "{what}");
            assert!(
                said["error"].as_str().is_some_and(|error| error.contains(words)),
                "{what}"
            );
            assert!(said["violations"].is_array(), "{what}");
            assert_eq!(answer.field("content-type"), "application/json", "{what}");
            match status {
                401 => assert_eq!(answer.field("www-authenticate"), "Bearer", "{what}"),
                405 => assert_eq!(answer.field("allow"), "GET,HEAD,POST", "{what}"),
                422 => assert_eq!(said["violations"][0]["path"], "spec.delivery.image", "{what}"),
                _ => {}
            }
        });
    futures::future::join_all(asked).await;
    let path = "/v1/apps/kubeop-mine/pay";
    let as_admin = [("impersonate-user", "admin")];
    let answer = mine.ask_with("GET", path, "", &as_admin).await.unwrap();
    answer.expect(400).unwrap();
    // None of it did anything.
    assert!(stage.get("app/pay -n kubeop-mine").await.unwrap().is_null());
}

#[tokio::test]
async fn what_needs_no_token_is_told_to_everybody() {
    let stage = Stage::shared().await;
    let nobody = stage.with(None);
    let version = nobody.get("/version").await.unwrap().expect(200).unwrap();
    assert_eq!(version, json!({"version": env!("CARGO_PKG_VERSION")}));
    let document = nobody.get("/openapi.json").await.unwrap().expect(200).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let page = nobody.get("/").await.unwrap();
    assert_eq!(
        (page.status, page.field("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(
        page.field("content-security-policy")
            .starts_with("default-src 'none'"),
        "{:?}",
        page.head
    );
}
