//! The same over HTTPS: the manager API, asked with the token of a service account of the project.

use std::net::SocketAddr;

use anyhow::Result;
use kubeop_tests::manager_api::{Answer, Caller, ca};
use kubeop_tests::{KubeOp, seed};
use serde_json::json;

use crate::acts::NAMESPACE;
use crate::teller::Teller;

/// Looks at what was delivered, and is refused as kubectl is.
pub async fn asked(teller: &mut Teller, kubeop: &KubeOp<'_>, api: SocketAddr) -> Result<()> {
    teller.say("Who has no kubectl asks the manager API, with a token of the cluster and the rights that it has there.");
    teller
        .kubectl(&["create", "serviceaccount", "portal", "-n", NAMESPACE])
        .await?
        .success()?;
    let account = format!("--serviceaccount={NAMESPACE}:portal");
    teller
        .kubectl(&[
            "create",
            "rolebinding",
            "portal",
            "--clusterrole=edit",
            &account,
            "-n",
            NAMESPACE,
        ])
        .await?
        .success()?;
    let token = teller
        .quiet_kubectl(&["create", "token", "portal", "-n", NAMESPACE])
        .await?
        .success()?;
    let caller = Caller::new(api, &ca(kubeop.cluster()).await?, Some(token.trim()))?;

    let summary = caller.get("/v1/analytics/summary").await?;
    show("GET /v1/analytics/summary", &summary);
    let said = summary.json();
    let wanted = [json!({"Image": 1}), json!({"web": 1}), json!({"ghcr.io": 2})];
    let found = [
        &said["apps"]["byKind"],
        &said["apps"]["byProject"],
        &said["images"]["byHost"],
    ];
    teller.check(
        "the summary counts the App, and its image and that of its hook",
        wanted.iter().eq(found),
        &summary.text,
    );

    let evil = seed::sample_app()
        .replace("name: payments\n", "name: evil\n")
        .replace("ghcr.io/acme/payments:2.3.1", "evil.example/x:1");
    teller.file("evil.yaml", &evil)?;
    let refused = caller.post("/v1/apps", &evil).await?;
    show("POST /v1/apps (evil.yaml)", &refused);
    let kubectl = teller
        .kubectl(&["apply", "-n", NAMESPACE, "-f", "evil.yaml"])
        .await?;
    let error = refused.json()["error"].as_str().unwrap_or_default().to_owned();
    teller.check(
        "a foreign image is answered with 400, in the words that kubectl shows",
        refused.status == 400 && !error.is_empty() && kubectl.stderr.contains(&error),
        &refused.text,
    );
    Ok(())
}

fn show(what: &str, answer: &Answer) {
    let text = serde_json::to_string_pretty(&answer.json()).unwrap_or_default();
    println!("> {what}\n< {}\n{text}\n", answer.status);
}
